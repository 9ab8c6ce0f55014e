"""The requests of every step and the rows of every mix, from params and a few assumed shares.

Which paths a judge will find correct nobody knows beforehand: `Shares` says what is assumed. All else follows from
params: how many problems, samples, rounds and models there are.

Sample: `Requests("rollout 1", "paths@1", "student", 14400, 2278080, 777600)`
"""

from dataclasses import dataclass

from mathse.errors import UserError
from mathse.params import BASE, STUDENT, FigureSource, Params
from mathse.plan.tokens import Means


@dataclass(frozen=True)
class Problems:
    """Problems by split."""

    train: int
    orm: int
    test: int


@dataclass(frozen=True)
class Shares:
    """What is assumed of the paths.

    Attributes:
        kept: Teacher paths that the ORM finds correct.
        solved: Remaining problems of which a round finds a correct path.
        repaired: Remaining problems that a reflection repairs.
    """

    kept: float
    solved: float
    repaired: float


@dataclass(frozen=True)
class Requests:
    """What a step asks of one role.

    Attributes:
        step: What it is called, such as `rollout 1`.
        stage: Of dvc.yaml, which asks; `evaluate` stands for the evaluations of all models.
        by: Who answers: `teacher`, `student` or `orm`.
        number: Completions to be made.
        prompt_tokens: Of all of them, images included.
        completion_tokens: Of all of them.
        gpu_hours: Of a local model; None where there is no GPU, or a server or a solver answers.
        cost: At a server, in the price table's currency; None where it costs nothing or has no price.
    """

    step: str
    stage: str
    by: str
    number: int
    prompt_tokens: int
    completion_tokens: int
    gpu_hours: float | None = None
    cost: float | None = None


def problems(settings: Params) -> Problems:
    """How many problems there are; what ingestion rejects is not foreseen.

    Raises:
        UserError: A data set has no limit.
    """
    counts: list[tuple[int, ...]] = []
    for source in settings.problems.sources:
        if isinstance(source, FigureSource):
            counts.append((source.train, source.orm, source.test))
            continue
        if source.limit is None:
            raise UserError(
                f"problems.sources: {source.source}: how many problems it has is not known before it is read; "
                "give it a limit to plan with"
            )
        shares = (source.split.train, source.split.orm, source.split.test)
        counts.append(tuple(round(source.limit * share) for share in shares))
    return Problems(*map(sum, zip(*counts, strict=True)))


def work(settings: Params, means: Means, shares: Shares) -> tuple[list[Requests], dict[str, int], dict[str, int]]:
    """All requests of a run, in their order; the rows of each mix, and how many of them are reflections.

    Args:
        means: Tokens of a request and of a row.
    """
    count = problems(settings)
    orm_requests, rows = _step_0(settings, means, shares, count.orm)
    loop_requests, loop_rows, reflections = _loop(settings, means, shares, count.train)
    items = count.test + sum(source.expected for source in settings.benchmarks)
    answers = len(settings.measured) * items * (1 + settings.evaluate.samples)
    evaluation = _requests("evaluate", "evaluate", "student", answers, means.solve_in, means.path)
    return [*orm_requests, *loop_requests, evaluation], {**rows, **loop_rows}, reflections


def _step_0(settings: Params, means: Means, shares: Shares, problems: int) -> tuple[list[Requests], dict[str, int]]:
    """What makes the ORMs, and the student whose mistakes the first of them learns from."""
    orm, solver = settings.orm, settings.teacher.engine == "solver"
    warmup = min(orm.warmup_problems, problems)
    written, taught = (problems - warmup) * orm.samples, (problems - warmup) * orm.teacher_samples
    correct = written * shares.solved
    correct += taught * (1 - orm.teacher_mistake_rate if solver else shares.kept)
    balanced = 2 * min(correct, written + taught - correct)
    held_out = round(balanced * orm.held_out)
    requests = [_requests("student data", "student_mix", "teacher", warmup, means.teacher_in, means.path)]
    for name in settings.orms:
        title = "ORM" if len(settings.orms) == 1 else name
        requests += [
            _requests(f"{title} paths", f"orm_paths@{name}", "student", written, means.solve_in, means.path),
            _requests(f"{title} paths", f"orm_paths@{name}", "teacher", taught, means.teacher_in, means.path),
            _requests(
                f"{title} feedback", f"orm_paths@{name}", "teacher", written + taught, means.annotate_in, means.verdict
            ),
            _requests(f"{title} evaluation", f"evaluate_orm@{name}", "orm", held_out, means.judge_in, means.verdict),
        ]
    right = 1 - settings.teacher.mistake_rate if solver else shares.kept  # no ORM is there yet to turn any down
    return requests, {STUDENT: round(warmup * right), **dict.fromkeys(settings.orms, round(balanced) - held_out)}


def _loop(
    settings: Params, means: Means, shares: Shares, problems: int
) -> tuple[list[Requests], dict[str, int], dict[str, int]]:
    """The paths and verdicts of every step, the rows of its mix, and the reflections among them."""
    most = settings.mix.parameters.get("max_per_problem", 1)
    titles = {
        name: f"rollout {settings.round_of(name)}" if step.ask == "rollout" else step.ask
        for name, step in settings.steps.items()
    }
    requests: list[Requests] = []
    solved, rows, reflections = {BASE: 0.0}, {BASE: 0}, {BASE: 0}
    for name, step in settings.steps.items():
        remaining = problems - solved[step.prev]
        if step.ask == "distill":
            by, prompt, samples = "teacher", means.teacher_in, settings.distill.samples
            tried = min(remaining, max(1, round(settings.distill.fraction * remaining)))
            gained = tried * shares.kept
            added = gained * (min(int(most), samples) if isinstance(most, int) else 1)
        elif step.ask == "rollout":
            # At most: what was tried before and is still unsolved has wrong paths of each earlier step.
            by, prompt = "student", means.solve_in
            samples = settings.rollout.samples_after(settings.round_of(name) - 1)
            tried, gained = remaining, remaining * shares.solved
            added = gained
        else:
            by, prompt, samples = "teacher", means.reflect_in, settings.reflect.samples
            if settings.reflect.scope == "all":
                samples *= settings.round_of(name) * settings.rollout.samples
            tried, gained = remaining, remaining * shares.repaired
            added = gained
        # Two steps that ask alike are told apart by their names.
        alike = list(titles.values()).count(titles[name]) > 1
        title = f"{titles[name]} ({name})" if alike else titles[name]
        if step.ask == "reflect" and settings.reflect.feedback == "teacher":
            marked = round(tried) * samples // settings.reflect.samples
            marks = _requests(f"marks for {title}", f"paths@{name}", by, marked, means.annotate_in, means.verdict)
            requests.append(marks)
        requests += [
            _requests(title, f"paths@{name}", by, round(tried) * samples, prompt, means.path),
            _requests(f"judge {title}", f"judge@{name}", "orm", round(tried) * samples, means.judge_in, means.verdict),
        ]
        solved[name] = solved[step.prev] + gained
        rows[name] = round(rows[step.prev] + added)
        reflections[name] = reflections[step.prev] + (round(added) if step.ask == "reflect" else 0)
    return requests, rows, reflections


def _requests(step: str, stage: str, by: str, number: int, prompt: float, completion: float) -> Requests:
    """So many requests, each of so many tokens."""
    return Requests(step, stage, by, number, round(number * prompt), round(number * completion))
