"""MathVL-test (2,000 problems): not released. A local file of it, or any held-out set of your own, in our own schema.

The file is `mathvl_test.json`, `.jsonl` or `.parquet`, or any that `path` names. Rows have the names of
`mathse.tables.schemas.Problem`; images are paths beside the file, one or a list. No rule is official: our own
grader scores.

Sample row: `{"source_id": "12", "question": "Find x.", "choices": ["30", "45"], "answer": "B", "images": ["12.png"]}`
"""

from mathse.sources import fields
from mathse.sources.benchmarks.form import Form, RawItem, Subset
from mathse.sources.raw import Row, id_of


def item(row: Row) -> RawItem:
    """A row as an item.

    Raises:
        Faulty: Fields are missing or wrong.
    """
    return RawItem(
        source="mathvl_test",
        source_id=fields.value(row, "source_id", "problem_id") if _is_named(row) else id_of(row),
        question=fields.text(row, "question"),
        answer=fields.value(row, "answer"),
        choices=fields.values(row, "choices"),
        images=fields.within(row.folder, fields.pictures(row, "images", "image")),
        subject=fields.text_or_none(row, "subject") or "",
        level=fields.level(row, "level"),
        language=fields.text_or_none(row, "language") or "en",
    )


def _is_named(row: Row) -> bool:
    return row.fields.get("source_id") is not None or row.fields.get("problem_id") is not None


FORM = Form({None: Subset("test", files=("mathvl_test", "test"))}, item)
