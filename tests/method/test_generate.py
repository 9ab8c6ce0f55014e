import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathse.engines.protocol import Completion, Failure, Outcome, Request, Sampling
from mathse.method.generate import DuplicateRequest, generate, request_seed
from mathse.prompts import turn


class Killed(BaseException):
    """The process dies."""


class Echo:
    """Writes a text that names its batch mates, so that a batch cut elsewhere shows; dies or fails when told to."""

    name = fingerprint = "echo"
    batch_size = 4

    def __init__(self, dies_at: int = -1, failures: dict[str, list[Failure]] | None = None) -> None:
        self.calls: list[list[str]] = []
        self._dies_at = dies_at
        self._failures = failures or {}

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        if len(self.calls) == self._dies_at:
            raise Killed
        names = [request.problem_id for request in requests]
        self.calls.append(names)
        return [
            self._failures[name].pop(0) if self._failures.get(name) else Completion(" ".join(names), "stop", 1, 1)
            for name in names
        ]

    @property
    def made(self) -> Counter[str]:
        return Counter(name for call in self.calls for name in call)


def requests(count: int) -> list[Request]:
    return [
        Request(f"p{place}", 0, "solve@1", turn("x" * (place * 7 % 5)), (), Sampling(), seed=0)
        for place in range(count)
    ]


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(11)))
def test_the_order_of_requests_changes_nothing(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    asked = requests(11)
    folder = tmp_path_factory.mktemp("journal")
    straight = generate(Echo(), asked, folder / "a.sqlite", "t").outcomes
    mixed = generate(Echo(), [asked[place] for place in order], folder / "b.sqlite", "t").outcomes
    assert mixed == [straight[place] for place in order]


@settings(max_examples=25, deadline=None)
@given(deaths=st.lists(st.integers(0, 3), max_size=4))
def test_a_killed_run_resumes(tmp_path_factory: pytest.TempPathFactory, deaths: list[int]) -> None:
    asked = requests(14)
    folder = tmp_path_factory.mktemp("journal")
    undisturbed = generate(Echo(), asked, folder / "a.sqlite", "t").outcomes
    made: Counter[str] = Counter()
    for dies_at in deaths:
        engine = Echo(dies_at)
        with suppress(Killed):
            generate(engine, random.sample(asked, len(asked)), folder / "b.sqlite", "t")
        made += engine.made
    engine = Echo()
    resumed = generate(engine, asked, folder / "b.sqlite", "t")
    made += engine.made
    assert resumed.outcomes == undisturbed
    assert set(made.values()) == {1}, "a journaled completion was made again"
    assert resumed.resumed == len(asked) - engine.made.total()


def test_a_failure_that_may_pass_is_tried_again(tmp_path: Path) -> None:
    engine = Echo(failures={"p1": [Failure("timeout", retryable=True)]})
    made = generate(engine, requests(4), tmp_path / "j.sqlite", "t")
    assert not made.failed
    assert engine.made == {"p0": 1, "p1": 2, "p2": 1, "p3": 1}


def test_failures_are_returned_counted_and_tried_by_the_next_run(tmp_path: Path) -> None:
    lost, slow = Failure("missing image"), Failure("timeout", retryable=True)
    first = Echo(failures={"p1": [lost], "p2": [slow, slow, slow]})
    made = generate(first, requests(4), tmp_path / "j.sqlite", "t", attempts=2)
    assert made.outcomes[1:3] == [lost, slow]
    assert made.failed == {"missing image": 1, "timeout": 1}
    assert first.made == {"p0": 1, "p1": 1, "p2": 2, "p3": 1}
    second = Echo()
    again = generate(second, requests(4), tmp_path / "j.sqlite", "t")
    assert not again.failed
    assert again.resumed == 2
    assert second.made == {"p1": 1, "p2": 1}


def test_a_request_asked_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(DuplicateRequest, match="problem p0, sample 0: requested twice"):
        generate(Echo(), [*requests(3), *requests(1)], tmp_path / "j.sqlite", "t")


def test_an_engine_that_loses_an_outcome_is_a_bug(tmp_path: Path) -> None:
    class Loses(Echo):
        def complete(self, requests: Sequence[Request]) -> list[Outcome]:
            return super().complete(requests)[1:]

    with pytest.raises(ValueError, match="zip"):
        generate(Loses(), requests(2), tmp_path / "j.sqlite", "t")


def test_nothing_to_do(tmp_path: Path) -> None:
    assert generate(Echo(), [], tmp_path / "j.sqlite", "t").outcomes == []


@given(st.integers(0, 2**31), st.text(), st.integers(0, 99), st.text())
def test_a_seed_fits_a_generator_and_depends_on_everything(run: int, problem: str, sample: int, salt: str) -> None:
    seed = request_seed(run, problem, sample, salt)
    assert 0 <= seed < 2**63
    assert seed == request_seed(run, problem, sample, salt)
    others = [
        request_seed(run + 1, problem, sample, salt),
        request_seed(run, problem + "x", sample, salt),
        request_seed(run, problem, sample + 1, salt),
        request_seed(run, problem, sample, salt + "x"),
    ]
    assert seed not in others
