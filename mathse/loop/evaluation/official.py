r"""A reply to a benchmark's item, scored by the benchmark's official rule (`mathse.answers.official`).

Two benchmarks leave it to a language model to find the answer in a reply (MathVista, MathVerse). Where no such model is
configured a rule finds it (`answers.extract`), written as the official rule wants it: a number without its unit, a
letter for an option. A reply in which no answer is found is UNDECIDED, and counts as not correct; the official scripts
would let it guess. MATH-Vision's rule reads the reply itself; ChartQA's compares the answer alone.

Sample, MathVista, options 40 and 45:  `So it is \boxed{B}`  ->  extraction `(B)`, prediction `45`
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mathse.answers.extract import find
from mathse.answers.official import chartqa, mathverse, mathvision, mathvista
from mathse.answers.official.rows import Benchmark
from mathse.params.benchmarks import name_of
from mathse.tables.schemas import BenchmarkItem, Status

VERSION = 1
"""Raised when a rule of this module changes what it finds or says."""
RULES: Mapping[str, Benchmark] = {
    "chartqa": chartqa,
    "mathverse": mathverse,
    "mathvision": mathvision,
    "mathvista": mathvista,
}
"""Benchmarks with an official rule, by name."""
EXTRACTED = ("mathverse", "mathvista")
"""Those whose official scoring has a language model find the answer."""
JUDGED = ("mathverse",)
"""Those whose official scoring has a language model compare it."""

_FIELD = {"chartqa": "prediction", "mathverse": "extraction", "mathvision": "response", "mathvista": "extraction"}
_VERDICT = {"chartqa": "correct", "mathverse": "judgement", "mathvision": "correct", "mathvista": "true_false"}
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Scored:
    """What the official rule says of a reply.

    Attributes:
        answer: What it took as the answer; None if none was found.
        status: CORRECT or WRONG; UNDECIDED where no answer was found.
        reason: Why.
        fields: The official fields of the verdict.
    """

    answer: str | None
    status: Status
    reason: str
    fields: Mapping[str, Any]


def scorer(title: str) -> str:
    """Name and version of the rule by which a benchmark is scored: `mathvision@1`; `grade` where it has none."""
    name = name_of(title)
    return f"{name}@{VERSION}" if name in RULES else "grade"


def extract(item: BenchmarkItem, reply: str) -> str | None:
    """The answer that a rule finds in a reply, as the official rule wants it; None if there is none."""
    plain = plain_answer(item, reply)
    if plain is not None:
        return plain
    found = find(reply).answer
    return None if found is None else _PREPARED.get(name_of(item.benchmark), _as_it_is)(item, found)


def plain_answer(item: BenchmarkItem, reply: str) -> str | None:
    """The reply itself where it is nothing but an answer, which MathVista's script then asks no model about."""
    if name_of(item.benchmark) != "mathvista":
        return None
    official = json.loads(item.official)
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


def score(item: BenchmarkItem, reply: str, extraction: str | None) -> Scored:
    """Score a reply by the official rule of its benchmark, which must have one.

    Args:
        item: The item.
        reply: All that the model wrote.
        extraction: The answer found in it, by `extract` or by a model; MATH-Vision finds its own.

    Raises:
        KeyError: The benchmark has no rule.
    """
    name = name_of(item.benchmark)
    if extraction is None and name != "mathvision":
        return Scored(None, Status.UNDECIDED, "no answer found", {})
    given = reply if name == "mathvision" else extraction
    fields = RULES[name].verdict({**json.loads(item.official), _FIELD[name]: given})
    right = bool(fields[_VERDICT[name]])
    answer = str(fields.get("model_answer", extraction))
    said = "as the official rule has it" if right else "not as the official rule has it"
    return Scored(answer or None, Status.CORRECT if right else Status.WRONG, said, fields)


def gold(item: BenchmarkItem) -> str:
    """The gold answer as published."""
    return str(json.loads(item.official).get("answer", item.answer))


def official_row(item: BenchmarkItem, right: bool) -> dict[str, Any]:
    """An item's official fields with its verdict, as the official tables count them."""
    return {**json.loads(item.official), _VERDICT[name_of(item.benchmark)]: right}


def _as_it_is(item: BenchmarkItem, found: str) -> str:
    return found


def _option_or_number(item: BenchmarkItem, found: str) -> str:
    """MathVista's: a letter in brackets, or a bare number where the answer is one."""
    official = json.loads(item.official)
    if official["question_type"] == "multi_choice":
        return f"({found})" if len(found) == 1 and found.isascii() and found.isalpha() else found
    numbers = _NUMBER.findall(found)
    if official["answer_type"] in ("integer", "float") and len(numbers) == 1:
        return str(numbers[0]).replace(",", "")
    return found


def _option(item: BenchmarkItem, found: str) -> str:
    """MathVerse's: the letter of an option that is given by its value."""
    places = [place for place, choice in enumerate(item.choices) if choice.strip() == found.strip()]
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[places[0]] if len(places) == 1 else found


_PREPARED: Mapping[str, Callable[[BenchmarkItem, str], str]] = {"mathvista": _option_or_number, "mathverse": _option}
