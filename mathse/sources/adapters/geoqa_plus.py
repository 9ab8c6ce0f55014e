"""GeoQA+: pickles of Chinese geometry problems with numeric options and an image each.

Sample row: `{"id": 5, "subject": "如图, ∠1=N_0...", "choice_nums": [30.0, 60.0], "label": 1, "image": <array>, ...}`
"""

from mathse.sources import fields
from mathse.sources.adapter import Adapter
from mathse.sources.geometry_pickles import options, pickled_rows, picture, question_text
from mathse.sources.raw import Raw, Row, id_of

NAME = "geoqa_plus"


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


ADAPTER = Adapter(NAME, problem, pickled_rows, hub=False)
