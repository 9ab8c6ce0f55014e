r"""MathVerse, testmini: 788 problems in five versions that move text into the picture, and one version without picture.

The five are the benchmark (3,940 items); each can be taken by itself, and text only stands apart. In the version Vision
Only the question is in the picture alone.

Their extraction and their comparison of answers are a language model's work (script `evaluation/score_answer_s2.py` of
ZrrSkywalker/MathVerse); before it is asked, quick match looks whether the extraction equals the gold answer as text.

Sample row: `{"sample_index": "1", "problem_index": "1", "problem_version": "Text Only", "question": "...\nChoices:\nA:4
\nB:6", "image": "", "answer": "B", "question_type": "multi-choice", "metadata": {"subject": ..., "subfield": ...}}`
Sample: `quick_match("D", "D")`  ->  `True`
"""

from collections.abc import Callable, Sequence
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
    metadata, version = part(row, "metadata"), fields.text(row, "problem_version")
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


def _is_one_of(*versions: str) -> Callable[[SourceRow], bool]:
    def belongs(row: SourceRow) -> bool:
        version = fields.text(row, "problem_version")
        if version not in (*VERSIONS, TEXT_ONLY):
            raise Faulty("unknown version", version[:40])
        return version in versions

    return belongs


def option_letter(item: BenchmarkItem, answer: str) -> str:
    """The letter of an option that is given by its value; any other answer as it is."""
    places = [place for place, choice in enumerate(item.choices) if choice.strip() == answer.strip()]
    return questions.LETTERS[places[0]] if len(places) == 1 else answer


def quick_match(gold: str, extraction: object) -> bool:
    """Whether the extraction is the gold answer, sign by sign."""
    return gold == extraction


def verdict(row: Fields) -> dict[str, Any]:
    """The official field `judgement` of a row: 1 or 0."""
    return {"judgement": int(quick_match(text(row, "answer"), field(row, "extraction")))}


def tables(rows: Sequence[Fields]) -> dict[str, Groups]:
    """Overall (the five versions; text only apart), by version, and of the five by subject and by subfield."""

    def set_apart(row: Fields) -> list[str]:
        return ["text only"] if row.get("problem_version") == TEXT_ONLY else ["all"]

    pictured = [row for row in rows if row.get("problem_version") != TEXT_ONLY]
    versions = tally_by(rows, "judgement", "problem_version")
    ordered = [name for name in VERSIONS if name in versions] + [name for name in versions if name not in VERSIONS]
    groups = {
        "overall": tally(rows, "judgement", set_apart),
        "version": {name: versions[name] for name in ordered},
        "subject": tally(pictured, "judgement", lambda row: values(_category(row), "subject")),
        "subfield": tally(pictured, "judgement", _subfields),
    }
    return {title: group for title, group in groups.items() if group}


def _category(row: Fields) -> Fields:
    """Subject and subfield: in `metadata`, which the script's own copy of the rows calls `category`."""
    category = row.get("category") or row.get("metadata")
    return category if isinstance(category, dict) else {}


def _subfields(row: Fields) -> list[str]:
    category = _category(row)
    return [
        f"{subject}: {subfield}" for subject in values(category, "subject") for subfield in values(category, "subfield")
    ]


def scores(rows: Sequence[Fields]) -> dict[str, Any]:
    """The same tables with accuracies as shares of three decimals, which is how the official script prints them."""
    return as_shares(tables(rows), "accuracy", 3)


BENCHMARK = Benchmark(
    name="mathverse",
    subsets={
        None: Subset(3940, "testmini", "testmini", _is_one_of(*VERSIONS), column=Column(3, "MathVerse")),
        **{
            version.lower().replace(" ", "_"): Subset(788, "testmini", "testmini", _is_one_of(version))
            for version in VERSIONS
        },
        "text_only": Subset(788, "testmini_text_only", "testmini_text_only", _is_one_of(TEXT_ONLY)),
    },
    item=item,
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
