r"""Rows of LLaVA-style chat files: MathVL, MultiMath, and any other with `id, image, conversations[{from, value}]`.

The user's turn is the question, with its options in the text; the model's turn is a worked solution that ends with the
answer. Rows of more than one exchange are rejected: later questions lean on earlier answers.

Sample row: `{"id": "7", "image": "a.png", "conversations": [{"from": "human", "value": "<image>\nFind x."}, ...]}`
"""

import re

from mathse.answers.extract import find
from mathse.answers.tags import without_thought
from mathse.sources.rows import fields, questions
from mathse.sources.rows.raw import Faulty, ImageRef, Raw, SourceRow

_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant"}
_HINT = re.compile(r"^\s*Hint:[^\n]*\n", re.MULTILINE)
_QUESTION = re.compile(r"^\s*Question:\s*", re.MULTILINE)


def problem(row: SourceRow) -> Raw:
    """A chat row as a raw problem.

    Raises:
        Faulty: Fields are missing or wrong, there is more than one exchange, or the reply has no final answer.
    """
    question, reply = exchange(row)
    return solved(question, reply, fields.images(row, "image", "images"))


def exchange(row: SourceRow) -> tuple[str, str]:
    """The question and the reply of a row's conversation; a system turn before them is left out.

    Raises:
        Faulty: `conversations` is missing, malformed, or not one exchange.
    """
    conversation = row.fields.get("conversations") or row.fields.get("messages")
    if not isinstance(conversation, list | tuple):
        raise Faulty("missing field" if conversation is None else "wrong type", "conversations")
    turns: list[tuple[str, str]] = []
    for place, turn in enumerate(conversation):
        if not isinstance(turn, dict):
            raise Faulty("wrong type", f"conversations[{place}]: {type(turn).__name__}")
        role = fields.text(SourceRow("", turn), "from", "role")
        turns.append((_ROLES.get(role, role[:20]), fields.text(SourceRow("", turn), "value", "content")))
    if turns and turns[0][0] == "system":
        del turns[0]
    if [role for role, _ in turns] != ["user", "assistant"]:
        raise Faulty("not one exchange", ", ".join(role for role, _ in turns))
    return turns[0][1], turns[1][1]


def solved(text: str, reply: str, images: tuple[ImageRef, ...]) -> Raw:
    """A raw problem from a question with its options in the text and a reply that ends with the answer.

    Raises:
        Faulty: The reply has no final answer, or it is an option's letter and the question has no options.
    """
    question, choices = questions.split_options(_QUESTION.sub("", _HINT.sub("", text)))
    reply = without_thought(reply)
    final = find(reply)
    if final.answer is None:
        raise Faulty("no final answer", final.place)
    if not choices and questions.letter(final.answer):
        raise Faulty("letter without choices", final.answer)
    return Raw(
        question,
        final.answer,
        choices,
        solution=reply if reply != final.answer else None,
        images=images,
    )
