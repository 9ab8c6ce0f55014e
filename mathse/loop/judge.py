"""Judges paths with the ORM, and grades them by rule beside it, so that the two can be compared.

In: paths and their problems. Out: one `Verdict` per path. A path with no text is not sent to the judge: it is
UNDECIDED, `failed request`. The judge is greedy: a verdict is not a matter of luck. Where nine of ten paths are wrong,
a judge that errs seldom still lets many through; `judge.min_confidence` keeps those out of which it was not sure.

Paths and verdicts are streams: the paths are gone through twice, once to ask and once beside what came of it, and
nothing is held per path.

Sample: `path 5c1e..., WRONG, "Step 2", "calculation: 50 + 60 is not 111", rule WRONG (different quantity)`
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path as File

from mathse import params
from mathse.answers.grade import Grader
from mathse.loop.ask import replies
from mathse.loop.ask.generate import ask_about
from mathse.loop.ask.protocol import Engine, Request, Sampling
from mathse.loop.ask.requests import judge_fields, request
from mathse.tables.schemas import Path, Problem, Status, Verdict


def judge(
    engine: Engine,
    paths: Callable[[], Iterable[Path]],
    problems: Mapping[str, Problem],
    settings: params.Judge,
    journal: File,
    target: replies.Target = "full",
    min_confidence: float = 0,
) -> Iterator[Verdict]:
    """Judge every path.

    Args:
        paths: Gives what to judge, in the same order at every call: it is called twice.
        problems: Problems by id, at least the paths' own; a `ProblemLookup` where there are many.
        settings: Prompt, length, and whether the gold answer is shown.
        target: What the judge replies (`orm.target`).
        min_confidence: How sure it must be of a path that it calls CORRECT; else it is UNDECIDED. `settings` have that
            of a student's paths, and whoever calls knows whose these are.

    Yields:
        One verdict per path, in the paths' order; the engine's work is done before the first.

    Raises:
        PromptError: `judge.prompt` does not exist, or does not fit `judge.reference` or the target.
    """

    def request_of(path: Path) -> Request | None:
        return _request(path, problems[path.problem_id], settings, target) if path.text else None

    grader = Grader()
    for path, outcome in ask_about(engine, paths, request_of, journal, title="verdicts"):
        reply = replies.read(outcome, target)
        doubt = _doubt(reply.status, outcome.confidence, min_confidence)
        problem = problems[path.problem_id]
        by_rule = grader.grade(problem.answer, path.text, problem.choices)
        yield Verdict(
            path_id=path.path_id,
            problem_id=path.problem_id,
            author=engine.name,
            prompt_id=settings.prompt,
            status=Status.UNDECIDED if doubt else reply.status,
            error_step=reply.error_step,
            error_analysis=reply.error_analysis,
            confidence=None if reply.status is Status.UNDECIDED else outcome.confidence,
            raw=outcome.text,
            undecided_reason=doubt or reply.undecided_reason,
            rule_status=by_rule.status,
            rule_reason=by_rule.reason,
            tokens_in=outcome.tokens_in,
            tokens_out=outcome.tokens_out,
            cost=outcome.cost,
        )


def _request(path: Path, problem: Problem, settings: params.Judge, target: replies.Target) -> Request:
    """Ask the judge about a path, greedily, in the form that it replies in."""
    return request(
        problem,
        settings.prompt,
        judge_fields(settings.prompt, problem, path.text, settings.reference, target),
        Sampling(temperature=0.0, max_new_tokens=settings.max_new_tokens),
        seed=0,
        subject_id=path.path_id,
        json_schema=replies.json_schema(target),
        deciding=replies.DECIDING[target],
        param="judge.prompt",
    )


def _doubt(status: Status, sure: float | None, least: float) -> str | None:
    """Why a verdict of CORRECT decides nothing, if so: the judge was less sure of it than it must be."""
    if status is not Status.CORRECT or not least:
        return None
    if sure is None:
        return "confidence unknown"
    return "not sure enough" if sure < least else None
