"""Stage judge: the ORM judges the paths of one step: `distill`, a round's number, or `reflect`."""

from collections import Counter

from mathse import layout, params, stage
from mathse.loop.judge import judge
from mathse.loop.student import open_model
from mathse.tables import store
from mathse.tables.schemas import Path, Problem, Verdict


def main(step: str) -> str:
    """Write the step's verdicts.parquet."""
    settings = params.load()
    folder = layout.step_dir(step)
    inputs = store.input_hashes([layout.PROBLEMS, layout.IMAGES, layout.paths(folder), layout.model("orm")])
    problems = {problem.problem_id: problem for problem in store.scan(layout.PROBLEMS, Problem)}
    paths = store.read(layout.paths(folder), Path)
    orm = open_model(layout.model("orm"), settings.judge, settings.judge.batch_size, settings)
    verdicts = judge(orm, paths, problems, settings.judge, layout.journal(f"judge-{step}"))
    store.write(layout.verdicts(folder), Verdict, verdicts, inputs)
    statuses = Counter(str(verdict.status) for verdict in verdicts)
    differing = sum(verdict.status != verdict.rule_status for verdict in verdicts)
    spent = stage.cost(sum(verdict.cost for verdict in verdicts))
    return f"{len(paths)} paths in, {stage.counts(statuses)}; the rule grader differs on {differing}{spent}"


if __name__ == "__main__":
    stage.run("judge", main)
