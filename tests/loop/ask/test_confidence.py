import math
import re
from pathlib import Path

import pytest

from mathse.loop.ask.confidence import confidence
from mathse.loop.ask.generate import generate
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import BatchEngine, Completion, Outcome, Request, Sampling
from mathse.loop.ask.replies import DECIDING, Target, json_schema, parse, write
from mathse.tables.schemas import Status

HALF, TENTH = math.log(0.5), math.log(0.1)


@pytest.mark.parametrize(
    ("tokens", "sure"),
    [
        ([('{"status', HALF), ('": "', HALF), ("COR", HALF), ('RECT", ', TENTH), ('"error_step": null}', HALF)], 0.05),
        ([('{"status": "WRONG"}', TENTH)], 0.1),
        ([('{ "status" : "', TENTH), ("W", 0.0), ("RONG", HALF), ('"}', TENTH)], 0.5),
        ([('{"status": "', 0.0), ("CORRECT", HALF), ('", "why": "\\"status\\": \\"', 0.0), ("WRONG", TENTH)], 0.5),
        ([("It is WRONG", HALF)], None),
        ([('{"status": "WRONG"}', math.nan)], None),
        ([], None),
    ],
)
def test_the_tokens_that_spell_the_verdict_count(tokens: list[tuple[str, float]], sure: float | None) -> None:
    assert confidence([piece for piece, _ in tokens], [logprob for _, logprob in tokens], DECIDING["full"]) == sure


CHECKS = (
    '{"answers": "same", "checks": ["Step 1: 2 + 3 = 5 and 5: same", "Step 2: a: same, is 5 and 5: same"], '
    '"status": "CORRECT", "error_step": null, "error_analysis": null}'
)


@pytest.mark.parametrize(
    ("doubted", "sure"),
    [
        (re.escape('"answers": "same'), 0.5),
        (r"5 and 5: same", 0.25),  # one in each step
        (r"CORRECT", 0.5),
        (r"null", 1.0),
        (r"Step \d", 1.0),
        (r"2 \+ 3 = 5", 1.0),
    ],
)
def test_of_a_reply_that_checks_every_word_counts_that_decides(doubted: str, sure: float) -> None:
    parts = [part for part in re.split(f"({doubted})", CHECKS) if part]
    logprobs = [HALF if re.fullmatch(doubted, part) else 0.0 for part in parts]
    assert parse(CHECKS, "checks").status is Status.CORRECT
    assert confidence(parts, logprobs, DECIDING["checks"]) == sure


@pytest.mark.parametrize("target", ["full", "checks", "verdict"])
def test_each_form_of_a_reply_has_its_words(target: Target) -> None:
    said = write(Status.CORRECT, target=target)
    assert confidence([said], [HALF], DECIDING[target]) == 0.5
    assert "status" in json_schema(target)


class Sure(BatchEngine):
    name = fingerprint = "sure"
    batch_size = 2

    def complete(self, requests: list[Request]) -> list[Outcome]:  # type: ignore[override]
        return [Completion("{}", "stop", 1, 1, confidence=0.25) for _ in requests]


def test_the_journal_carries_it(tmp_path: Path) -> None:
    asked = Request("p1", 0, "judge@1", turn("?"), (), Sampling(), 0, deciding=DECIDING["checks"])
    assert Request.from_json(asked.to_json()) == asked
    for _ in range(2):
        ((_, outcome),) = generate(Sure(), [asked], tmp_path / "j", "t")
        assert outcome.confidence == 0.25
