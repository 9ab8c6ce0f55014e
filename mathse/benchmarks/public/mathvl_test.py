"""MathVL-test (2,000 problems): not released. A local file of it, or any held-out set of your own, in our own schema.

The file is `mathvl_test.json`, `.jsonl` or `.parquet`, or any that `path` names. Rows have the names of
`mathse.tables.schemas.Problem`; images are paths beside the file, one or a list. No rule is official: our own
grader scores.

Sample row: `{"source_id": "12", "question": "Find x.", "choices": ["30", "45"], "answer": "B", "images": ["12.png"]}`
"""

from mathse.benchmarks.benchmark import Benchmark, RawItem, Subset
from mathse.sources.rows import fields
from mathse.sources.rows.raw import SourceRow, id_of


def item(row: SourceRow) -> RawItem:
    """A row as an item."""
    has_id = any(row.fields.get(name) is not None for name in ("source_id", "problem_id"))
    return RawItem(
        source_id=fields.value(row, "source_id", "problem_id") if has_id else id_of(row),
        question=fields.text(row, "question"),
        answer=fields.value(row, "answer"),
        choices=fields.values(row, "choices"),
        images=fields.images(row, "images", "image"),
        subject=fields.text_or_none(row, "subject") or "",
        level=fields.level(row, "level"),
    )


BENCHMARK = Benchmark("mathvl_test", {None: Subset(0, "test", files=("mathvl_test", "test"))}, item)
