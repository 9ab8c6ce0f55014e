import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from mathse.loop.ask.engines.teacher_only.solver import SolverTeacher, annotate
from mathse.loop.ask.prompts import turn
from mathse.loop.ask.protocol import BatchEngine, Completion, Failure, Outcome, Request, Sampling
from mathse.loop.ask.replies import parse
from mathse.synthetic.figures import Figure, figure
from mathse.synthetic.mistakes import wrong_solution
from mathse.synthetic.review import review
from mathse.synthetic.steps import outcome
from mathse.tables.schemas import Status

SCENES = {
    f"p{number}": f"{family}-2-{number}" for number, family in enumerate(("bar_sum", "triangle_angle", "slope") * 4)
}
SAMPLES = 100


def scene(problem_id: str) -> Figure:
    return figure(SCENES[problem_id])


def ask(task: str, problem_id: str = "p0", seed: int = 0, **fields: str) -> Request:
    return Request(problem_id, 0, f"{task}@1", turn("Say it in five words."), (), Sampling(), seed, fields)


def text(outcome: Outcome) -> str:
    assert isinstance(outcome, Completion)
    return outcome.text


def solved(teacher: BatchEngine, requests: list[Request]) -> float:
    """The share of requests answered with a path that stands up to review."""
    texts = [text(outcome) for outcome in teacher.complete(requests)]
    return sum(
        review(scene(request.problem_id), said) is None for request, said in zip(requests, texts, strict=True)
    ) / len(requests)


def many(task: str, fields: Mapping[str, dict[str, str]] | None = None) -> list[Request]:
    return [
        ask(task, problem_id, seed=1000 * seed + place, **(fields or {}).get(problem_id, {}))
        for place, problem_id in enumerate(SCENES)
        for seed in range(SAMPLES)
    ]


def test_it_is_an_engine() -> None:
    teacher: BatchEngine = SolverTeacher(SCENES, 0.1)
    assert teacher.name == "figure-solver"
    assert teacher.batch_size > 0


def test_without_mistakes_it_writes_the_gold_solution() -> None:
    (outcome,) = SolverTeacher(SCENES, 0).complete([ask("solve")])
    gold = scene("p0").solution
    assert outcome == Completion(gold, "stop", tokens_in=5, tokens_out=len(gold.split()))


def test_one_bad_request_does_not_end_the_batch() -> None:
    teacher = SolverTeacher({**SCENES, "foreign": "geo3k-17"}, 0)
    outcomes = teacher.complete(
        [ask("solve"), ask("solve", "unknown"), ask("solve", "foreign"), ask("sing"), ask("solve")]
    )
    reasons = [outcome.reason if isinstance(outcome, Failure) else "" for outcome in outcomes]
    assert reasons == ["", "not a figure", "not a figure", "unknown task", ""]
    assert not any(outcome.retryable for outcome in outcomes if isinstance(outcome, Failure))


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_it_errs_at_about_the_given_rate(rate: float) -> None:
    assert solved(SolverTeacher(SCENES, rate), many("solve")) == pytest.approx(1 - rate, abs=0.04)


def test_a_request_is_answered_the_same_whatever_stands_beside_it() -> None:
    teacher, requests = SolverTeacher(SCENES, 0.5), many("solve")[::7]
    alone = [teacher.complete([request])[0] for request in requests]
    assert teacher.complete(requests[::-1]) == alone[::-1]
    assert len({text(outcome) for outcome in alone}) > len(SCENES)


def test_the_fingerprint_covers_the_rate() -> None:
    assert SolverTeacher(SCENES, 0.1).fingerprint == SolverTeacher({}, 0.1).fingerprint
    assert SolverTeacher(SCENES, 0.1).fingerprint != SolverTeacher(SCENES, 0.2).fingerprint


def test_a_right_path_is_marked_correct() -> None:
    (outcome,) = SolverTeacher(SCENES, 1).complete([ask("annotate", path=scene("p0").solution)])
    marks: dict[str, Any] = json.loads(text(outcome))
    assert marks.pop("status") == "CORRECT"
    assert marks == {"error_step": None, "error_analysis": None, "improvement_suggestion": None}


@pytest.mark.parametrize("problem_id", SCENES)
def test_a_wrong_path_is_marked_with_its_first_wrong_step(problem_id: str) -> None:
    (wrong,) = SolverTeacher(SCENES, 1).complete([ask("solve", problem_id, seed=5)])
    (outcome,) = SolverTeacher(SCENES, 0.5).complete([ask("annotate", problem_id, path=text(wrong))])
    reply, found = parse(text(outcome), annotation=True), review(scene(problem_id), text(wrong))
    assert found is not None
    assert reply.status is Status.WRONG
    assert (reply.error_step, reply.error_analysis) == (found.step, found.analysis)
    assert reply.improvement_suggestion == found.suggestion


@pytest.mark.parametrize("problem_id", SCENES)
@pytest.mark.parametrize("version", ["4", "5"])
def test_it_says_what_it_finds_at_each_step_up_to_the_wrong_one(problem_id: str, version: str) -> None:
    figure = scene(problem_id)
    (wrong,) = SolverTeacher(SCENES, 1).complete([ask("solve", problem_id, seed=5)])
    right, reply = (
        parse(annotate(figure, path, version), "checks", annotation=True) for path in (figure.solution, text(wrong))
    )
    shown = version == "4"
    assert (right.status, right.answers) == (Status.CORRECT, "same" if shown else None)
    assert right.checks == tuple(
        f"Step {place}: {step} and {outcome(step)}: same" for place, step in enumerate(figure.steps, 1)
    )
    assert reply.answers == ("different" if shown else None)
    *before, last = reply.checks
    assert all(check.endswith(": same") and check.partition(" and ")[0] in text(wrong) for check in before)
    assert last.startswith(f"{reply.error_step}: ") and last.endswith(": different")
    assert len(reply.checks) == int((reply.error_step or "").removeprefix("Step "))


@pytest.mark.parametrize(
    ("path", "check"),
    [
        ("Step 1: bar A is 1. The answer to this problem is 1.", "Step 1: {first} and 1: different"),
        ("Step 1: bar Q is 5.", "Step 1: {first} and 5: different"),
        ("Step 1: no step.", "Step 1: {first} and step: different"),
        ("Step 1: {first}. Step 2: {A} + {A} = 1.", "Step 2: {second} and 1: different"),
        ("Step 1: {first}. Step 1: {A} + {A} = 1.", "Step 1: {second} and 1: different"),
        ("{all} Step 9: {A} + {A} = 1.", "Step 9: {A} + {A} = 1 and 1: different"),
        ("{all} The answer to this problem is 198.", "{last}: same"),
    ],
)
def test_at_a_wrong_step_it_finds_what_a_right_path_has_there(path: str, check: str) -> None:
    figure = next(scene(name) for name in SCENES if "bar A" in {str(part) for part in scene(name).readings})
    first, second, *_ = map(str, figure.steps)
    every = figure.solution.partition(" The answer")[0]
    value = {
        "A": figure.readings["bar A"], "first": first, "second": second, "all": every,
        "last": f"Step {len(figure.steps)}: {figure.steps[-1]} and {outcome(figure.steps[-1])}",
    }  # fmt: skip
    reply = parse(annotate(figure, path.format(**value), "4"), "checks", annotation=True)
    assert reply.checks[-1] == check.format(**value)


def test_annotation_does_not_depend_on_the_seed() -> None:
    teacher = SolverTeacher(SCENES, 0.9)
    first, other = teacher.complete([ask("annotate", seed=seed, path="Step 1: bar Q is 5.") for seed in (1, 2)])
    assert first == other
    assert text(first) == annotate(scene("p0"), "Step 1: bar Q is 5.")


def feedback(step: str | None) -> dict[str, dict[str, str]]:
    """For each problem a wrong path, and feedback that names the step that is wrong (or `step`)."""
    made = {}
    for problem_id in SCENES:
        path = wrong_solution(scene(problem_id), random.Random(3)) or ""
        found = review(scene(problem_id), path)
        assert found is not None
        made[problem_id] = {"path": path, "error_step": step or found.step, "error_analysis": "?"}
    return made


def test_feedback_that_names_the_wrong_step_halves_its_mistakes() -> None:
    teacher = SolverTeacher(SCENES, 0.6)
    assert solved(teacher, many("reflect", feedback(None))) == pytest.approx(0.7, abs=0.04)


def test_feedback_that_points_elsewhere_neither_helps_nor_harms() -> None:
    teacher = SolverTeacher(SCENES, 0.6)
    assert solved(teacher, many("reflect", feedback("Step 99"))) == pytest.approx(0.4, abs=0.04)
