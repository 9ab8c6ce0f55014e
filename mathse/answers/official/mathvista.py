"""MathVista's scoring of extracted answers (script `evaluation/calculate_score.py` of lupantech/MathVista).

Their extraction is a language model's work and is stored in each row; from there on it is a rule: the extraction
becomes a prediction of the answer's type, and is right if it equals the gold answer as text.

Sample: `predict("(B)", "multi_choice", "text", ["40", "45"])`  ->  `"45"`
"""

import re
from collections.abc import Sequence
from typing import Any

from mathse.answers.official.rows import BadRow, Groups, Row, Tally, field, overall, tally_by, text, texts

ID = ("pid",)
NEEDS = ("question_type", "answer_type", "choices", "precision", "answer", "extraction")
KEYS = ("question_type", "answer_type", "language", "source", "category", "task", "context", "grade", "skills")
"""What the official tables are broken down by, in their order."""
GPS = "geometry problem solving"

_OPTION = re.compile(r"\(([a-zA-Z])\)")


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
    said = letter[1].upper() if letter else extraction
    if len(said) == 1 and 0 <= (place := ord(said) - ord("A")) < len(choices):
        return choices[place]
    distances = edit_distances(said, choices)
    return choices[distances.index(min(distances))]


def edit_distances(said: str, choices: Sequence[str]) -> list[int]:
    """Levenshtein distances from one text to several.

    The bit-parallel algorithm of Myers (1999) in Hyyrö's form (2003), with the said text as the column of bits: its
    cost is a few operations on integers as long as that text for each sign of a choice, and choices are short.
    """
    signs = {sign: bytearray(len(said) // 8 + 1) for choice in choices for sign in choice}
    for place, sign in enumerate(said):
        if sign in signs:
            signs[sign][place >> 3] |= 1 << (place & 7)
    places = {sign: int.from_bytes(bits, "little") for sign, bits in signs.items()}
    return [_edit_distance(len(said), [places[sign] for sign in choice]) for choice in choices]


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


def verdict(row: Row) -> dict[str, Any]:
    """The official fields `prediction` and `true_false` of a row.

    Raises:
        BadRow: A field that the rule needs is missing or of another type.
    """
    question_type, answer_type = text(row, "question_type"), text(row, "answer_type")
    choices = texts(row, "choices") if question_type == "multi_choice" else []
    if question_type == "multi_choice" and not choices:
        raise BadRow("field 'choices' is empty")
    precision = row.get("precision")
    if answer_type == "float" and (isinstance(precision, bool) or not isinstance(precision, int | float)):
        raise BadRow("field 'precision' is no number")
    prediction = predict(field(row, "extraction"), question_type, answer_type, choices, precision)
    return {"prediction": prediction, "true_false": prediction == text(row, "answer")}


def _groups(rows: Sequence[Row]) -> dict[str, Groups]:
    """By key and value, the best values first, as in the official file."""
    flat = [_flat(row) for row in rows]
    groups = {key: tally_by(flat, "true_false", key) for key in KEYS}
    return {key: dict(sorted(group.items(), key=_by_accuracy, reverse=True)) for key, group in groups.items() if group}


def _flat(row: Row) -> Row:
    """A row with its metadata, if it has any, beside its other fields."""
    metadata = row.get("metadata")
    return {**metadata, **row} if isinstance(metadata, dict) else row


def _by_accuracy(group: tuple[str, Tally]) -> float:
    # The official script sorts what it has rounded, so that close accuracies tie.
    return round(group[1].percent, 2)


def tables(rows: Sequence[Row]) -> dict[str, Groups]:
    """Tables for people: overall and geometry problem solving (GPS), then by every official key."""
    groups = _groups(rows)
    first = overall(rows, "true_false")
    if GPS in groups.get("task", {}):
        first[f"{GPS} (GPS)"] = groups["task"][GPS]
    return {"overall": first, **groups}


def scores(rows: Sequence[Row]) -> dict[str, Any]:
    """The content of an official `scores_*.json`: percentages as text, two decimals except in `average`."""
    average = overall(rows, "true_false").get("all", Tally(0, 0))
    return {
        "average": _entry(average, str(round(average.percent, 2))),
        **{
            key: {name: _entry(count, f"{count.percent:.2f}") for name, count in group.items()}
            for key, group in _groups(rows).items()
        },
    }


def _entry(count: Tally, accuracy: str) -> dict[str, Any]:
    return {"accuracy": accuracy, "correct": count.correct, "total": count.total}
