r"""MATH-Vision: test (3,040 items), and testmini (304).

One picture an item, however many `<image3>` the question names: several are drawn into one file. Options that are no
more than letters stand in the picture.

Sample row: `{"id": "6", "question": "... In which picture ...?\n<image1>", "options": ["A", "B", "C", "D", "E"],
"answer": "D", "solution": null, "level": 3, "subject": "logic", "image": "images/6.jpg"}`
"""

from mathse.answers.official import mathvision
from mathse.sources import fields, questions
from mathse.sources.benchmarks.form import IN_THE_PICTURE, Form, RawItem, Subset, copied
from mathse.sources.raw import Faulty, Row


def item(row: Row) -> RawItem:
    """A row as an item.

    Raises:
        Faulty: Fields are missing or wrong.
    """
    pictures = fields.pictures(row, "decoded_image", "image")
    if not pictures:
        raise Faulty("missing field", "decoded_image or image")
    question = fields.text(row, "question")
    return RawItem(
        source="mathvision",
        source_id=fields.value(row, "id"),
        question=questions.without_placeholders(question) or (IN_THE_PICTURE if question else ""),
        answer=fields.value(row, "answer"),
        choices=fields.values(row, "options"),
        images=fields.within(row.folder, pictures),
        subject=fields.text(row, "subject"),
        level=fields.level(row, "level"),
        official=copied(row, "id", "options", "answer", "level", "subject"),
    )


FORM = Form({None: Subset("test"), "testmini": Subset("testmini")}, item, mathvision)
