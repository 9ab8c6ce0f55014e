"""MAVIS Geometry and MAVIS Function: one problem in several versions, of which the one with most text is taken.

Each version is an image and a question that belong together; the text-dominant one says most in words. Where it is
missing the next one is taken, never the image of one with the question of another.

Sample row: `{"id": 3, "image_text_dominant": "3.png", "text_en": {"text_dominant_question": "..."}, "answer_index": 1}`
"""

from collections.abc import Mapping

from mathse.sources.rows import fields, questions
from mathse.sources.rows.raw import Faulty, Raw, SourceRow


def problem(row: SourceRow, subject: str) -> Raw:
    """A row as a raw problem.

    Raises:
        Faulty: Fields are missing or wrong, no version is whole, or the answer's index is none of the choices'.
    """
    texts = row.fields.get("text_en")
    if not isinstance(texts, Mapping):
        raise Faulty("missing field" if texts is None else "wrong type", "text_en")
    text_row = SourceRow(row.place, texts)
    for version in ("text_dominant", "text_lite", "vision_dominant"):
        images = fields.images(row, f"image_{version}")
        question = fields.text_or_none(text_row, f"{version}_question", version)
        if images and question:
            break
    else:
        raise Faulty("no whole version", "no image with its question")
    choices = questions.unlabelled(fields.values(row, "choices"))
    if not choices:
        question, choices = questions.split_options(question)
    if choices:
        answer = questions.letter_at(fields.whole(row, "answer_index"), choices, "answer_index")
    else:
        answer = fields.value(row, "answer")
    return Raw(
        question,
        answer,
        choices,
        solution=fields.text_or_none(text_row, "CoT_reasoning", "cot_reasoning", "solution"),
        images=images,
        subject=subject,
    )
