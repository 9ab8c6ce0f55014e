"""MAVIS Geometry and MAVIS Function: one problem in several versions, of which the one with most text is taken.

Each version is an image and a question that belong together; the text-dominant one says most in words. Where it is
missing the next one is taken, never the image of one with the question of another.

Sample row: `{"id": 3, "image_text_dominant": "3.png", "text_en": {"text_dominant_question": "..."}, "answer_index": 1}`
"""

from collections.abc import Mapping

from mathse.sources import fields, questions
from mathse.sources.raw import Faulty, ImageRef, Raw, Row, id_of

_VERSIONS = ("text_dominant", "text_lite", "vision_dominant")


def problem(row: Row, subject: str) -> Raw:
    """A row as a raw problem.

    Raises:
        Faulty: Fields are missing or wrong, no version is whole, or the answer's index is none of the choices'.
    """
    texts = row.fields.get("text_en")
    if not isinstance(texts, Mapping):
        raise Faulty("missing field" if texts is None else "wrong type", "text_en")
    text_row = Row(row.place, texts)
    pictures, question = _version(row, text_row)
    choices = questions.unlabelled(fields.values(row, "choices"))
    if not choices:
        question, choices = questions.split_options(question)
    return Raw(
        source="mavis",
        source_id=id_of(row),
        question=question,
        answer=_answer(row, choices),
        choices=choices,
        solution=fields.text_or_none(text_row, "CoT_reasoning", "cot_reasoning", "solution"),
        images=fields.within(row.folder, pictures),
        subject=subject,
    )


def _version(row: Row, texts: Row) -> tuple[tuple[ImageRef, ...], str]:
    for version in _VERSIONS:
        pictures = fields.pictures(row, f"image_{version}")
        question = fields.text_or_none(texts, f"{version}_question", version)
        if pictures and question:
            return pictures, question
    raise Faulty("no whole version", "no image with its question")


def _answer(row: Row, choices: tuple[str, ...]) -> str:
    if not choices:
        return fields.value(row, "answer")
    place = fields.whole(row, "answer_index")
    if not 0 <= place < min(len(choices), len(questions.LETTERS)):
        raise Faulty("gold is not among the choices", f"answer_index {place} of {len(choices)}")
    return questions.LETTERS[place]
