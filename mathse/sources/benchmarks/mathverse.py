r"""MathVerse, testmini: 788 problems in five versions that move text into the picture, and one version without picture.

The five are the benchmark (3,940 items); each can be taken by itself, and text only stands apart. In the version Vision
Only the question is in the picture alone.

Sample row: `{"sample_index": "1", "problem_index": "1", "problem_version": "Text Only", "question": "...\nChoices:\nA:4
\nB:6", "image": "", "answer": "B", "question_type": "multi-choice", "metadata": {"subject": ..., "subfield": ...}}`
"""

from collections.abc import Callable

from mathse.answers.official import mathverse
from mathse.sources import fields, questions
from mathse.sources.benchmarks.form import IN_THE_PICTURE, Form, RawItem, Subset, copied, part
from mathse.sources.raw import Faulty, Row


def item(row: Row) -> RawItem:
    """A row as an item.

    Raises:
        Faulty: Fields are missing or wrong.
    """
    metadata, version = part(row, "metadata"), fields.text(row, "problem_version")
    question, choices = questions.split_options(fields.text(row, "question"))
    pictures = tuple(ref for ref in fields.pictures(row, "image") if ref)
    if not pictures and version != mathverse.TEXT_ONLY:
        raise Faulty("missing field", "image")
    return RawItem(
        source="mathverse",
        source_id=fields.value(row, "sample_index"),
        question=question or (IN_THE_PICTURE if version == mathverse.VERSIONS[-1] else ""),
        answer=fields.value(row, "answer"),
        choices=choices,
        images=fields.within(row.folder, pictures),
        subject=fields.text_or_none(metadata, "subject") or "",
        official=copied(row, "sample_index", "problem_index", "problem_version", "question_type", "answer", "query_cot")
        | {"metadata": copied(metadata, "source", "subject", "subfield")},
    )


def _of(*versions: str) -> Callable[[Row], bool]:
    def belongs(row: Row) -> bool:
        """Whether a row is of the wanted versions; one that is of none of all counts as wanted, to be rejected."""
        found = fields.text(row, "problem_version")
        if found not in (*mathverse.VERSIONS, mathverse.TEXT_ONLY):
            raise Faulty("unknown version", found[:40])
        return found in versions

    return belongs


FORM = Form(
    {
        None: Subset("testmini", "testmini", _of(*mathverse.VERSIONS)),
        **{
            version.lower().replace(" ", "_"): Subset("testmini", "testmini", _of(version))
            for version in mathverse.VERSIONS
        },
        "text_only": Subset("testmini_text_only", "testmini_text_only", _of(mathverse.TEXT_ONLY)),
    },
    item,
    mathverse,
)
