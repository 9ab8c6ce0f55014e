r"""Rows of LLaVA-style chat files: MathVL, MultiMath, and any other with `id, image, conversations[{from, value}]`.

The user's turn is the question, with its options in the text; the model's turn is a worked solution that ends with the
answer. Rows of more than one exchange are rejected: later questions lean on earlier answers.

Sample row: `{"id": "7", "image": "a.png", "conversations": [{"from": "human", "value": "<image>\nFind x."}, ...]}`
"""

import re

from mathse.answers.extract import find
from mathse.sources import fields, questions
from mathse.sources.raw import Faulty, ImageRef, Raw, Row, id_of

_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant"}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_HINT = re.compile(r"^\s*Hint:[^\n]*\n", re.MULTILINE)
_QUESTION = re.compile(r"^\s*Question:\s*", re.MULTILINE)


def problem(row: Row) -> Raw:
    """A chat row as a raw problem.

    Raises:
        Faulty: Fields are missing or wrong, there is more than one exchange, or the reply has no final answer.
    """
    asked, reply = exchange(row)
    pictures = fields.within(row.folder, fields.pictures(row, "image", "images"))
    return solved(row, asked, reply, pictures)


def exchange(row: Row) -> tuple[str, str]:
    """The question and the reply of a row's conversation; a system turn before them is left out.

    Raises:
        Faulty: `conversations` is missing, malformed, or not one exchange.
    """
    turns = row.fields.get("conversations") or row.fields.get("messages")
    if not isinstance(turns, list | tuple):
        raise Faulty("missing field" if turns is None else "wrong type", "conversations")
    said = [_turn(turn, place) for place, turn in enumerate(turns)]
    if said and said[0][0] == "system":
        said = said[1:]
    if [role for role, _ in said] != ["user", "assistant"]:
        raise Faulty("not one exchange", ", ".join(role for role, _ in said))
    return said[0][1], said[1][1]


def solved(row: Row, asked: str, reply: str, pictures: tuple[ImageRef, ...]) -> Raw:
    """A raw problem from a question with its options in the text and a reply that ends with the answer.

    Raises:
        Faulty: The reply has no final answer, or it is an option's letter and the question has no options.
    """
    question, choices = questions.split_options(_QUESTION.sub("", _HINT.sub("", asked)))
    found = find(reply)
    if found.answer is None:
        raise Faulty("no final answer", found.place)
    if not choices and questions.letter(found.answer):
        raise Faulty("letter without choices", found.answer)
    return Raw(
        source="chat",
        source_id=id_of(row),
        question=question,
        answer=found.answer,
        choices=choices,
        solution=reply if reply != found.answer else None,
        images=pictures,
        language="zh" if _CHINESE.search(question) else "en",
    )


def _turn(turn: object, place: int) -> tuple[str, str]:
    if not isinstance(turn, dict):
        raise Faulty("wrong type", f"conversations[{place}]: {type(turn).__name__}")
    said = Row("", turn)
    role = fields.text(said, "from", "role")
    return _ROLES.get(role, role[:20]), fields.text(said, "value", "content")
