"""ChartQA: `<split>/<split>_{human,augmented}.json` with the charts in `<split>/png/`; the hub's copy as Parquet.

Sample row: `{"imgname": "41699051005347.png", "query": "How many food items are shown?", "label": "14"}`
"""

from collections.abc import Iterator
from pathlib import Path

from mathse.sources import fields
from mathse.sources.adapter import Adapter
from mathse.sources.raw import Damaged, Faulty, ImageRef, Raw, Row, id_of
from mathse.sources.reading import rows

NAME = "chartqa"


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


def _rows(location: Path) -> Iterator[Row | Damaged]:
    """The rows of the files of questions; a folder has tables and annotations too."""
    return rows(location, _is_questions)


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


ADAPTER = Adapter(NAME, problem, _rows)
