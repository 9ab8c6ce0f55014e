import math
from pathlib import Path

import pytest

from mathse.loop.ask.confidence import confidence
from mathse.loop.ask.generate import generate
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import BatchEngine, Completion, Outcome, Request, Sampling

HALF, TENTH = math.log(0.5), math.log(0.1)


@pytest.mark.parametrize(
    ("tokens", "sure"),
    [
        ([('{"status', HALF), ('": "', HALF), ("COR", HALF), ('RECT", ', TENTH), ('"error_step": null}', HALF)], 0.05),
        ([('{"status": "WRONG"}', TENTH)], 0.1),
        ([('{ "status" : "', TENTH), ("W", 0.0), ("RONG", HALF), ('"}', TENTH)], 0.5),
        (
            [('{"checks": [{"status": "', 0.0), ("ok", TENTH), ('"}], "status": "', 0.0), ("WRONG", HALF), ('"}', 0.0)],
            0.5,
        ),
        ([('{"status": "', 0.0), ("CORRECT", HALF), ('", "why": "\\"status\\": \\"', 0.0), ("WRONG", TENTH)], 0.5),
        ([("It is WRONG", HALF)], None),
        ([('{"status": "WRONG"}', math.nan)], None),
        ([], None),
    ],
)
def test_the_tokens_that_spell_the_value_count(tokens: list[tuple[str, float]], sure: float | None) -> None:
    assert confidence([piece for piece, _ in tokens], [logprob for _, logprob in tokens], "status") == sure


class Sure(BatchEngine):
    name = fingerprint = "sure"
    batch_size = 2

    def complete(self, requests: list[Request]) -> list[Outcome]:  # type: ignore[override]
        return [Completion("{}", "stop", 1, 1, confidence=0.25) for _ in requests]


def test_the_journal_carries_it(tmp_path: Path) -> None:
    asked = Request("p1", 0, "judge@1", turn("?"), (), Sampling(), 0, confidence_key="status")
    assert Request.from_json(asked.to_json()) == asked
    for _ in range(2):
        ((_, outcome),) = generate(Sure(), [asked], tmp_path / "j", "t")
        assert outcome.confidence == 0.25
