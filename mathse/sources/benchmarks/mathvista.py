"""MathVista, testmini: 1,000 items with labels; geometry problem solving (GPS) alone has 208.

Locally `testmini.json`, rows by id, with images beside it; on the hub the image is in `decoded_image`.

Sample row: `{"pid": "6", "question": "As shown ...", "image": "images/6.jpg", "choices": ["6cm", "7cm"], "unit": null,
"precision": null, "answer": "6cm", "question_type": "multi_choice", "answer_type": "text", "metadata": {"task": ...}}`
"""

from mathse.answers.official import mathvista
from mathse.sources import fields
from mathse.sources.benchmarks.form import Form, RawItem, Subset, copied, part
from mathse.sources.raw import Faulty, Row

_LANGUAGES = {"english": "en", "chinese": "zh", "persian": "fa"}


def item(row: Row) -> RawItem:
    """A row as an item.

    Raises:
        Faulty: Fields are missing or wrong.
    """
    metadata = part(row, "metadata")
    question, unit = fields.text(row, "question"), fields.text_or_none(row, "unit")
    pictures = fields.pictures(row, "decoded_image", "image")
    if not pictures:
        raise Faulty("missing field", "decoded_image or image")
    return RawItem(
        source="mathvista",
        source_id=fields.value(row, "pid"),
        question=f"{question} (Unit: {unit})" if unit else question,
        answer=fields.value(row, "answer"),
        choices=fields.values(row, "choices"),
        images=fields.within(row.folder, pictures),
        subject=fields.text(metadata, "task"),
        language=_LANGUAGES.get(fields.text(metadata, "language"), "en"),
        official=copied(row, "pid", "question_type", "answer_type", "choices", "unit", "precision", "answer", "query")
        | {"metadata": copied(metadata, "language", "source", "category", "task", "context", "grade", "skills")},
    )


def is_gps(row: Row) -> bool:
    """Whether a row is of geometry problem solving.

    Raises:
        Faulty: It does not say what task it is of.
    """
    return fields.text(part(row, "metadata"), "task") == mathvista.GPS


FORM = Form({None: Subset("testmini"), "gps": Subset("testmini", belongs=is_gps)}, item, mathvista)
