"""A stage depends on all the code that it runs, and on nothing else: derived from its imports, held against `dvc.yaml`.

`python -m tests.pipeline.test_dependencies [dvc.yaml]` prints for each stage the folders that it needs, the files in
them where these are few, and what `dvc.yaml` has missing (with the imports that lead there) and superfluous.
"""

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.imports import Tree, says_nothing

ROOT = Path(__file__).parents[2]
CODE = ("mathse/", "stages/", "tools/")

NEUTRAL: Mapping[str, str] = {
    "mathse/errors.py": "says what is wrong; a stage that fails writes nothing",
    "mathse/limits.py": "bounds memory and time, and keeps freed memory",
    "mathse/progress.py": "prints how far a stage is",
    "mathse/stage.py": "starts a stage, logs, keeps a second one of it away",
    "mathse/layout.py": "says where files lie, and these are the stage's other dependencies and outs by name",
    "mathse/params": "reads params.yaml; what a stage reads of it is its `params`; defaults: see tests/test_params.py",
    "mathse/processes.py": "starts the processes of one training; what they compute is in mathse/training",
    "mathse/registry.py": "finds what a module declares by the module's name; what it declares is in that module",
    "mathse/tally.py": "counts the rows that pass, and lets them pass as they are",
    "mathse/yaml_file.py": "reads params.yaml and DVC's files; what is read is the stage's `params`",
    "stages/__init__.py": "sets how torch's threads wait, and has mathse/loop/ask/engines/local hold its arithmetic",
}
"""What cannot change a byte of a stage's results, and why. Modules with a docstring alone are neutral too."""

BY_NAME: Mapping[str, str] = {
    "mathse.sources.adapter": "mathse.sources.adapters",
    "mathse.benchmarks.benchmark": "mathse.benchmarks.public",
    "mathse.answers.symbolic": "mathse.answers.symbolic_worker",
    "mathse.loop.ask.engines.local.vision": "mathse.loop.ask.engines.local.startup",
    "mathse.loop.ask.engines.opening": "mathse.loop.ask.engines.any_role",
    "mathse.loop.ask.engines.teacher": "mathse.loop.ask.engines.teacher_only",
    "mathse.loop.ask.engines.kind": "mathse.loop.ask.engines.runtimes",
}
"""Modules, or packages of them, that a module loads or starts without an import that could be read in its code."""

DATA: Mapping[str, str] = {
    "mathse.sources.licences": "mathse/sources/licences.yaml",
}
"""Files that a module reads and that lie among the code."""


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml, a template's copies as one.

    Attributes:
        name: As dvc.yaml has it.
        module: What its command runs, such as `stages.judge`.
        deps: The code that it names: files and folders.
    """

    name: str
    module: str
    deps: tuple[str, ...]


def stages(file: Path) -> list[Stage]:
    """The stages of a dvc.yaml that run a module of `stages`."""
    found = []
    for name, entry in yaml.safe_load(file.read_text(encoding="utf-8"))["stages"].items():
        body: Mapping[str, Any] = entry.get("do", entry)  # anchors and merged keys are resolved by now
        module = re.search(r"\bstages\.\w+", str(body["cmd"]))
        if module:
            # A dependency may be a mapping with its settings below its path.
            paths = [next(iter(dep)) if isinstance(dep, dict) else dep for dep in body.get("deps", ())]
            deps = tuple(path.rstrip("/") for path in paths if path.startswith(CODE))
            found.append(Stage(name, module[0], deps))
    return found


def needed(tree: Tree, module: str) -> dict[str, tuple[str, ...]]:
    """The files that a stage's module runs and reads, each with the imports that lead to it.

    Those that are neutral are left out, and with them what comes in by them alone.
    """
    chains = tree.chains(module, BY_NAME, lambda name: covered(tree.place(name), NEUTRAL))
    files = {tree.place(one): chain for one, chain in chains.items() if not says_nothing(tree.files[one])}
    return files | {DATA[one]: chains[one] for one in chains.keys() & DATA.keys()}


def covered(file: str, deps: Iterable[str]) -> bool:
    """Whether a file is one of these, or lies in one of these folders."""
    return any(file == dep or file.startswith(f"{dep}/") for dep in deps)


def differences(tree: Tree, stage: Stage) -> tuple[list[str], list[str]]:
    """What a stage needs and does not name, with the imports that lead there, and what it names and does not need."""
    files = needed(tree, stage.module)
    missing = [
        f"{file}  ({' > '.join(chain[1:])})" for file, chain in sorted(files.items()) if not covered(file, stage.deps)
    ]
    superfluous = sorted(dep for dep in stage.deps if not any(covered(file, (dep,)) for file in files))
    return missing, superfluous


def folders(files: Collection[str]) -> list[str]:
    """The folders and files that a stage has to name: of each part the deepest folders that hold all that is needed."""
    return sorted({_folder(file, files) for file in files})


def _folder(file: str, files: Collection[str]) -> str:
    parts = file.split("/")
    # A folder is named where one of its own modules is needed; one that only has needed folders below is not.
    for depth in range(2, len(parts)):
        folder = "/".join(parts[:depth])
        if any(other.endswith(".py") and other.rpartition("/")[0] == folder for other in files):
            return folder
    return file


def report(tree: Tree, all_stages: list[Stage]) -> Iterator[str]:
    """For each stage the folders that it needs, and what dvc.yaml has missing and superfluous."""
    for stage in all_stages:
        if stage.module not in tree.files:
            yield f"{stage.name}: there is no module {stage.module}"
            continue
        files = needed(tree, stage.module)
        missing, superfluous = differences(tree, stage)
        yield f"{stage.name} ({stage.module}): {len(files)} files"
        for place in folders(files):
            within = sorted(file for file in files if covered(file, (place,)))
            whole = sum(covered(tree.place(one), (place,)) for one in tree.files)
            few = f"    {', '.join(file.removeprefix(f'{place}/') for file in within)}" if len(within) < 4 else ""
            yield f"    {place}" + (f"  ({len(within)} of {whole}){few}" if within != [place] else "")
        yield from (f"  missing      {file}" for file in missing)
        yield from (f"  superfluous  {dep}" for dep in superfluous)


TREE = Tree(ROOT)
STAGES = stages(ROOT / "dvc.yaml")


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_depends_on_all_it_imports_and_on_nothing_else(stage: Stage) -> None:
    assert stage.module in TREE.files
    missing, superfluous = differences(TREE, stage)
    lines = [f"missing: {file}" for file in missing] + [f"superfluous: {dep}" for dep in superfluous]
    assert not lines, "\n".join([f"dvc.yaml: {stage.name}: deps", *lines])


def test_every_stage_is_looked_at() -> None:
    modules = {f"stages.{file.stem}" for file in (ROOT / "stages").glob("[!_]*.py")}
    assert {stage.module for stage in STAGES} == modules


@pytest.mark.parametrize("path", [*NEUTRAL, *DATA.values()])
def test_what_is_neutral_or_read_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_what_is_loaded_by_name_is_there() -> None:
    for loader, loaded in BY_NAME.items():
        assert loader in TREE.files
        assert [one for one in TREE.files if one == loaded or one.startswith(f"{loaded}.")]
    assert set(DATA) <= set(TREE.files)


def test_judges_and_evaluations_depend_on_every_engine_but_the_teachers() -> None:
    engines = {one for one in TREE.files if re.search(r"\.engines\.(any_role|runtimes|teacher_only)\.", one)}
    teachers = {one for one in engines if ".teacher_only." in one}
    assert teachers and engines <= TREE.closure("stages.paths", BY_NAME)
    for stage in ("stages.judge", "stages.evaluate", "stages.evaluate_orm"):
        assert engines & TREE.closure(stage, BY_NAME) == engines - teachers


PIPELINE = """
stages:
  train:
    foreach: ${models}
    do: &train
      cmd: python -m stages.train ${key}
      deps: [stages/train.py, mathse/training, data/mix]
  train_orm:
    foreach: ${orms}
    do: {<<: *train, params: [orm]}
  mix:
    cmd: python -m stages.mix
    deps: [mathse/loop, mathse/report]
"""
FILES = {
    "stages/train.py": "import mathse.training.sft",
    "stages/mix.py": "def f():\n    from mathse.loop.checks import run\n",
    "mathse/errors.py": "X = 1",
    "mathse/training/__init__.py": '"""Training."""',
    "mathse/training/sft.py": "import mathse.errors, mathse.tables.store",
    "mathse/tables/store.py": "Y = 1",
    "mathse/loop/checks/run.py": "Z = 1",
    "mathse/report/page.py": "W = 1",
}


def test_what_is_missing_and_superfluous_is_found(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    tree, found = Tree(tmp_path), stages(tmp_path / "dvc.yaml")

    assert [(stage.name, stage.module) for stage in found] == [
        ("train", "stages.train"), ("train_orm", "stages.train"), ("mix", "stages.mix"),
    ]  # fmt: skip
    assert [differences(tree, stage) for stage in found] == [
        (["mathse/tables/store.py  (mathse.training.sft > mathse.tables.store)"], []),
        (["mathse/tables/store.py  (mathse.training.sft > mathse.tables.store)"], []),
        (["stages/mix.py  ()"], ["mathse/report"]),
    ]
    assert folders(needed(tree, "stages.train")) == ["mathse/tables", "mathse/training", "stages/train.py"]
    assert folders(needed(tree, "stages.mix")) == ["mathse/loop/checks", "stages/mix.py"]


if __name__ == "__main__":
    pipeline = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dvc.yaml"
    sys.stdout.write("".join(f"{line}\n" for line in report(TREE, stages(pipeline))))
