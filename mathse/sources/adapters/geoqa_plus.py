"""GeoQA+: pickles of Chinese geometry problems with numeric options and an image each.

Sample row: `{"id": 5, "subject": "如图, ∠1=N_0...", "choice_nums": [30.0, 60.0], "label": 1, "image": <array>, ...}`
"""

from collections.abc import Iterator
from pathlib import Path

from mathse.sources import fields
from mathse.sources.adapters.geometry_pickles import options, pickled_rows, picture, question_text
from mathse.sources.raw import Raw, Row, converted, id_of
from mathse.tables.schemas import Reject

NAME = "geoqa_plus"


def read(location: Path) -> Iterator[Raw | Reject]:
    """Raw problems and rejects of a pickle, or of all pickles in a folder."""
    return converted(NAME, pickled_rows(location), problem)


def problem(row: Row) -> Raw:
    """A row as a raw problem; the English text where there is one, else the Chinese.

    Raises:
        Faulty: Fields are missing or wrong.
    """
    choices, letter = options(row)
    return Raw(
        source=NAME,
        source_id=id_of(row),
        question=question_text(row, "English_problem", "subject"),
        answer=letter,
        choices=choices,
        solution=fields.text_or_none(row, "answer"),
        images=(picture(row, "image"),),
        subject=_subject(row),
        language="zh" if row.fields.get("English_problem") is None else "en",
        split=fields.split_in_name(row),
    )


def _subject(row: Row) -> str:
    points = row.fields.get("formal_point")
    if isinstance(points, str):
        return fields.text(row, "formal_point")
    return " ".join(fields.values(row, "formal_point")) or "geometry"
