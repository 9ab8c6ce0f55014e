"""Stage evaluate: a model's greedy answers to the test problems, and its metrics: `base`, `0`, a round, or `final`."""

import time

from mathse import layout, params, stage, store
from mathse.evaluation.scores import measure, save
from mathse.method.evaluate import predict
from mathse.method.provenance import provenance
from mathse.method.solve import of_split
from mathse.method.student import open_model
from mathse.schemas import Prediction, Problem, Split


def main(name: str) -> str:
    """Write data/eval/<name>/predictions.parquet and reports/metrics/<name>.json."""
    start, settings = time.monotonic(), params.load()
    inputs = store.input_hashes([layout.PROBLEMS, layout.IMAGES, layout.model(name)])
    tests = list(of_split(store.scan(layout.PROBLEMS, Problem), Split.TEST))
    model = open_model(layout.model(name), settings.student, settings.evaluate.batch_size, settings)
    predictions = predict(model, tests, settings.student, layout.journal(f"evaluate-{name}"))
    store.write(layout.predictions(name), Prediction, predictions, inputs)
    known = provenance(name, model.name, time.monotonic() - start)
    metrics = measure(predictions, {problem.problem_id: problem for problem in tests}, known)
    save(metrics, layout.metrics(name))
    return f"{metrics.correct} of {metrics.n} correct, {metrics.wrong} wrong, {metrics.undecided} undecided"


if __name__ == "__main__":
    stage.run("evaluate", main)
