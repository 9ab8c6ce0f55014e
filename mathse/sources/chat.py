# ruff: noqa: RUF001 (questions come in every script)
r"""Rows of LLaVA-style chat files: MathVL, MultiMath, and any other with `id, image, conversations[{from, value}]`.

The user's turn is the question, with its options in the text; the model's turn is a worked solution that ends with the
answer, or the answer alone, which a field `answer` may state too. Instructions to whoever answers are no part of the
question. Rows of more than one exchange are rejected: later questions lean on earlier answers.

Sample row: `{"id": "7", "image": "a.png", "conversations": [{"from": "human", "value": "<image>\nFind x."}, ...]}`
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mathse.answers.extract import find
from mathse.answers.tags import without_thought
from mathse.sources import reading
from mathse.sources.rows import fields, questions
from mathse.sources.rows.raw import Damaged, Faulty, ImageRef, Raw, SourceRow

_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant"}
_IMAGE_FIELDS = ("image", "images", "image_url")
_IMAGE_FOLDERS = ("", "images", "RGB_images", "data_images", "image")
"""Where the images of chat files lie, beside the file or in a folder above."""
_HINT = re.compile(r"^\s*Hint:[^\n]*\n", re.MULTILINE)
_QUESTION = re.compile(r"(?:^|(?<=[\s.。!！:：>]))(?:Question|问题|题目)[ \t]*[:：][ \t]*", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!] )(?<!e\.g\. )(?<!i\.e\. )|(?<=[。！\n])")
_INSTRUCTION = re.compile(
    r"(?:<image\s?\d*>\s*)?(?:hint|note|instructions?|task|提示|要求)[ \t]*[:：].*"
    r"|(?:please|first|then|finally|answer|solve|think|reason|select|choose|pick|give|provide|respond|output|write|put"
    r"|look at|read|based on|according to|given|use|do not|directly|you (?:are|will|should|need|must)|your task)\b"
    r"(?=.*\b(?:answer|reason|reasoning|solution|options?|letter|choices?|format|step|steps|value|word|phrase|boxed)\b).*"
    r"|(?:请|先|首先|根据|选择|直接|回答|以|用)(?=.*(?:回答|答案|选项|字母|推理|步骤|格式|作答|解答)).*",
    re.IGNORECASE | re.DOTALL,
)
_LAST_LINES = re.compile(
    r"(?:\s*\n[ \t]*(?:(?:please|answer|select|choose|think|reason|first|solve|let's|put|give|respond)\b[^\n]*"
    r"(?:single word or phrase|option'?s? letter|from the (?:given |above )?(?:choices|options)|step[- ]by[- ]step"
    r"|\\boxed|\bdirectly\b)[^\n]*"
    r"|请[^\n]*(?:直接回答|选项|字母|推理|步骤|作答)[^\n]*|(?:answer|答案|解答|solution)[ \t]*[:：]?)[ \t]*)+\s*\Z",
    re.IGNORECASE,
)
_ANNOUNCES = re.compile(
    r"(?:\W|_|\b(?:so|thus|hence|therefore|the|final|correct|right|answer|to|this|that|problem|question|option|choice"
    r"|is|are|it|boxed|text|mathrm|choose|select|left|right)\b"
    r"|故|应|该|本|此|题|选|择|项|正|确|的|答|案|结|果|是|为|所|以|因|得|即|则)*",
    re.IGNORECASE,
)
"""A reply, its answer apart, that gives no reasons."""
_LONGEST_ANSWER = 200
"""Characters of a field `answer` that is one."""


def rows(location: Path, wanted: Callable[[str], bool] = reading.holds_rows) -> Iterator[SourceRow | Damaged]:
    """The rows of chat files; each row's folder is that in which its first image is found, if it is found in any."""
    top = root(location)
    beside = PurePosixPath(reading.root(location).relative_to(top).as_posix())
    for row in reading.rows(location, wanted):
        if isinstance(row, SourceRow):
            row = replace(row, folder=_image_folder(row, beside / row.folder, top))
        yield row


def root(location: Path) -> Path:
    """The folder of chat files with their images: of a file, the one above its own where only that has images."""
    folder = reading.root(location)
    has_images = [any((place / name).is_dir() for name in _IMAGE_FOLDERS[1:]) for place in (folder, folder.parent)]
    return folder.parent if location.is_file() and has_images == [False, True] else folder


def _image_folder(row: SourceRow, beside: PurePosixPath, top: Path) -> str:
    named = next((row.fields[name] for name in _IMAGE_FIELDS if row.fields.get(name)), None)
    first = named[0] if isinstance(named, list | tuple) else named
    folders = [above / name for above in (beside, *beside.parents) for name in _IMAGE_FOLDERS]
    if isinstance(first, str) and not first.startswith("/") and ".." not in PurePosixPath(first).parts:
        spellings = {unicodedata.normalize("NFC", first), unicodedata.normalize("NFD", first)}
        for folder in folders:
            if any(os.path.isfile(top / folder / name) for name in spellings):  # which takes any text for a path
                return _as_text(folder)
    return _as_text(beside)


def _as_text(folder: PurePosixPath) -> str:
    return "" if folder == PurePosixPath() else str(folder)


def problem(row: SourceRow) -> Raw:
    """A chat row as a raw problem.

    Raises:
        Faulty: Fields are missing or wrong, there is more than one exchange, or the reply has no final answer.
    """
    question, reply = exchange(row)
    return solved(row, question, reply, fields.images(row, *_IMAGE_FIELDS))


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


def solved(row: SourceRow, text: str, reply: str, images: tuple[ImageRef, ...]) -> Raw:
    """A raw problem from a question with its options in the text and a reply that ends with the answer.

    Raises:
        Faulty: The reply has no final answer, or it is an option's letter and the question has no options.
    """
    question, choices = questions.split_options(without_instructions(text))
    reply = without_thought(reply)
    final = find(reply)
    stated = fields.gold(row, "answer") if row.fields.get("answer") is not None else ""
    answer = final.answer
    if len(stated) <= _LONGEST_ANSWER and not questions.is_no_answer(stated):
        answer = stated
    if answer is None:
        raise Faulty("no final answer", final.place)
    if not choices and questions.letter(answer):
        raise Faulty("letter without choices", answer)
    before, _, behind = reply.rpartition(final.answer or answer)
    alone = _ANNOUNCES.fullmatch(f"{before} {behind}") is not None
    return Raw(
        question,
        answer,
        choices,
        solution=None if alone else reply,
        images=images,
        level=fields.level(row, "level", "grade"),
    )


def without_instructions(text: str) -> str:
    """The question without what is said to whoever answers it, before `Question:` or in its last lines.

    What stands before `Question:` and is no instruction, such as a context or an image's placeholder, stays.
    """
    text = _HINT.sub("", text)
    if (mark := _QUESTION.search(text)) is not None:
        before = (
            "".join(placeholder[0] for placeholder in questions.PLACEHOLDER.finditer(sentence))
            if _INSTRUCTION.fullmatch(sentence.strip())
            else sentence
            for sentence in _SENTENCE.split(text[: mark.start()])
        )
        text = "".join(before) + text[mark.end() :]
    return _LAST_LINES.sub("", text)
