"""Geometry3K, in both its forms.

Raw (InterGPS): a folder per problem, `<id>/{data.json, img_diagram.png}`, below `train`, `val` and `test` where all are
there. Hub (`hiyouga/geometry3k`): `images, problem, answer`, in some copies `id, choices, ground_truth` too.

Sample `data.json`: `{"id": 14, "problem_text": "Find x.", "choices": ["36", "48", "66", "72"], "answer": "B", ...}`
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from mathse.sources import reading
from mathse.sources.adapter import Adapter
from mathse.sources.rows import fields, questions
from mathse.sources.rows.raw import Damaged, Raw, SourceRow

_ANNOTATION = "data.json"


def problem(row: SourceRow) -> Raw:
    """A row of either form as a raw problem."""
    if row.place.endswith(_ANNOTATION):  # of a file with many rows the place ends with a row's number
        kinds = fields.values(row, "problem_type_graph") + fields.values(row, "problem_type_goal")
        return Raw(
            # The annotators' text has its formulas between dollars; problem_text is the same without them.
            question=fields.text_or_none(row, "annotat_text") or fields.text(row, "problem_text"),
            answer=fields.text(row, "answer"),
            choices=fields.values(row, "choices"),
            solution=fields.text_or_none(row, "detailed_solution"),
            images=fields.within(row.folder, ("img_diagram.png",)),
            subject=" ".join(kinds).lower(),
            split=fields.text_or_none(row, "data_type"),
        )
    question, choices = fields.text(row, "problem"), fields.values(row, "choices")
    if not choices:
        question, choices = questions.split_options(question)
    return Raw(
        question=question,
        answer=fields.value(row, "ground_truth", "answer") if choices else fields.value(row, "answer"),
        choices=questions.unlabelled(choices),
        images=fields.images(row, "images", "image"),
        subject="geometry",
    )


def rows(location: Path) -> Iterator[SourceRow | Damaged]:
    """The annotations of a folder in the raw form, or the rows of files in the hub's form."""
    annotations = reading.files(location, lambda name: name == _ANNOTATION) if location.is_dir() else iter(())
    first = next(annotations, None)
    if first is None:
        yield from reading.rows(location)
        return
    for file in chain([first], annotations):
        yield reading.single(file, location)


ADAPTER = Adapter("geometry3k", problem, rows)
