r"""TabMWP: questions about a table that is shown as a picture.

Two forms. The data set itself, `problems_*.json`: problems by id, images in `tables/<id>.png`. And a recorded teacher,
`distilled_cot.json`: chat rows with images in `images/`, whose solutions `recorded` yields as well. A recorded row has
no gold answer of its own; the recorded solution's answer stands in for it.

Sample: `{"image": "38064.png", "conversations": [{"from": "user", "value": "... or a surplus?\nOptions:..."}, ...]}`
"""

import re
from pathlib import PurePosixPath

from mathse.sources.adapter import Adapter, own_solutions
from mathse.sources.chat import exchange
from mathse.sources.rows import fields, questions
from mathse.sources.rows.raw import Faulty, Raw, SourceRow, id_of

_ANSWER = re.compile(r"^Answer:[ \t]*(\S[^\n]*)\Z", re.MULTILINE)
_INSTRUCTION = re.compile(r"\n?^(?:First generate a step-by-step solution|Answer the question)[^\n]*\Z", re.MULTILINE)


def problem(row: SourceRow) -> Raw:
    """A row of either form as a raw problem; `Faulty` if a recorded solution does not end with its answer."""
    return _recorded_problem(row) if "conversations" in row.fields else _own_problem(row)


def _own_problem(row: SourceRow) -> Raw:
    choices, answer = fields.values(row, "choices"), fields.value(row, "answer")
    name = row.key or id_of(row)
    unit = fields.text_or_none(row, "unit")
    question = fields.text(row, "question")
    return Raw(
        question=f"{question} (Unit: {unit})" if unit else question,
        answer=questions.LETTERS[choices.index(answer)] if answer in choices[:26] else answer,
        choices=choices,
        solution=fields.text_or_none(row, "solution"),
        images=fields.within(row.folder, fields.within("tables", (f"{name}.png",))),
        subject="tables",
        level=fields.level(row, "grade"),
        split=fields.text_or_none(row, "split"),
        source_id=name,
    )


def _recorded_problem(row: SourceRow) -> Raw:
    text, reply = exchange(row)
    final = _ANSWER.search(reply)
    if final is None:
        raise Faulty("no final answer", "the last line is not 'Answer: ...'")
    question, choices = questions.split_options(_INSTRUCTION.sub("", text))
    if not choices and questions.letter(final[1]):
        raise Faulty("letter without choices", final[1])
    images = fields.images(row, "image", below="images")
    # Without an id of its own, a row is known by its image, which the data set names after the problem.
    named = images[0] if images and "id" not in row.fields else None
    return Raw(
        question,
        final[1].strip(),
        choices,
        solution=reply,
        images=images,
        subject="tables",
        source_id=PurePosixPath(named).stem if isinstance(named, str) else "",
    )


ADAPTER = Adapter("tabmwp", problem, recorded=own_solutions("tabmwp"))
