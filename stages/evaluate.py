"""Stage evaluate: a model's answers to the test problems and the benchmarks: `base`, `0`, a round, or `final`."""

import time

from mathse import layout, params, stage
from mathse.engines.opening import open_for
from mathse.evaluation.scores import save
from mathse.loop.measuring import answers, measured
from mathse.loop.provenance import provenance
from mathse.loop.solve import of_split
from mathse.tables import store
from mathse.tables.schemas import BenchmarkItem, Prediction, Problem, Split

INPUTS = (layout.PROBLEMS, layout.IMAGES, layout.BENCHMARK_ITEMS, layout.BENCHMARK_IMAGES)


def main(name: str) -> str:
    """Write data/eval/<name>/{predictions.parquet,official.json} and reports/metrics/<name>.json."""
    start, settings = time.monotonic(), params.load()
    inputs = store.input_hashes([*INPUTS, layout.model(name)])
    tests = list(of_split(store.scan(layout.PROBLEMS, Problem), Split.TEST))
    items = store.read(layout.BENCHMARK_ITEMS, BenchmarkItem)
    model = open_for(
        "student", settings, folder=layout.model(name), batch_size=settings.evaluate.batch_size, benchmarks=True
    )
    file = layout.predictions(name)
    store.write(file, Prediction, answers(name, model, tests, items, settings), inputs)
    known = provenance(name, model.name, time.monotonic() - start)
    metrics, tables = measured(file, tests, items, known, settings)
    save(metrics, layout.metrics(name))
    layout.official_tables(name).write_text(tables, encoding="utf-8")
    public = "".join(f"; {title} {100 * one.accuracy:.1f} %" for title, one in metrics.benchmarks.items())
    return f"{metrics.correct} of {metrics.n} correct, {metrics.wrong} wrong, {metrics.undecided} undecided{public}"


if __name__ == "__main__":
    stage.run("evaluate", main)
