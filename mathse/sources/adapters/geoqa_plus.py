"""GeoQA+: pickles of Chinese geometry problems, each with numeric options and an image.

Sample row: `{"id": 5, "subject": "如图, ∠1=N_0...", "choice_nums": [30.0, 60.0], "label": 1, "image": <array>, ...}`
"""

from mathse.sources.adapter import Adapter
from mathse.sources.geometry_pickles import options, pickled_rows, picture, question_text
from mathse.sources.rows import fields
from mathse.sources.rows.raw import Raw, SourceRow


def problem(row: SourceRow) -> Raw:
    """A row as a raw problem; the English text where there is one, else the Chinese."""
    choices, letter = options(row)
    question = question_text(row, "English_problem", "subject")
    solution = fields.text_or_none(row, "answer")
    image = picture(row, "image")
    if isinstance(row.fields.get("formal_point"), str):
        subject = fields.text(row, "formal_point")
    else:
        subject = " ".join(fields.values(row, "formal_point")) or "geometry"
    return Raw(question, letter, choices, solution, (image,), subject, split=fields.split_in_name(row))


ADAPTER = Adapter("geoqa_plus", problem, pickled_rows, hub=False)
