"""Stage orm_evaluate: the ORM judges the held-out paths, and is measured against the teacher's marks."""

from mathse import layout, params, stage
from mathse.engines.opening import open_for
from mathse.evaluation.orm_scores import measure
from mathse.evaluation.scores import save
from mathse.loop.judge import judge
from mathse.tables import store
from mathse.tables.lookup import ProblemLookup
from mathse.tables.schemas import Feedback, MixRow, Path, Verdict


def main() -> str:
    """Write data/orm/verdicts.parquet and reports/metrics/orm.json."""
    settings = params.load()
    inputs = store.input_hashes([layout.ORM_HELD_OUT, layout.ORM_PATHS, layout.ORM_FEEDBACK, layout.model("orm")])
    held_out = {row.path_id for row in store.scan(layout.ORM_HELD_OUT, MixRow)}
    paths = [path for path in store.scan(layout.ORM_PATHS, Path) if path.path_id in held_out]
    orm = open_for("judge", settings, folder=layout.model("orm"))
    problems, journal = ProblemLookup(layout.PROBLEMS), layout.journal("orm_evaluate")
    verdicts = list(judge(orm, lambda: paths, problems, settings.judge, journal))
    store.write(layout.ORM_VERDICTS, Verdict, verdicts, inputs)
    metrics = measure(verdicts, store.scan(layout.ORM_FEEDBACK, Feedback))
    save(metrics, layout.metrics("orm"))
    return (
        f"{metrics.n} held-out paths in, accuracy {metrics.accuracy:.1%} (correct {metrics.accuracy_correct:.1%}, "
        f"wrong {metrics.accuracy_wrong:.1%}), step {metrics.step_accuracy:.1%}, {metrics.undecided} undecided"
    )


if __name__ == "__main__":
    stage.run("orm_evaluate", main)
