"""Geometry3K, in both its forms.

Raw (InterGPS): a folder a problem, `<id>/{data.json, img_diagram.png}`, below `train`, `val` and `test` where all are
there. Hub (`hiyouga/geometry3k`): `images, problem, answer`, in some copies `id, choices, ground_truth` too.

Sample `data.json`: `{"id": 14, "problem_text": "Find x.", "choices": ["36", "48", "66", "72"], "answer": "B", ...}`
"""

from collections.abc import Iterator
from pathlib import Path

from mathse.sources import fields, questions
from mathse.sources.raw import Damaged, Raw, Row, converted, id_of
from mathse.sources.reading import files, root, rows, single
from mathse.tables.schemas import Reject

NAME = "geometry3k"
_ANNOTATION = "data.json"
_DIAGRAM = "img_diagram.png"


def read(location: Path) -> Iterator[Raw | Reject]:
    """Raw problems and rejects of a folder in the raw form, or of files in the hub's form."""
    if location.is_dir() and next(files(location, _is_annotation), None) is not None:
        return converted(NAME, _folders(location), from_folder)
    return converted(NAME, rows(location), problem)


def from_folder(row: Row) -> Raw:
    """A `data.json` as a raw problem; the diagram lies beside it.

    Raises:
        Faulty: Fields are missing or wrong.
    """
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


def problem(row: Row) -> Raw:
    """A row of the hub's form as a raw problem.

    Raises:
        Faulty: Fields are missing or wrong.
    """
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


def _is_annotation(name: str) -> bool:
    return name == _ANNOTATION


def _folders(location: Path) -> Iterator[Row | Damaged]:
    for file in files(location, _is_annotation):
        yield single(file, root(location))
