"""A toy project that DVC tracks: problems, a teacher's paths, an ORM, a mix and its model; no pipeline runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mathse import layout
from mathse.backbones.fingerprint import model_fingerprint
from mathse.tables import store
from mathse.tables.schemas import Message, MixRow, PathKind, Problem, Verdict
from mathse.tables.schemas import Path as ReasoningPath
from mathse.training.lineage import history, write_lineage
from tests import rows

PIPELINE = """\
stages:
  problems: {cmd: problems, deps: [problems.py], outs: [data/problems/problems.parquet]}
  base: {cmd: base, params: [seed], outs: [models/base]}
  orm: {cmd: orm, deps: [data/problems/problems.parquet, models/base], outs: [models/orm]}
  distill: {cmd: distill, deps: [data/problems/problems.parquet], outs: [data/distill/paths.parquet]}
  judge: {cmd: judge, deps: [data/distill/paths.parquet, models/orm], outs: [data/distill/verdicts.parquet]}
  mix_0: {cmd: mix, deps: [data/problems/problems.parquet, data/distill, mix.sql], outs: [data/mix/0.parquet]}
  train_0: {cmd: train, params: [seed, train], deps: [train.py, data/mix/0.parquet, models/base], outs: [models/0]}
  beside: {cmd: beside, deps: [models/0], outs: [data/beside.parquet]}
artifacts:
  first-mix: {path: data/mix/0.parquet, type: dataset}
"""
DISTILLED = layout.paths(layout.DISTILL)
JUDGED = layout.verdicts(layout.DISTILL)
MIX = layout.mix(0)


@contextmanager
def within(root: Path) -> Iterator[None]:
    """The project as the working folder."""
    before = Path.cwd()
    os.chdir(root)
    try:
        yield
    finally:
        os.chdir(before)


def build(root: Path, in_git: bool = False) -> Path:
    """Write the tables and models, and have DVC record them without running anything."""
    from dvc.repo import Repo

    root.mkdir(parents=True, exist_ok=True)
    with within(root):
        for name, text in {"dvc.yaml": PIPELINE, "params.yaml": "seed: 1\ntrain: {epochs: 1}\n"}.items():
            Path(name).write_text(text)
        for name in ("problems.py", "train.py", "mix.sql"):
            Path(name).write_text(name)
        write_tables()
        with Repo.init(".", no_scm=not in_git) as repo:
            repo.commit(force=True)
    return root


def write_tables() -> None:
    """Every table and model, in the working folder."""
    store.write(layout.PROBLEMS, Problem, [rows.problem("p1"), rows.problem("p2", licence="MIT")])
    write_model("base", {"name": "base"})
    write_model("orm", {"name": "orm", "start": start()})
    paths = [rows.path(f"a{place}", f"p{place}", kind=PathKind.DISTILLED, model="teacher") for place in (1, 2)]
    store.write(DISTILLED, ReasoningPath, paths, store.input_hashes([layout.PROBLEMS]))
    verdicts = [rows.verdict(f"a{place}", f"p{place}", judge=fingerprint("orm")) for place in (1, 2)]
    store.write(JUDGED, Verdict, verdicts, store.input_hashes([DISTILLED, layout.model("orm")]))
    write_mix([mix_row("a1", "p1"), mix_row("a2", "p2")])
    mix = {"file": str(MIX), "hash": store.input_hashes([MIX])[str(MIX)]}
    given = {"name": "0", "start": start(), "mix": {**mix, "rows": 2}}
    write_model("0", {**given, **history(given)})
    store.write(Path("data/beside.parquet"), Problem, [])


def write_mix(content: list[MixRow]) -> None:
    """The mix, made from what lies there."""
    store.write(MIX, MixRow, content, store.input_hashes([layout.PROBLEMS, DISTILLED, JUDGED, Path("mix.sql")]))


def mix_row(path_id: str, problem_id: str, **fields: Any) -> MixRow:
    said = {"prompt": (Message(role="user", content="?"),), "completion": (Message(role="assistant", content="4"),)}
    kind = fields.pop("kind", PathKind.DISTILLED)
    return MixRow(path_id=path_id, problem_id=problem_id, kind=kind, image_ids=(), **{"round": 0, **said, **fields})


def write_model(name: str, given: dict[str, Any]) -> None:
    folder = layout.model(name)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text(name)
    write_lineage(folder, given)


def fingerprint(name: str) -> str:
    return model_fingerprint(layout.model(name))


def start() -> dict[str, str]:
    return {"folder": "models/base", "fingerprint": fingerprint("base")}
