"""MathVista, testmini: 1,000 items with labels; geometry problem solving (GPS) alone has 208.

Locally `testmini.json`, rows by id, with images beside it; on the hub the image is in `decoded_image`.

Their extraction of an answer is a language model's work; from there on it is a rule (script
`evaluation/calculate_score.py` of lupantech/MathVista): the extraction becomes a prediction of the answer's type, and
is right if it equals the gold answer as text.

Sample row: `{"pid": "6", "question": "As shown ...", "image": "images/6.jpg", "choices": ["6cm", "7cm"], "unit": null,
"precision": null, "answer": "6cm", "question_type": "multi_choice", "answer_type": "text", "metadata": {"task": ...}}`
Sample: `predict("(B)", "multi_choice", "text", ["40", "45"])`  ->  `"45"`
"""

import re
from collections.abc import Sequence
from typing import Any

from mathse.benchmarks.benchmark import Benchmark, Column, RawItem, Subset, copied, part
from mathse.benchmarks.official import (
    BadRow,
    Fields,
    Groups,
    Tally,
    field,
    official_fields,
    overall,
    tally_by,
    text,
    texts,
)
from mathse.benchmarks.rule import Rule
from mathse.sources.rows import fields, language
from mathse.sources.rows.raw import Faulty, SourceRow
from mathse.tables.schemas import BenchmarkItem

KEYS = ("question_type", "answer_type", "language", "source", "category", "task", "context", "grade", "skills")
"""What the official tables are broken down by, in their order."""
GPS = "geometry problem solving"
GPS_ROW = f"{GPS} (GPS)"

_FORMS = {
    "integer": "The answer is a whole number.",
    "float": "The answer is a decimal number.",
    "list": "The answer is a list of values, such as [1, 2, 3].",
}
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_OPTION = re.compile(r"\(([a-zA-Z])\)")


def item(row: SourceRow) -> RawItem:
    """A row as an item."""
    metadata = part(row, "metadata")
    question, unit = fields.text(row, "question"), fields.text_or_none(row, "unit")
    images = fields.images(row, "decoded_image", "image")
    if not images:
        raise Faulty("missing field", "decoded_image or image")
    return RawItem(
        source_id=fields.value(row, "pid"),
        question=f"{question} (Unit: {unit})" if unit else question,
        answer=fields.value(row, "answer"),
        choices=fields.values(row, "choices"),
        images=images,
        subject=fields.text(metadata, "task"),
        language=language.stated(fields.text(metadata, "language")) or "",
        official=copied(row, "pid", "question_type", "answer_type", "choices", "unit", "precision", "answer", "query")
        | {"metadata": copied(metadata, "language", "source", "category", "task", "context", "grade", "skills")},
    )


def answer_form(item: BenchmarkItem) -> str:
    """What the official query says of the form of an answer that is no option's letter."""
    official = official_fields(item)
    form = _FORMS.get(official.get("answer_type", ""), "The answer is a value or a word.")
    precision = official.get("precision")
    return form + (f" Give {precision:g} decimal places." if isinstance(precision, int | float) else "")


def bare_answer(item: BenchmarkItem, reply: str) -> str | None:
    """The answer of a reply that is nothing else, about which the official script asks no model."""
    official = official_fields(item)
    if official["question_type"] == "multi_choice" and reply in item.choices:
        return reply
    try:
        if official["answer_type"] == "integer":
            return str(int(reply))
        if official["answer_type"] == "float":
            return str(float(reply))
    except ValueError:
        return None
    return None


def prepare(item: BenchmarkItem, answer: str) -> str:
    """An answer as the official extraction writes it: a letter in brackets, or a bare number where it is one."""
    official = official_fields(item)
    if official["question_type"] == "multi_choice":
        return f"({answer})" if len(answer) == 1 and answer.isascii() and answer.isalpha() else answer
    numbers = _NUMBER.findall(answer)
    if official["answer_type"] in ("integer", "float") and len(numbers) == 1:
        return str(numbers[0]).replace(",", "")
    return answer


def predict(
    extraction: Any, question_type: str, answer_type: str, choices: Sequence[str] = (), precision: float | None = None
) -> str | None:
    """What an extraction predicts, as text to compare with the gold answer.

    Args:
        extraction: The extracted answer: text, or any other JSON value.
        question_type: `multi_choice` or `free_form`.
        answer_type: `text`, `integer`, `float` or `list`.
        choices: Options of a multiple-choice question.
        precision: Decimals of a float.

    Returns:
        The prediction; None where the extraction is not of its type.
    """
    if question_type == "multi_choice":
        return _choice(extraction.strip() if isinstance(extraction, str) else str(extraction), choices)
    try:
        if answer_type == "integer":
            return str(int(float(extraction)))
        if answer_type == "float":
            return str(round(float(extraction), int(precision or 0)))
    except (ValueError, TypeError, OverflowError):
        return None
    return str(extraction)


def _choice(extraction: str, choices: Sequence[str]) -> str | None:
    """The option that a letter names, else the first of those nearest by edit distance."""
    if not choices:
        return None
    letter = _OPTION.search(extraction)
    name = letter[1].upper() if letter else extraction
    if len(name) == 1 and 0 <= (place := ord(name) - ord("A")) < len(choices):
        return choices[place]
    distances = edit_distances(name, choices)
    return choices[distances.index(min(distances))]


def edit_distances(extraction: str, choices: Sequence[str]) -> list[int]:
    """Levenshtein distances from one text to several.

    The bit-parallel algorithm of Myers (1999) in Hyyrö's form (2003), with the extraction as the column of bits: its
    cost is a few operations on integers as long as that text for each sign of a choice, and choices are short.
    """
    signs = {sign: bytearray(len(extraction) // 8 + 1) for choice in choices for sign in choice}
    for place, sign in enumerate(extraction):
        if sign in signs:
            signs[sign][place >> 3] |= 1 << (place & 7)
    places = {sign: int.from_bytes(bits, "little") for sign, bits in signs.items()}
    return [_edit_distance(len(extraction), [places[sign] for sign in choice]) for choice in choices]


def _edit_distance(length: int, matches: Sequence[int]) -> int:
    """Distance of a text to one whose each sign matches the text's places set in `matches`."""
    if not length:
        return len(matches)
    everywhere, last = (1 << length) - 1, 1 << (length - 1)
    distance, rises, falls = length, everywhere, 0
    for match in matches:
        diagonal = (((match & rises) + rises) ^ rises) | match | falls
        steps_up = falls | ~(diagonal | rises) & everywhere
        steps_down = rises & diagonal
        distance += bool(steps_up & last) - bool(steps_down & last)
        steps_up = (steps_up << 1 | 1) & everywhere
        rises = (steps_down << 1 | ~(diagonal | steps_up)) & everywhere
        falls = steps_up & diagonal
    return distance


def verdict(row: Fields) -> dict[str, Any]:
    """The official fields `prediction` and `true_false` of a row."""
    question_type, answer_type = text(row, "question_type"), text(row, "answer_type")
    choices = texts(row, "choices") if question_type == "multi_choice" else []
    if question_type == "multi_choice" and not choices:
        raise BadRow("field 'choices' is empty")
    precision = row.get("precision")
    if answer_type == "float" and (isinstance(precision, bool) or not isinstance(precision, int | float)):
        raise BadRow("field 'precision' is no number")
    prediction = predict(field(row, "extraction"), question_type, answer_type, choices, precision)
    return {"prediction": prediction, "true_false": prediction == text(row, "answer")}


def tables(rows: Sequence[Fields]) -> dict[str, Groups]:
    """Overall and geometry problem solving, then by every official key."""
    groups = _by_key(rows)
    first = overall(rows, "true_false")
    if GPS in groups.get("task", {}):
        first[GPS_ROW] = groups["task"][GPS]
    return {"overall": first, **groups}


def scores(rows: Sequence[Fields]) -> dict[str, Any]:
    """The content of an official `scores_*.json`: percentages as text, two decimals except in `average`."""
    average = overall(rows, "true_false").get("all", Tally(0, 0))
    return {
        "average": _entry(average, str(round(average.percent, 2))),
        **{
            key: {name: _entry(count, f"{count.percent:.2f}") for name, count in group.items()}
            for key, group in _by_key(rows).items()
        },
    }


def _entry(count: Tally, accuracy: str) -> dict[str, Any]:
    return {"accuracy": accuracy, "correct": count.correct, "total": count.total}


def _by_key(rows: Sequence[Fields]) -> dict[str, Groups]:
    """Counts by key and value, the best values first, as in the official file."""
    flat: list[Fields] = []
    for row in rows:
        metadata = row.get("metadata")
        flat.append({**metadata, **row} if isinstance(metadata, dict) else row)
    groups = {key: tally_by(flat, "true_false", key) for key in KEYS}
    return {
        # The official script sorts what it has rounded, so that close accuracies tie.
        key: dict(sorted(group.items(), key=lambda entry: round(entry[1].percent, 2), reverse=True))
        for key, group in groups.items()
        if group
    }


BENCHMARK = Benchmark(
    name="mathvista",
    subsets={
        None: Subset(1000, "testmini", column=Column(2, "MathVista")),
        "gps": Subset(208, "testmini", divisions=(GPS,), column=Column(1, "MathVista GPS", row=GPS_ROW)),
    },
    item=item,
    division=lambda row: fields.text(part(row, "metadata"), "task"),
    rule=Rule(
        verdict,
        "true_false",
        tables,
        scores,
        reads="extraction",
        needs=("question_type", "answer_type", "choices", "precision", "answer", "extraction"),
        ids=("pid",),
        bare_answer=bare_answer,
        prepare=prepare,
        extractor=True,
    ),
    query="query",
    answer_form=answer_form,
)
