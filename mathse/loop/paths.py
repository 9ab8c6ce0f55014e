"""A step's paths: the teacher distils, a student rolls out, or the teacher reflects, as the step's row of params says.

In: the problems that no row of the mix before solves (`remaining`), with their newest wrong paths. Out: the step's
paths. Which problems, which model, which prompt and which round follow from the row alone:

    "1": {prev: "0", ask: rollout, model: "0", judge: orm}  ->  model 0 on what remains after step 0, round 1
"""

from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path as File

from mathse import layout
from mathse.loop.annotate import marking
from mathse.loop.ask.engines.opening import open_for
from mathse.loop.ask.engines.teacher import open_teacher
from mathse.loop.ask.protocol import Sampling
from mathse.loop.recorded import Recordings
from mathse.loop.reflect import PROMPT, Feedback, reflect, wrong_paths
from mathse.loop.solve import SOLVE, Ask, solve, solving, subset
from mathse.params import Params
from mathse.tables import store
from mathse.tables.lookup import ProblemLookup, problem_ids
from mathse.tables.schemas import Path, PathKind, Problem, Remaining
from mathse.tally import PathTally, counts


def write(settings: Params, step: str) -> str:
    """Write `data/paths/<step>.parquet`.

    Returns:
        What came in and what came out, for the stage's closing line.

    Raises:
        ParamsError: There is no such step.
        UserError: An engine cannot be opened or cannot go on, or a table is missing.
    """
    asking = {"distill": _distilled, "rollout": _rolled_out, "reflect": _reflected}
    return asking[settings.step(step).ask](settings, step)


def _distilled(settings: Params, step: str) -> str:
    distill, remaining = settings.distill, _remaining(settings, step)
    problems = list(_problems(remaining))
    chosen = subset(problems, max(1, round(distill.fraction * len(problems))), settings.seed)
    recorded = Recordings(distill, [problem.problem_id for problem in chosen])
    unrecorded = [problem for problem in chosen if problem.problem_id not in recorded.solved]
    ask = Ask(
        PathKind.DISTILLED, settings.round_of(step), SOLVE, solving(settings.teacher), distill.samples, settings.seed
    )
    solved = solve(open_teacher(settings), unrecorded, ask, _journal(step)) if unrecorded else ()
    paths = _stored(step, chain(recorded.paths(), solved))
    also = f" ({len(recorded.solved)} with recorded solutions)" if distill.recorded else ""
    left_out = f"; {counts(recorded.left_out)}" if recorded.left_out else ""
    return f"{len(chosen)} of {len(problems)} problems remaining{also}, {paths}{left_out}"


def _rolled_out(settings: Params, step: str) -> str:
    rollout, remaining = settings.rollout, _remaining(settings, step)
    drawn = Sampling(rollout.temperature_of(step), rollout.top_p, settings.student.max_new_tokens)
    ask = Ask(PathKind.ROLLOUT, settings.round_of(step), settings.student.prompt, drawn, rollout.samples, settings.seed)
    student = open_for("student", settings, folder=layout.model(settings.steps[step].model))
    hard = _wrong_steps(settings, step) if rollout.harder > 1 else {}
    solved = solve(
        student, _problems(remaining), ask, _journal(step), lambda problem: rollout.samples_after(hard.get(problem, 0))
    )
    paths = _stored(step, solved)
    return f"{len(remaining)} problems remaining, {paths}"


def _reflected(settings: Params, step: str) -> str:
    file, scope = layout.remaining(settings.steps[step].prev), settings.reflect.scope

    def remaining() -> Iterator[Remaining]:
        return store.scan(file, Remaining)

    ask = Ask(
        PathKind.REFLECTION, settings.round_of(step), PROMPT, solving(settings.teacher), settings.reflect.samples,
        settings.seed,
    )  # fmt: skip
    feedback = Feedback(settings.reflect.feedback, marking(settings.teacher))
    teacher, problems = open_teacher(settings), ProblemLookup(layout.PROBLEMS)
    paths = _stored(step, reflect(teacher, remaining, problems, ask, scope, _journal(step), feedback))
    wrong = sum(1 for _ in wrong_paths(remaining(), scope))
    return f"{store.metadata(file).rows} problems remaining, {wrong} wrong paths in, {paths}"


def _remaining(settings: Params, step: str) -> Collection[str]:
    """The problems that the step before has left."""
    return problem_ids(layout.remaining(settings.steps[step].prev), Remaining)


def _wrong_steps(settings: Params, step: str) -> dict[str, int]:
    """How many earlier steps have left wrong paths of a problem, where any has."""
    rows = store.scan(layout.remaining(settings.steps[step].prev), Remaining)
    return {row.problem_id: len({wrong.step for wrong in row.wrong}) for row in rows if row.wrong}


def _problems(wanted: Collection[str]) -> Iterator[Problem]:
    """These problems, in the order of their table."""
    return (problem for problem in store.scan(layout.PROBLEMS, Problem) if problem.problem_id in wanted)


def _stored(step: str, rows: Iterator[Path]) -> PathTally:
    """Write the step's paths; what became of them."""
    paths = PathTally(rows)
    store.write(layout.paths(step), Path, paths)
    return paths


def _journal(step: str) -> File:
    return layout.journal(f"paths-{step}")
