"""All of the evaluate stage: predictions asked, helped, written and measured.

In: test problems, benchmark items and rejects, a model. Out: its predictions and its metrics.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from mathse import layout, params
from mathse.loop.ask.engines.opening import open_for
from mathse.loop.ask.protocol import Engine
from mathse.loop.asking import Asking
from mathse.loop.assisted import extracted, matched
from mathse.loop.evaluate import predict
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
    student, evaluate = settings.student, settings.evaluate
    asking = Asking(student, evaluate, settings.seed)
    rows = predict(engine, tests, student, layout.journal(f"evaluate-{name}"), items, asking)
    by_id = {item.problem_id: item for item in items}
    scratch = layout.STATE / "evaluate"
    if evaluate.extractor is not None and items:
        helper = _helper("extractor", evaluate.extractor, name, engine, settings)
        journal = layout.journal(f"evaluate-{name}-extractor")
        rows = extracted(rows, by_id, helper, evaluate.extractor, scratch / f"{name}-extracted.parquet", journal)
    if evaluate.matcher is not None and items:
        helper = _helper("matcher", evaluate.matcher, name, engine, settings)
        journal = layout.journal(f"evaluate-{name}-matcher")
        rows = matched(rows, by_id, helper, evaluate.matcher, scratch / f"{name}-matched.parquet", journal)
    return rows


def _helper(
    role: Literal["extractor", "matcher"],
    helper: params.Extractor | params.Matcher,
    name: str,
    engine: Engine,
    settings: params.Params,
) -> Engine:
    """The helper's engine; the evaluated model itself where both are local."""
    if helper.engine == "model" and settings.student.engine == "model":
        return engine
    return open_for(role, settings, folder=layout.model(name))


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
    of = benchmark_scores.measure(store.scan(predictions, Prediction), by_id, rejected, sizes)
    found = {title: one.metrics() for title, one in of.items() if one.n}
    own = {problem.problem_id: problem for problem in tests}
    metrics = scores.measure(store.scan(predictions, Prediction), own, name, fingerprint)
    return metrics.model_copy(update={"benchmarks": found, "table_2": benchmark_scores.table_2(of, found)})
