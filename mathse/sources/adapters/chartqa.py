"""ChartQA: `<split>/<split>_{human,augmented}.json` with the charts in `<split>/png/`; the hub's copy as Parquet.

Sample row: `{"imgname": "41699051005347.png", "query": "How many food items are shown?", "label": "14"}`
"""

from collections.abc import Iterator
from pathlib import Path

from mathse.sources import fields
from mathse.sources.raw import Faulty, ImageRef, Raw, Row, converted, id_of
from mathse.sources.reading import rows
from mathse.tables.schemas import Reject

NAME = "chartqa"


def read(location: Path) -> Iterator[Raw | Reject]:
    """Raw problems and rejects of a file of questions, or of a folder with them (not with tables or annotations)."""
    return converted(NAME, rows(location, _is_questions), problem)


def problem(row: Row) -> Raw:
    """A row as a raw problem.

    Raises:
        Faulty: Fields are missing or wrong, or the label is a list of more than one.
    """
    return Raw(
        source=NAME,
        source_id=id_of(row),
        question=fields.text(row, "query", "question"),
        answer=_label(row),
        images=fields.within(row.folder, _chart(row)),
        subject="charts",
        split=fields.split_in_name(row),
    )


def _is_questions(name: str) -> bool:
    return name.endswith(".parquet") or name.endswith(("_human.json", "_augmented.json", ".jsonl"))


def _chart(row: Row) -> tuple[ImageRef, ...]:
    if row.fields.get("imgname") is not None:
        return fields.within("png", (fields.text(row, "imgname"),))
    found = fields.pictures(row, "image")
    if not found:
        raise Faulty("missing field", "imgname or image")
    return found


def _label(row: Row) -> str:
    found = row.fields.get("label")
    if not isinstance(found, list | tuple):
        return fields.value(row, "label", "answer")
    if len(found) != 1:
        raise Faulty("several answers", str(len(found)))
    return fields.as_value(found[0], "label[0]")
