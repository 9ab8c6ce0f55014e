"""Stage reflect: the teacher reconsiders what stayed wrong, with the ORM's feedback (step 3)."""

from mathse import layout, params, stage
from mathse.engines.opening import open_for
from mathse.loop.reflect import PROMPT, reflect
from mathse.loop.solve import Ask, of_split, solving, unsolved
from mathse.tables import store
from mathse.tables.schemas import MixRow, Path, PathKind, Problem, Remaining, Split, Status, Verdict, WrongPath


def main() -> str:
    """Write data/reflect/paths.parquet."""
    settings = params.load()
    last = layout.mix(settings.reflect.after)
    rounds = [layout.round_dir(number) for number in sorted(settings.rounds)]
    tables = [table(folder) for folder in rounds for table in (layout.paths, layout.verdicts)]
    inputs = store.input_hashes([layout.PROBLEMS, last, *tables])
    train = of_split(store.scan(layout.PROBLEMS, Problem), Split.TRAIN)
    problems = {problem.problem_id: problem for problem in unsolved(train, store.scan(last, MixRow))}
    wrong: dict[str, list[WrongPath]] = {problem_id: [] for problem_id in problems}
    for folder in reversed(rounds):
        said = {v.path_id: v for v in store.scan(layout.verdicts(folder), Verdict) if v.status is Status.WRONG}
        for path in sorted(store.scan(layout.paths(folder), Path), key=lambda path: (path.sample_idx, path.path_id)):
            if path.problem_id in wrong and path.path_id in said:
                known = path.model_dump(include={"path_id", "round", "sample_idx", "text"}) | {"step": folder.name}
                known |= said[path.path_id].model_dump(include={"error_step", "error_analysis"})
                wrong[path.problem_id].append(WrongPath(**known))
    remaining = [Remaining(problem_id=problem_id, wrong=tuple(paths)) for problem_id, paths in sorted(wrong.items())]
    teacher = open_for("teacher", settings)
    drawn, after = solving(settings.teacher), settings.reflect.after
    ask = Ask(PathKind.REFLECTION, after, PROMPT, drawn, settings.reflect.samples, settings.seed)
    scope, journal = settings.reflect.scope, layout.journal("reflect")
    reflections = stage.PathTally(reflect(teacher, lambda: remaining, problems, ask, scope, journal))
    store.write(layout.paths(layout.REFLECT), Path, reflections, inputs)
    tried = sum(map(bool, wrong.values()))
    return f"{len(remaining)} problems remaining, {tried} of them with a wrong path, {reflections}"


if __name__ == "__main__":
    stage.run("reflect", main)
