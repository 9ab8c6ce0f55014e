"""Asks an engine for reasoning paths: the teacher for distilled ones, a student for rollouts.

In: problems. Out: one `Path` per sample of a problem. A failed request is a row too, with its reason and no text, so
that nothing asked for is ever missing. Sample:

    problem 3f…, rollout, round 1, sample 0, "Step 1: bar A is 12. … The answer to this problem is 42.", answer 42
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as File

from mathse import params
from mathse.answers.extract import extract
from mathse.loop.ask import prompts
from mathse.loop.ask.generate import generate
from mathse.loop.ask.protocol import Completion, Engine, Label, Outcome, Request, Sampling
from mathse.loop.ask.requests import request, request_seed
from mathse.tables.schemas import Path, PathKind, Problem, Split, content_id

SOLVE = "solve@1"
"""What the teacher is asked with."""


@dataclass(frozen=True)
class Ask:
    """What is asked of an engine about each problem.

    Attributes:
        kind: What the paths are.
        round: 0 for distilled paths, else the round.
        prompt_id: Name and version of the prompt.
        sampling: How paths are drawn.
        samples: Paths per problem.
        seed: Of the run.
    """

    kind: PathKind
    round: int
    prompt_id: str
    sampling: Sampling
    samples: int
    seed: int


def solving(settings: params.Teacher) -> Sampling:
    """How the teacher's solutions and reflections are drawn."""
    return Sampling(settings.temperature, max_new_tokens=settings.max_new_tokens)


def solve(
    engine: Engine,
    problems: Iterable[Problem],
    ask: Ask,
    journal: File,
    samples: Callable[[str], int] | None = None,
) -> Iterator[Path]:
    """Have `engine` write paths to each problem.

    Args:
        samples: How many, by the problem's id; None: `ask.samples` of each.

    Yields:
        Paths in the order of problems and samples; the engine's work is done before the first.
    """
    requests = (
        solve_request(problem, ask, sample)
        for problem in problems
        for sample in range(samples(problem.problem_id) if samples else ask.samples)
    )
    for label, outcome in generate(engine, requests, journal, title=f"{ask.kind} paths, round {ask.round}"):
        yield path_row(engine, ask, label, outcome)


def solve_request(problem: Problem, ask: Ask, sample_idx: int) -> Request:
    """The request for one path."""
    fields = {"question": prompts.question_with_choices(problem)}
    seed = request_seed(ask.seed, problem.problem_id, sample_idx, f"{ask.kind} {ask.round}")
    return request(problem, ask.prompt_id, fields, ask.sampling, seed=seed, sample_idx=sample_idx)


def path_row(engine: Engine, ask: Ask, label: Label, outcome: Outcome, parent: str | None = None) -> Path:
    """The row of one request's outcome."""
    identity = (label.problem_id, ask.kind, ask.round, label.sample_idx, engine.name, ask.prompt_id, label.seed)
    return Path(
        path_id=content_id("path", *identity, parent, outcome.text),
        problem_id=label.problem_id,
        kind=ask.kind,
        round=ask.round,
        sample_idx=label.sample_idx,
        author=engine.name,
        prompt_id=ask.prompt_id,
        seed=label.seed,
        text=outcome.text,
        answer=extract(outcome.text) if isinstance(outcome, Completion) else None,
        finish_reason=outcome.finish_reason,
        error=outcome.error,
        tokens_in=outcome.tokens_in,
        tokens_out=outcome.tokens_out,
        cost=outcome.cost,
        parent_path_id=parent,
    )


def of_split(problems: Iterable[Problem], split: Split) -> Iterator[Problem]:
    """Problems of one split, in their order, as a stream."""
    return (problem for problem in problems if problem.split is split)


def subset(problems: Sequence[Problem], size: int, seed: int) -> list[Problem]:
    """`size` problems or all, chosen by a hash of seed and problem, so that a larger subset holds the smaller one."""
    ranked = sorted(problems, key=lambda problem: content_id("subset", seed, problem.problem_id))
    chosen = {problem.problem_id for problem in ranked[:size]}
    return [problem for problem in problems if problem.problem_id in chosen]
