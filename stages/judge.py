"""Stage judge@step: the ORM judges the step's paths, and the rule grader beside it."""

from mathse import layout, params, stage, tally
from mathse.loop.ask.engines.opening import open_for
from mathse.loop.judge import judge
from mathse.tables import store
from mathse.tables.lookup import ProblemLookup
from mathse.tables.schemas import Path, Verdict


def main(step: str) -> str:
    """Write data/verdicts/<step>.parquet."""
    settings = params.load()
    orm = layout.model(settings.step(step).judge)
    # Of a teacher's paths nine of ten are right, of a student's nine of ten wrong: there a slip of the ORM counts.
    must_be = settings.judge.min_confidence if settings.step(step).ask == "rollout" else 0
    file = layout.paths(step)
    store.require(file, Path)
    judged = judge(
        open_for("judge", settings, folder=orm), lambda: store.scan(file, Path), ProblemLookup(layout.PROBLEMS),
        settings.judge, layout.journal(f"judge-{step}"), settings.orm.target, must_be,
    )  # fmt: skip
    verdicts = tally.StatusTally(judged)
    store.write(layout.verdicts(step), Verdict, verdicts)
    return str(verdicts)


if __name__ == "__main__":
    stage.run("judge", main)
