"""A toy project that DVC tracks: problems, a teacher's paths, an ORM, a mix and its model; no pipeline runs."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mathse import layout
from mathse.loop.ask.engines.local.fingerprint import LINEAGE, model_fingerprint
from mathse.tables import store
from mathse.tables.schemas import Message, MixRow, PathKind, Problem, Verdict
from mathse.tables.schemas import Path as ReasoningPath
from tests import rows

PIPELINE = """\
stages:
  problems: {cmd: problems, deps: [problems.py], outs: [data/problems, data/mix/base.parquet]}
  base: {cmd: base, params: [seed], outs: [models/base]}
  orm_mix: {foreach: [orm], do: {cmd: orm_mix, deps: [data/problems], outs: ["data/mix/${item}.parquet"]}}
  train_orm:
    foreach: [orm]
    do: {cmd: train, deps: ["data/mix/${item}.parquet", models/base], outs: ["models/${item}"]}
  paths:
    foreach: ["0"]
    do: {cmd: paths, deps: [data/problems, data/mix/base.parquet], outs: ["data/paths/${item}.parquet"]}
  judge:
    foreach: ["0"]
    do: {cmd: judge, deps: ["data/paths/${item}.parquet", models/orm], outs: ["data/verdicts/${item}.parquet"]}
  mix:
    foreach: ["0"]
    do:
      cmd: mix
      deps: [data/problems, "data/paths/${item}.parquet", "data/verdicts/${item}.parquet", mix.sql]
      outs: ["data/mix/${item}.parquet"]
  train:
    foreach: ["0"]
    do:
      cmd: train
      params: [seed, train]
      deps: [train.py, "data/mix/${item}.parquet", models/base]
      outs: ["models/${item}"]
  beside: {cmd: beside, deps: [models/0], outs: [data/beside.parquet]}
artifacts:
  first-mix: {path: data/mix/0.parquet, type: dataset}
"""
DISTILLED = layout.paths("0")
JUDGED = layout.verdicts("0")
MIX = layout.mix("0")


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
    store.write(layout.mix("base"), MixRow, [])
    store.write(layout.mix("orm"), MixRow, [mix_row("a1", "p1")])
    write_model("base", {"name": "base"})
    write_model("orm", {"name": "orm", "start": start(), "mix": mixed("orm", 1)})
    paths = [rows.path(f"a{place}", f"p{place}", kind=PathKind.DISTILLED, author="teacher") for place in (1, 2)]
    store.write(DISTILLED, ReasoningPath, paths)
    verdicts = [rows.verdict(f"a{place}", f"p{place}", author=fingerprint("orm")) for place in (1, 2)]
    store.write(JUDGED, Verdict, verdicts)
    write_mix([mix_row("a1", "p1"), mix_row("a2", "p2")])
    write_model("0", {"name": "0", "start": start(), "mix": mixed("0", 2), "seed": 1, "settings": {"epochs": 2.0}})
    store.write(Path("data/beside.parquet"), Problem, [])


def write_mix(content: list[MixRow]) -> None:
    """The mix, made from what lies there."""
    store.write(MIX, MixRow, content)


def mix_row(path_id: str, problem_id: str, **fields: Any) -> MixRow:
    said = {"prompt": (Message(role="user", content="?"),), "completion": (Message(role="assistant", content="4"),)}
    kind = fields.pop("kind", PathKind.DISTILLED)
    return MixRow(path_id=path_id, problem_id=problem_id, kind=kind, image_ids=(), **{"round": 0, **said, **fields})


def write_model(name: str, given: dict[str, Any]) -> None:
    """A model's folder with the lineage file that a training writes."""
    folder = layout.model(name)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text(name)
    lineage = {"packages": {"torch": "2", "trl": "1"}, **given, "model": fingerprint(name)}
    (folder / LINEAGE).write_text(json.dumps(lineage))


def mixed(name: str, count: int) -> dict[str, Any]:
    """What a lineage file says of the mix."""
    return {"file": layout.mix(name).as_posix(), "hash": f"hash of {name}", "rows": count}


def fingerprint(name: str) -> str:
    return model_fingerprint(layout.model(name))


def start() -> dict[str, str]:
    return {"folder": "models/base", "fingerprint": fingerprint("base")}
