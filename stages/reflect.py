"""Stage reflect: the teacher reconsiders what stayed wrong, with the ORM's feedback (step 3)."""

from mathse import layout, params, stage
from mathse.loop.reflect import PROMPT, reflect, wrong_paths
from mathse.loop.solve import Ask, of_split, unsolved
from mathse.loop.teacher import open_teacher, solving
from mathse.tables import store
from mathse.tables.schemas import MixRow, Path, PathKind, Problem, Split, Verdict


def main() -> str:
    """Write data/reflect/paths.parquet."""
    settings = params.load()
    last = layout.mix(settings.reflect.after)
    rounds = [layout.round_dir(number) for number in sorted(settings.rounds)]
    tables = [table(folder) for folder in rounds for table in (layout.paths, layout.verdicts)]
    inputs = store.input_hashes([layout.PROBLEMS, last, *tables])
    train = of_split(store.scan(layout.PROBLEMS, Problem), Split.TRAIN)
    remaining = list(unsolved(train, store.scan(last, MixRow)))
    verdicts = {v.path_id: v for folder in rounds for v in store.scan(layout.verdicts(folder), Verdict)}
    paths = (path for folder in rounds for path in store.scan(layout.paths(folder), Path))
    wrong = wrong_paths(paths, verdicts, remaining, settings.reflect.scope)
    problems = {problem.problem_id: problem for problem in remaining}
    teacher = open_teacher(settings, remaining)
    drawn, after = solving(settings.teacher), settings.reflect.after
    ask = Ask(PathKind.REFLECTION, after, PROMPT, drawn, settings.reflect.samples, settings.seed)
    reflections = stage.PathTally(reflect(teacher, wrong, problems, ask, layout.journal("reflect")))
    store.write(layout.paths(layout.REFLECT), Path, reflections, inputs)
    return f"{len(remaining)} problems remaining, {len(wrong)} wrong paths in, {reflections}"


if __name__ == "__main__":
    stage.run("reflect", main)
