"""A helper's part in scoring: a model finds the answers (MathVista, MathVerse), and compares them (MathVerse).

Predictions wait in a table on disk while the helper works, so that memory does not grow with their number. A reply is
parsed strictly and never obeyed; one that is not the agreed object leaves its prediction UNDECIDED with that reason.
Rows record who helped: `gpt-4o extract@1`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path as File
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from mathse import params
from mathse.loop.ask.generate import generate
from mathse.loop.ask.protocol import Engine, Failure, Outcome, Request, Sampling
from mathse.loop.ask.replies import NotAgreed, agreed, schema_of
from mathse.loop.ask.requests import request
from mathse.loop.asking import as_problem, fields_of
from mathse.loop.evaluate import rescored
from mathse.loop.evaluation import official
from mathse.params.benchmarks import name_of
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem, Prediction, Status

Items = Mapping[str, BenchmarkItem]
Asks = Callable[[Prediction], Request | None]
Helper = params.Extractor | params.Matcher
Applies = Callable[[Prediction, Outcome], Prediction]
T = TypeVar("T", bound=BaseModel)


class _Extraction(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    answer: str | None


class _Judgement(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    judgement: int


def extracted(
    rows: Iterable[Prediction], items: Items, engine: Engine, settings: params.Extractor, scratch: File, journal: File
) -> Iterator[Prediction]:
    """Have a model find the answers in the replies of benchmarks that leave it to one, and score them anew.

    Args:
        rows: Predictions scored by rule.
        items: Benchmark items by problem id.
        engine: The helper.
        settings: Prompt and length.
        scratch: A table in which the predictions wait; removed at the end.
        journal: Where finished completions are kept until the stage is done.

    Yields:
        The predictions in the order of their table's key.
    """
    name = f"{engine.name} {settings.prompt}"

    def ask(row: Prediction) -> Request | None:
        if not row.text or name_of_or_none(row) not in official.EXTRACTED:
            return None
        item = items[row.problem_id]
        if official.plain_answer(item, row.text) is not None:
            return None
        fields = fields_of(item) | {"reply": row.text}
        return _request(row, item, settings, fields, _Extraction)

    def apply(row: Prediction, outcome: Outcome) -> Prediction:
        said = _agreed(outcome, _Extraction)
        if isinstance(said, str):
            found = rescored(row, items[row.problem_id], None, name, outcome.cost)
            return found.model_copy(update={"reason": f"extractor: {said}"})
        return rescored(row, items[row.problem_id], _storable(said.answer), name, outcome.cost)

    yield from _helped(rows, engine, ask, apply, scratch, journal, "extractions")


def matched(
    rows: Iterable[Prediction], items: Items, engine: Engine, settings: params.Matcher, scratch: File, journal: File
) -> Iterator[Prediction]:
    """Have a model compare the answers that are not the gold answer sign by sign, where a benchmark leaves it to one.

    Arguments and result as for `extracted`.
    """
    name = f"{engine.name} {settings.prompt}"

    def ask(row: Prediction) -> Request | None:
        if row.answer is None or row.status is not Status.WRONG or name_of_or_none(row) not in official.JUDGED:
            return None
        item = items[row.problem_id]
        fields = fields_of(item) | {"answer": row.answer, "gold": official.gold(item)}
        return _request(row, item, settings, fields, _Judgement)

    def apply(row: Prediction, outcome: Outcome) -> Prediction:
        said = _agreed(outcome, _Judgement)
        if not isinstance(said, str) and said.judgement not in (0, 1):
            said = "not the agreed object"
        verdict = (Status.UNDECIDED, f"matcher: {said}") if isinstance(said, str) else _MEANS[said.judgement]
        return row.model_copy(
            update={
                "status": verdict[0],
                "reason": verdict[1],
                "scorer": f"{row.scorer}, {name}",
                "cost": row.cost + outcome.cost,
            }
        )

    yield from _helped(rows, engine, ask, apply, scratch, journal, "judgements")


_MEANS = {1: (Status.CORRECT, "the matcher says the same"), 0: (Status.WRONG, "the matcher says different")}


def name_of_or_none(row: Prediction) -> str | None:
    """The benchmark that a prediction is of; None for the run's own tests."""
    return name_of(row.benchmark) if "/" in row.problem_id else None


def _helped(
    rows: Iterable[Prediction], engine: Engine, ask: Asks, apply: Applies, scratch: File, journal: File, title: str
) -> Iterator[Prediction]:
    """Each row as it is, or as the helper's outcome makes it where there is something to ask."""
    try:
        store.write(scratch, Prediction, rows)
        waiting = store.scan(scratch, Prediction)
        with closing(generate(engine, filter(None, map(ask, waiting)), journal, title)) as answered:
            for row in store.scan(scratch, Prediction):
                yield row if ask(row) is None else apply(row, next(answered)[1])
    finally:
        scratch.unlink(missing_ok=True)


def _request(
    row: Prediction, item: BenchmarkItem, settings: Helper, fields: Mapping[str, str], form: type[BaseModel]
) -> Request:
    return request(
        as_problem(item), settings.prompt, fields, Sampling(max_new_tokens=settings.max_new_tokens),
        seed=0, sample_idx=row.sample_idx, json_schema=schema_of(form), images=False,
        param=f"evaluate.{type(settings).__name__.lower()}.prompt",
    )  # fmt: skip


def _agreed(outcome: Outcome, model: type[T]) -> T | str:
    """The reply as the agreed object, or why it is none."""
    if isinstance(outcome, Failure):
        return outcome.reason
    try:
        return agreed(outcome.text, model)
    except NotAgreed as error:
        return str(error)


def _storable(answer: str | None) -> str | None:
    """The answer as it can be stored: JSON can escape half a character, which no table can hold."""
    return None if answer is None else answer.encode("utf-8", "replace").decode("utf-8").strip()
