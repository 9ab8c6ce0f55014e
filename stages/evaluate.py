"""Stage evaluate@model: a model's answers to the test problems and the benchmarks, and what they come to."""

import time

from mathse import layout, params, stage
from mathse.loop.ask.engines.opening import open_for
from mathse.loop.measuring import answers, measured
from mathse.loop.solve import of_split
from mathse.tables import store
from mathse.tables.files import write_json
from mathse.tables.schemas import BenchmarkItem, Prediction, Problem, Split


def main(name: str) -> str:
    """Write data/predictions/<model>.parquet and reports/metrics/<model>.json."""
    began, settings = time.monotonic(), params.load()
    tests = list(of_split(store.scan(layout.PROBLEMS, Problem), Split.TEST))
    items = store.read(layout.BENCHMARK_ITEMS, BenchmarkItem)
    batch_size = settings.evaluate.batch_size
    model = open_for("student", settings, folder=layout.model(name), batch_size=batch_size, benchmarks=True)
    store.write(layout.predictions(name), Prediction, answers(name, model, tests, items, settings))
    metrics = measured(name, model.name, tests, items, settings)
    write_json(layout.metrics(name), metrics)
    write_json(layout.timings(f"evaluate-{name}"), {"seconds": round(time.monotonic() - began, 1)})
    public = "".join(f"; {title} {100 * one.accuracy:.1f} %" for title, one in metrics.benchmarks.items())
    return f"{metrics.correct} of {metrics.n} correct, {metrics.wrong} wrong, {metrics.undecided} undecided{public}"


if __name__ == "__main__":
    stage.run("evaluate", main)
