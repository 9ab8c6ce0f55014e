"""ChartQA: `<split>/<split>_{human,augmented}.json` with the charts in `<split>/png/`; the hub's copy as Parquet.

Sample row: `{"imgname": "41699051005347.png", "query": "How many food items are shown?", "label": "14"}`
"""

from collections.abc import Iterator
from pathlib import Path

from mathse.sources import fields, reading
from mathse.sources.adapter import Adapter
from mathse.sources.raw import Damaged, Faulty, Raw, Row, id_of


def problem(row: Row) -> Raw:
    """A row as a raw problem; `Faulty` if its label is a list of more than one."""
    question, label = fields.text(row, "query", "question"), row.fields.get("label")
    if not isinstance(label, list | tuple):
        answer = fields.value(row, "label", "answer")
    elif len(label) == 1:
        answer = fields.as_value(label[0], "label[0]")
    else:
        raise Faulty("several answers", str(len(label)))
    if row.fields.get("imgname") is not None:
        images = fields.within(row.folder, fields.within("png", (fields.text(row, "imgname"),)))
    else:
        images = fields.images(row, "image")
    if not images:
        raise Faulty("missing field", "imgname or image")
    return Raw(
        question,
        answer,
        images=images,
        subject="charts",
        split=fields.split_in_name(row),
        source_id=id_of(row),  # the benchmark makes its items of this too, and knows them by their ids
    )


def rows(location: Path) -> Iterator[Row | Damaged]:
    """The rows of the files of questions; a folder has tables and annotations too."""
    endings = ("_human.json", "_augmented.json", ".jsonl", ".parquet")
    return reading.rows(location, lambda name: name.endswith(endings))


ADAPTER = Adapter("chartqa", problem, rows)
