r"""MathVerse, testmini: 788 problems in five versions that move text into the picture, and one version without picture.

The five are the benchmark (3,940 items); each can be taken by itself, and text only stands apart. In the version Vision
Only the question is in the picture alone.

Their extraction and their comparison of answers are a language model's work (script `evaluation/score_answer_s2.py` of
ZrrSkywalker/MathVerse); before it is asked, quick match looks whether the extraction equals the gold answer as text.

Sample row: `{"sample_index": "1", "problem_index": "1", "problem_version": "Text Only", "question": "...\nChoices:\nA:4
\nB:6", "image": "", "answer": "B", "question_type": "multi-choice", "metadata": {"subject": ..., "subfield": ...}}`
Sample: `verdict({"answer": "D", "extraction": "D"})`  ->  `{"judgement": 1}`
"""

from collections.abc import Sequence
from typing import Any

from mathse.benchmarks.benchmark import IN_THE_PICTURE, Benchmark, Column, RawItem, Subset, copied, part
from mathse.benchmarks.official import Fields, Groups, as_shares, field, tally, tally_by, text, values
from mathse.benchmarks.rule import Rule
from mathse.sources.rows import fields, questions
from mathse.sources.rows.raw import Faulty, SourceRow
from mathse.tables.schemas import BenchmarkItem

VERSIONS = ("Text Dominant", "Text Lite", "Vision Intensive", "Vision Dominant", "Vision Only")
"""From most text to most picture."""
TEXT_ONLY = "Text Only"


def item(row: SourceRow) -> RawItem:
    """A row as an item."""
    metadata, version = part(row, "metadata"), version_of(row)
    question, choices = questions.split_options(fields.text(row, "question"))
    pictures = tuple(ref for ref in fields.pictures(row, "image") if ref)
    if not pictures and version != TEXT_ONLY:
        raise Faulty("missing field", "image")
    return RawItem(
        source_id=fields.value(row, "sample_index"),
        question=question or (IN_THE_PICTURE if version == VERSIONS[-1] else ""),
        answer=fields.value(row, "answer"),
        choices=choices,
        images=fields.within(row.folder, pictures),
        subject=fields.text_or_none(metadata, "subject") or "",
        official=copied(row, "sample_index", "problem_index", "problem_version", "question_type", "answer", "query_cot")
        | {"metadata": copied(metadata, "source", "subject", "subfield")},
    )


def version_of(row: SourceRow) -> str:
    """How much of the problem is text.

    Raises:
        Faulty: It is none of the six versions.
    """
    version = fields.text(row, "problem_version")
    if version not in (*VERSIONS, TEXT_ONLY):
        raise Faulty("unknown version", version[:40])
    return version


def option_letter(item: BenchmarkItem, answer: str) -> str:
    """The letter of an option that is given by its value; any other answer as it is."""
    places = [place for place, choice in enumerate(item.choices) if choice.strip() == answer.strip()]
    return questions.LETTERS[places[0]] if len(places) == 1 else answer


def verdict(row: Fields) -> dict[str, Any]:
    """The official field `judgement` of a row: 1 where the extraction is the gold answer sign by sign, else 0."""
    return {"judgement": int(text(row, "answer") == field(row, "extraction"))}


def tables(rows: Sequence[Fields]) -> dict[str, Groups]:
    """Overall (the five versions; text only apart), by version, and of the five by subject and by subfield."""
    pictured = []
    for row in rows:
        if row.get("problem_version") != TEXT_ONLY:
            # The script's own copy of the rows calls it `category`.
            category = row.get("category") or row.get("metadata")
            pictured.append({**(category if isinstance(category, dict) else {}), "judgement": row["judgement"]})

    def subfields(row: Fields) -> list[str]:
        return [f"{subject}: {field}" for subject in values(row, "subject") for field in values(row, "subfield")]

    versions = tally_by(rows, "judgement", "problem_version")
    ordered = [name for name in VERSIONS if name in versions] + [name for name in versions if name not in VERSIONS]
    groups = {
        "overall": tally(
            rows, "judgement", lambda row: ["text only" if row.get("problem_version") == TEXT_ONLY else "all"]
        ),
        "version": {name: versions[name] for name in ordered},
        "subject": tally_by(pictured, "judgement", "subject"),
        "subfield": tally(pictured, "judgement", subfields),
    }
    return {title: group for title, group in groups.items() if group}


def scores(rows: Sequence[Fields]) -> dict[str, Any]:
    """The same tables with accuracies as shares of three decimals, which is how the official script prints them."""
    return as_shares(tables(rows), "accuracy", 3)


BENCHMARK = Benchmark(
    name="mathverse",
    subsets={
        None: Subset(3940, "testmini", "testmini", VERSIONS, column=Column(3, "MathVerse")),
        **{version.lower().replace(" ", "_"): Subset(788, "testmini", "testmini", (version,)) for version in VERSIONS},
        "text_only": Subset(788, "testmini_text_only", "testmini_text_only", (TEXT_ONLY,)),
    },
    item=item,
    division=version_of,
    rule=Rule(
        verdict,
        "judgement",
        tables,
        scores,
        reads="extraction",
        needs=("answer", "extraction"),
        ids=("problem_version", "sample_index"),  # text only counts its samples anew
        prepare=option_letter,
        extractor=True,
        matcher=True,
    ),
    query="query_cot",
    problem="problem_index",
)
