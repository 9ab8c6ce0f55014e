"""The requests and the training rows of every step, from params and a few assumed shares.

Which paths a judge will find correct nobody knows beforehand: `Shares` says what is assumed. All else follows from
params: how many problems, samples, rounds and models there are.

Sample: `Step("rollout 1", "student", 14400, 2278080, 777600)`, `Training("0", 9600, 2037120, 75)`
"""

import math
from dataclasses import dataclass

from mathse.errors import UserError
from mathse.params import BASE, STUDENT, AdapterSource, FigureSource, Params, Train
from mathse.share.plan_counts import Means


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
class Step:
    """What a step asks.

    Attributes:
        name: Of the step.
        by: `teacher`, `student` or `orm`.
        requests: Completions to be made.
        prompt_tokens: Of all requests, images included.
        completion_tokens: Of all requests.
    """

    name: str
    by: str
    requests: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Training:
    """What a training sees.

    Attributes:
        name: Of the model.
        rows: Of its mix.
        tokens: Over all epochs, images included, padding not.
        steps: Optimizer steps.
    """

    name: str
    rows: int
    tokens: int
    steps: int


@dataclass(frozen=True)
class Problems:
    """Problems by split."""

    train: int
    orm: int
    test: int


def problems(settings: Params) -> Problems:
    """How many problems there are; what ingestion rejects is not foreseen."""
    sources = settings.problems.sources
    return Problems(*(sum(_expected(one, split) for one in sources) for split in ("train", "orm", "test")))


def _expected(source: FigureSource | AdapterSource, split: str) -> int:
    """A source's problems of one split; of a data set, the limit's share."""
    if isinstance(source, FigureSource):
        return {"train": source.train, "orm": source.orm, "test": source.test}[split]
    if source.limit is None:
        raise UserError(
            f"problems.sources: {source.source}: how many problems it has is not known before it is read; "
            "give it a limit to plan with"
        )
    shares = {"train": source.split.train, "orm": source.split.orm, "test": source.split.test}
    return round(source.limit * shares[split])


def steps(settings: Params, means: Means, shares: Shares) -> tuple[list[Step], list[Training]]:
    """All requests and all trainings of a run, in their order.

    Args:
        settings: The whole of params.
        means: Tokens of a request and of a row.
        shares: What is assumed.
    """
    there = problems(settings)
    orm_steps, orm_rows = _orm(settings, means, shares, there)
    loop_steps, rows = _loop(settings, means, shares, there)
    asked = there.test + sum(source.expected for source in settings.benchmarks)
    answers = len(settings.measured) * asked * (1 + settings.evaluate.samples)
    tests = _step("evaluate", "student", answers, means.solve_in, means.path)
    rows[STUDENT] = round(min(settings.orm.warmup_problems, there.orm) * shares.kept)
    trainings = [
        _training(name, orm_rows, means.judge_row, settings.orm.train)
        if name in settings.orms
        else _training(name, rows[name], means.row, settings.train)
        for name in settings.trained
    ]
    return [*orm_steps, *loop_steps, tests], trainings


def _orm(settings: Params, means: Means, shares: Shares, there: Problems) -> tuple[list[Step], int]:
    """Step 0: what makes the ORMs, and the rows that each is trained on."""
    orm = settings.orm
    warmup = min(orm.warmup_problems, there.orm)
    others = there.orm - warmup
    written, taught = others * orm.samples, others * orm.teacher_samples
    mistaken = 1 - orm.teacher_mistake_rate if settings.teacher.engine == "solver" else shares.kept
    correct = written * shares.solved + taught * mistaken
    balanced = 2 * min(correct, written + taught - correct)
    held_out = round(balanced * orm.held_out)
    made = [_step("student data", "teacher", warmup, means.teacher_in, means.path)]
    for name in settings.orms:
        called = "ORM" if len(settings.orms) == 1 else name
        made += [
            _step(f"{called} paths", "student", written, means.solve_in, means.path),
            _step(f"{called} paths", "teacher", taught, means.teacher_in, means.path),
            _step(f"{called} feedback", "teacher", written + taught, means.annotate_in, means.verdict),
            _step(f"{called} evaluation", "orm", held_out, means.judge_in, means.verdict),
        ]
    return made, round(balanced) - held_out


def _loop(settings: Params, means: Means, shares: Shares, there: Problems) -> tuple[list[Step], dict[str, int]]:
    """The requests of every step, and the rows of its mix."""
    most = settings.mix.parameters.get("max_per_problem", 1)
    made: list[Step] = []
    solved, rows = {BASE: 0.0}, {BASE: 0}
    for name, step in settings.steps.items():
        remaining = there.train - solved[step.prev]
        if step.ask == "distill":
            tried = min(remaining, max(1, round(settings.distill.fraction * remaining)))
            gained, each = tried * shares.kept, settings.distill.samples
            added = gained * (min(int(most), each) if isinstance(most, int) else 1)
            asked = _step(_label(settings, name), "teacher", round(tried) * each, means.teacher_in, means.path)
        elif step.ask == "rollout":
            gained = added = remaining * shares.solved
            paths = round(remaining) * settings.rollout.samples
            asked = _step(_label(settings, name), "student", paths, means.solve_in, means.path)
        else:
            gained = added = remaining * shares.repaired
            wrong = settings.round_of(name) * settings.rollout.samples if settings.reflect.scope == "all" else 1
            paths = round(remaining) * wrong * settings.reflect.samples
            asked = _step(_label(settings, name), "teacher", paths, means.reflect_in, means.path)
        made += [asked, _judged(asked, means)]
        solved[name] = solved[step.prev] + gained
        rows[name] = round(rows[step.prev] + added)
    return made, rows


def _label(settings: Params, name: str) -> str:
    """What a step asks: `distill`, `rollout 1`, `reflect`; with its name where two ask alike."""

    def asks(step: str) -> str:
        ask = settings.steps[step].ask
        return f"rollout {settings.round_of(step)}" if ask == "rollout" else ask

    alike = [step for step in settings.steps if asks(step) == asks(name)]
    return asks(name) if len(alike) == 1 else f"{asks(name)} ({name})"


def _judged(asked: Step, means: Means) -> Step:
    return _step(f"judge {asked.name}", "orm", asked.requests, means.judge_in, means.verdict)


def _step(name: str, by: str, requests: int, tokens_in: float, tokens_out: float) -> Step:
    return Step(name, by, requests, round(requests * tokens_in), round(requests * tokens_out))


def _training(name: str, rows: int, tokens: float, how: Train) -> Training:
    per_epoch = math.ceil(rows / how.batch_size)
    wanted = math.ceil(per_epoch * how.epochs)
    taken = wanted if how.max_steps < 0 else how.max_steps
    return Training(name, rows, round(rows * how.epochs * tokens * taken / max(1, wanted)), taken)
