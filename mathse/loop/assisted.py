"""A helper's part in scoring: a model finds the answers where a benchmark leaves that to one, and compares them.

Predictions wait in a table on disk while the helper works, so that memory does not grow with their number. A reply is
parsed strictly and never obeyed; one that is not the agreed object leaves its prediction UNDECIDED with that reason.
Rows record who helped: `gpt-4o extract@1`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path as File
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from mathse import params
from mathse.benchmarks.benchmark import as_problem, benchmark_of
from mathse.benchmarks.official import official_fields
from mathse.benchmarks.rule import Rule
from mathse.loop.ask.generate import NOT_ASKED, ask_about
from mathse.loop.ask.protocol import Engine, Failure, Outcome, Request, Sampling
from mathse.loop.ask.replies import NotAgreed, agreed, schema_of
from mathse.loop.ask.requests import request
from mathse.loop.evaluate import fields_of, rescored
from mathse.tables import store
from mathse.tables.schemas import OWN_TESTS, BenchmarkItem, Prediction, Status

Items = Mapping[str, BenchmarkItem]
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Helper:
    """A model that helps to score.

    Attributes:
        engine: The model.
        settings: Prompt and length; their type says what it is asked for.
        scratch: A table in which the predictions wait; removed at the end.
        journal: Where finished completions are kept until the stage is done.
    """

    engine: Engine
    settings: params.Extractor | params.Matcher
    scratch: File
    journal: File

    @property
    def name(self) -> str:
        """What a row says of who helped."""
        return f"{self.engine.name} {self.settings.prompt}"


class _Extraction(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    answer: str | None


class _Judgement(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    judgement: int


_MEANING = {
    1: (Status.CORRECT, "the matcher says the same"),
    0: (Status.WRONG, "the matcher says different"),
}


def extracted(rows: Iterable[Prediction], items: Items, helper: Helper) -> Iterator[Prediction]:
    """Have a model find the answers in the replies of benchmarks that leave it to one, and score them anew.

    Args:
        items: Benchmark items by problem id.
        helper: The model, an `Extractor`.

    Yields:
        The predictions in the order of their table's key.
    """

    def ask(row: Prediction) -> Request | None:
        rule = _rule(row)
        if not row.text or rule is None or not rule.extractor:
            return None
        item = items[row.problem_id]
        if rule.bare_answer(item, row.text) is not None:
            return None
        return _request(row, item, helper, {"reply": row.text}, _Extraction)

    def apply(row: Prediction, outcome: Outcome) -> Prediction:
        item, reply = items[row.problem_id], _parsed(outcome, _Extraction)
        if isinstance(reply, str):
            unscored = rescored(row, item, None, helper.name, outcome.cost)
            return unscored.model_copy(update={"reason": f"extractor: {reply}"})
        # JSON can escape half a character, which no table can hold.
        answer = reply.answer and reply.answer.encode("utf-8", "replace").decode("utf-8").strip()
        return rescored(row, item, answer, helper.name, outcome.cost)

    yield from _helped(rows, helper, ask, apply, "extractions")


def matched(rows: Iterable[Prediction], items: Items, helper: Helper) -> Iterator[Prediction]:
    """Have a model compare the answers that are not the gold answer sign by sign, where a benchmark leaves it to one.

    Arguments and result as for `extracted`; the helper is a `Matcher`.
    """

    def ask(row: Prediction) -> Request | None:
        rule = _rule(row)
        if row.answer is None or row.status is not Status.WRONG or rule is None or not rule.matcher:
            return None
        item = items[row.problem_id]
        gold = str(official_fields(item).get("answer", item.answer))
        return _request(row, item, helper, {"answer": row.answer, "gold": gold}, _Judgement)

    def apply(row: Prediction, outcome: Outcome) -> Prediction:
        reply = _parsed(outcome, _Judgement)
        if not isinstance(reply, str) and reply.judgement not in _MEANING:
            reply = "not the agreed object"
        if isinstance(reply, str):
            status, reason = Status.UNDECIDED, f"matcher: {reply}"
        else:
            status, reason = _MEANING[reply.judgement]
        return row.model_copy(
            update={
                "status": status,
                "reason": reason,
                "scorer": f"{row.scorer}, {helper.name}",
                "cost": row.cost + outcome.cost,
            }
        )

    yield from _helped(rows, helper, ask, apply, "judgements")


def _rule(row: Prediction) -> Rule | None:
    """The official rule that scored a prediction, if any did."""
    return None if row.benchmark == OWN_TESTS else benchmark_of(row.benchmark).rule


def _request(
    row: Prediction, item: BenchmarkItem, helper: Helper, more: Mapping[str, str], form: type[BaseModel]
) -> Request:
    settings = helper.settings
    return request(
        as_problem(item), settings.prompt, {**fields_of(item), **more},
        Sampling(max_new_tokens=settings.max_new_tokens), seed=0, sample_idx=row.sample_idx,
        json_schema=schema_of(form), images=False, param=f"evaluate.{type(settings).__name__.lower()}.prompt",
    )  # fmt: skip


def _parsed(outcome: Outcome, model: type[T]) -> T | str:
    """The reply as the agreed object, or why it is none."""
    if isinstance(outcome, Failure):
        return outcome.reason
    try:
        return agreed(outcome.text, model)
    except NotAgreed as error:
        return str(error)


def _helped(
    rows: Iterable[Prediction],
    helper: Helper,
    ask: Callable[[Prediction], Request | None],
    apply: Callable[[Prediction, Outcome], Prediction],
    title: str,
) -> Iterator[Prediction]:
    """Each row as it is, or as the helper's outcome makes it where there is something to ask."""
    try:
        store.write(helper.scratch, Prediction, rows)
        waiting = partial(store.scan, helper.scratch, Prediction)
        for row, outcome in ask_about(helper.engine, waiting, ask, helper.journal, title):
            yield row if outcome is NOT_ASKED else apply(row, outcome)
    finally:
        helper.scratch.unlink(missing_ok=True)
