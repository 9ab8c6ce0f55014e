"""All of the evaluate stage: predictions asked, helped, written and measured.

In: test problems, benchmark items and rejects, a model. Out: its predictions and its metrics.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from mathse import layout, params
from mathse.loop.ask.engines.opening import open_for
from mathse.loop.ask.protocol import Engine
from mathse.loop.assisted import Helper, extracted, matched
from mathse.loop.evaluate import Asking, predict
from mathse.loop.evaluation import benchmark_scores, scores
from mathse.loop.evaluation.scores import Metrics
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem, Prediction, Problem, Reject


def answers(
    name: str, engine: Engine, tests: Sequence[Problem], items: Sequence[BenchmarkItem], settings: params.Params
) -> Iterator[Prediction]:
    """A model's predictions, by rule and then with the helpers that params name.

    Args:
        name: The model's, for its journals.

    Raises:
        UserError: A helper's engine cannot be opened.
    """
    asking = Asking(settings.student, settings.evaluate, settings.seed)
    rows = predict(engine, tests, items, asking, layout.journal(f"evaluate-{name}"))
    by_id = {item.problem_id: item for item in items}
    if items and settings.evaluate.extractor is not None:
        rows = extracted(rows, by_id, _helper("extractor", settings.evaluate.extractor, name, engine, settings))
    if items and settings.evaluate.matcher is not None:
        rows = matched(rows, by_id, _helper("matcher", settings.evaluate.matcher, name, engine, settings))
    return rows


def _helper(
    role: Literal["extractor", "matcher"],
    chosen: params.Extractor | params.Matcher,
    name: str,
    engine: Engine,
    settings: params.Params,
) -> Helper:
    """The evaluated model itself where both are local, else an engine of the helper's own."""
    if chosen.engine != "model" or settings.student.engine != "model":
        engine = open_for(role, settings, folder=layout.model(name))
    scratch = layout.STATE / "evaluate" / f"{name}-{role}.parquet"
    return Helper(engine, chosen, scratch, layout.journal(f"evaluate-{name}-{role}"))


def measured(
    name: str,
    fingerprint: str,
    tests: Sequence[Problem],
    items: Sequence[BenchmarkItem],
    settings: params.Params,
) -> Metrics:
    """Metrics of a model's finished table of predictions."""
    predictions = layout.predictions(name)
    rejected = Counter(reject.source for reject in store.scan(layout.BENCHMARK_REJECTS, Reject))
    sizes = {source.title: source.published for source in settings.benchmarks}
    by_id = {item.problem_id: item for item in items}
    counted = benchmark_scores.measure(store.scan(predictions, Prediction), by_id, rejected, sizes)
    benchmarks = {title: benchmark.metrics() for title, benchmark in counted.items() if benchmark.n}
    own = {problem.problem_id: problem for problem in tests}
    metrics = scores.measure(store.scan(predictions, Prediction), own, name, fingerprint)
    table_2 = benchmark_scores.table_2(counted, benchmarks)
    return metrics.model_copy(update={"benchmarks": benchmarks, "table_2": table_2})
