"""Stage judge: the ORM judges the paths of one step: `distill`, a round's number, or `reflect`."""

from mathse import layout, params, stage
from mathse.engines.opening import open_for
from mathse.loop.judge import judge
from mathse.tables import store
from mathse.tables.lookup import ProblemLookup
from mathse.tables.schemas import Path, Verdict


def main(step: str) -> str:
    """Write the step's verdicts.parquet."""
    settings = params.load()
    folder = layout.step_dir(step)
    inputs = store.input_hashes([layout.PROBLEMS, layout.IMAGES, layout.paths(folder), layout.model("orm")])
    orm = open_for("judge", settings, folder=layout.model("orm"))
    problems, journal = ProblemLookup(layout.PROBLEMS), layout.journal(f"judge-{step}")
    verdicts = judge(orm, lambda: store.scan(layout.paths(folder), Path), problems, settings.judge, journal)
    tally = stage.StatusTally(verdicts)
    store.write(layout.verdicts(folder), Verdict, tally, inputs)
    return str(tally)


if __name__ == "__main__":
    stage.run("judge", main)
