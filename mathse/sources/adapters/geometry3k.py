"""Geometry3K, in both its forms.

Raw (InterGPS): a folder a problem, `<id>/{data.json, img_diagram.png}`, below `train`, `val` and `test` where all are
there. Hub (`hiyouga/geometry3k`): `images, problem, answer`, in some copies `id, choices, ground_truth` too.

Sample `data.json`: `{"id": 14, "problem_text": "Find x.", "choices": ["36", "48", "66", "72"], "answer": "B", ...}`
"""

from collections.abc import Iterator
from pathlib import Path

from mathse.sources import fields, questions
from mathse.sources.adapter import Adapter
from mathse.sources.raw import Damaged, Raw, Row, id_of
from mathse.sources.reading import files, root, rows, single

NAME = "geometry3k"
_ANNOTATION = "data.json"
_DIAGRAM = "img_diagram.png"


def problem(row: Row) -> Raw:
    """A row of either form as a raw problem.

    Raises:
        Faulty: Fields are missing or wrong.
    """
    # Of a file with many rows the place ends with a row's number.
    return _of_folder(row) if row.place.endswith(_ANNOTATION) else _of_hub(row)


def _of_folder(row: Row) -> Raw:
    """A `data.json`; the diagram lies beside it."""
    kinds = fields.values(row, "problem_type_graph") + fields.values(row, "problem_type_goal")
    return Raw(
        source=NAME,
        source_id=id_of(row),
        # The annotators' text has its formulas between dollars; problem_text is the same without them.
        question=fields.text_or_none(row, "annotat_text") or fields.text(row, "problem_text"),
        answer=fields.text(row, "answer"),
        choices=fields.values(row, "choices"),
        solution=fields.text_or_none(row, "detailed_solution"),
        images=(f"{row.folder}/{_DIAGRAM}" if row.folder else _DIAGRAM,),
        subject=" ".join(kinds).lower(),
        split=fields.text_or_none(row, "data_type"),
    )


def _of_hub(row: Row) -> Raw:
    question, choices = fields.text(row, "problem"), fields.values(row, "choices")
    if not choices:
        question, choices = questions.split_options(question)
    return Raw(
        source=NAME,
        source_id=id_of(row),
        question=question,
        answer=fields.value(row, "ground_truth", "answer") if choices else fields.value(row, "answer"),
        choices=questions.unlabelled(choices),
        images=fields.within(row.folder, fields.pictures(row, "images", "image")),
        subject="geometry",
    )


def _rows(location: Path) -> Iterator[Row | Damaged]:
    """The annotations of a folder in the raw form, or the rows of files in the hub's form."""
    if location.is_dir() and next(files(location, _is_annotation), None) is not None:
        return _annotations(location)
    return rows(location)


def _is_annotation(name: str) -> bool:
    return name == _ANNOTATION


def _annotations(location: Path) -> Iterator[Row | Damaged]:
    for file in files(location, _is_annotation):
        yield single(file, root(location))


ADAPTER = Adapter(NAME, problem, _rows)
