import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathse.loop.ask.generate import DuplicateRequest, generate
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import BatchEngine, Completion, Engine, Failure, Label, Outcome, Request, Sampling, Task
from mathse.loop.ask.requests import request_seed


class Killed(BaseException):
    """The process dies."""


class Echo(BatchEngine):
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


def outcomes(engine: Engine, asked: Iterable[Request], journal: Path, attempts: int = 2) -> list[Outcome]:
    """Run to the end; each outcome belongs to the request it is given back with."""
    asked = list(asked)
    made = list(generate(engine, iter(asked), journal, "t", attempts))
    assert [label for label, _ in made] == [request.label for request in asked]
    return [outcome for _, outcome in made]


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
    straight = outcomes(Echo(), asked, folder / "a.sqlite")
    mixed = outcomes(Echo(), [asked[place] for place in order], folder / "b.sqlite")
    assert mixed == [straight[place] for place in order]


@settings(max_examples=25, deadline=None)
@given(deaths=st.lists(st.integers(0, 3), max_size=4))
def test_a_killed_run_resumes(tmp_path_factory: pytest.TempPathFactory, deaths: list[int]) -> None:
    asked = requests(14)
    folder = tmp_path_factory.mktemp("journal")
    undisturbed = outcomes(Echo(), asked, folder / "a.sqlite")
    made: Counter[str] = Counter()
    for dies_at in deaths:
        engine = Echo(dies_at)
        with suppress(Killed):
            outcomes(engine, random.sample(asked, len(asked)), folder / "b.sqlite")
        made += engine.made
    engine = Echo()
    resumed = outcomes(engine, asked, folder / "b.sqlite")
    made += engine.made
    assert resumed == undisturbed
    assert set(made.values()) == {1}, "a journaled completion was made again"
    assert {file.name for file in folder.iterdir()} == {
        f"{name}.sqlite{suffix}" for name in "ab" for suffix in ("", ".lock")
    }


def test_a_failure_that_may_pass_is_tried_again(tmp_path: Path) -> None:
    engine = Echo(failures={"p1": [Failure("timeout", retryable=True)]})
    made = outcomes(engine, requests(4), tmp_path / "j.sqlite")
    assert all(isinstance(outcome, Completion) for outcome in made)
    assert engine.made == {"p0": 1, "p1": 2, "p2": 1, "p3": 1}


def test_failures_are_returned_counted_and_tried_by_the_next_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost, slow = Failure("missing image"), Failure("timeout", retryable=True)
    first = Echo(failures={"p1": [lost], "p2": [slow, slow, slow]})
    made = outcomes(first, requests(4), tmp_path / "j.sqlite", attempts=2)
    assert made[1:3] == [lost, slow]
    assert "failed: 1 missing image, 1 timeout" in caplog.text
    assert first.made == {"p0": 1, "p1": 1, "p2": 2, "p3": 1}
    second = Echo()
    again = outcomes(second, requests(4), tmp_path / "j.sqlite")
    assert all(isinstance(outcome, Completion) for outcome in again)
    assert second.made == {"p1": 1, "p2": 1}


def test_a_request_asked_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(DuplicateRequest, match="problem p0, sample 0: requested twice"):
        outcomes(Echo(), [*requests(3), *requests(1)], tmp_path / "j.sqlite")


def test_an_engine_that_loses_an_outcome_is_a_bug(tmp_path: Path) -> None:
    class Loses(Echo):
        def complete(self, requests: Sequence[Request]) -> list[Outcome]:
            return super().complete(requests)[1:]

    with pytest.raises(ValueError, match="zip"):
        outcomes(Loses(), requests(2), tmp_path / "j.sqlite")


class Thinker(Echo):
    """Thinks before it answers."""

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        return [Completion("<think>30?</think><answer>It is 45.</answer>", "stop", 1, 9) for _ in requests]


def test_a_thought_comes_back_from_no_engine_and_stays_in_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "j.sqlite"
    assert outcomes(Thinker(), requests(2), journal) == [Completion("It is 45.", "stop", 1, 9)] * 2
    assert b"<think>30?</think>" in journal.read_bytes()


def test_nothing_to_do(tmp_path: Path) -> None:
    assert outcomes(Echo(), [], tmp_path / "j.sqlite") == []


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


def test_an_engine_that_forgets_a_task_is_a_bug(tmp_path: Path) -> None:
    class Forgets(Echo):
        def answer(self, batches: Iterable[Sequence[Task]], spent: float = 0.0) -> Iterator[Mapping[str, Outcome]]:
            for outcomes in super().answer(batches, spent):
                yield dict(list(outcomes.items())[1:])

    with pytest.raises(RuntimeError, match="gave no outcome"):
        outcomes(Forgets(), requests(2), tmp_path / "j.sqlite")


def test_an_engine_is_told_what_was_spent_before(tmp_path: Path) -> None:
    class Sells(Echo):
        told = -1.0

        def complete(self, requests: Sequence[Request]) -> list[Outcome]:
            return [Completion("x", "stop", 1, 1, cost=0.25) for _ in requests]

        def answer(self, batches: Iterable[Sequence[Task]], spent: float = 0.0) -> Iterator[Mapping[str, Outcome]]:
            self.told = spent if self.told < 0 else self.told
            return super().answer(batches, spent)

    first, second = Sells(), Sells()
    outcomes(first, requests(3), tmp_path / "j.sqlite")
    outcomes(second, requests(7), tmp_path / "j.sqlite")
    assert (first.told, second.told) == (0.0, 0.75)


@given(
    st.builds(
        Request,
        problem_id=st.text(),
        sample_idx=st.integers(0, 9),
        prompt_id=st.text(),
        messages=st.lists(st.text().map(lambda said: turn(said)[0]), max_size=2).map(tuple),
        image_ids=st.lists(st.text(), max_size=3).map(tuple),
        sampling=st.builds(Sampling, st.floats(0, 5), st.floats(0.1, 1), st.integers(1, 99)),
        seed=st.integers(0, 2**63 - 1),
        fields=st.dictionaries(st.text(), st.text()),
        subject_id=st.text(),
        json_schema=st.text(),
    )
)
def test_a_request_survives_json(request: Request) -> None:
    assert Request.from_json(request.to_json()) == request
    assert Label.from_json(request.label.to_json()) == request.label
