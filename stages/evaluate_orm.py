"""Stage evaluate_orm@orm: an ORM judges its held-out paths, and is measured against the teacher's marks."""

from mathse import layout, params, stage
from mathse.loop.ask.engines.opening import open_for
from mathse.loop.evaluation.orm_scores import measure
from mathse.loop.judge import judge
from mathse.tables import store
from mathse.tables.files import write_json
from mathse.tables.lookup import ProblemLookup
from mathse.tables.schemas import Feedback, MixRow, Path, Verdict


def main(name: str) -> str:
    """Write data/orm/<orm>/verdicts.parquet and reports/metrics/<orm>.json."""
    settings = params.load()
    held_out = {row.path_id for row in store.scan(layout.orm_held_out(name), MixRow)}
    paths = [path for path in store.scan(layout.orm_paths(name), Path) if path.path_id in held_out]
    verdicts = judge(
        open_for("judge", settings, folder=layout.model(name)), lambda: paths, ProblemLookup(layout.PROBLEMS),
        settings.judge, layout.journal(f"evaluate_orm-{name}"), settings.orm.target,
    )  # fmt: skip
    store.write(layout.orm_verdicts(name), Verdict, verdicts)
    judged = store.scan(layout.orm_verdicts(name), Verdict)
    metrics = measure(judged, store.scan(layout.orm_feedback(name), Feedback))
    write_json(layout.metrics(name), metrics)
    return (
        f"{metrics.n} held-out paths in, accuracy {metrics.accuracy:.1%} (correct {metrics.accuracy_correct:.1%}, "
        f"wrong {metrics.accuracy_wrong:.1%}), step {metrics.step_accuracy:.1%}, {metrics.undecided} undecided"
    )


if __name__ == "__main__":
    stage.run("evaluate_orm", main)
