import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from mathse import params
from mathse.params import Params
from mathse.plan import machine
from mathse.plan.machine import lacking, unused

ROOT = Path(__file__).parents[2]


def preset(name: str, **sections: Any) -> Params:
    settings = params.load(ROOT / "presets" / f"{name}.yaml", template=True).model_dump(by_alias=True)
    for section, changes in sections.items():
        settings[section] = {**settings[section], **changes}
    return Params.model_validate(settings)


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU, no key, a large disk, and only what is always installed."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    gpus(monkeypatch, 0)
    free(monkeypatch, 100_000)
    monkeypatch.setattr(machine, "find_spec", lambda name: None)


def gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


def free(monkeypatch: pytest.MonkeyPatch, gib: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=gib * 2**30))


def test_the_default_runs_on_any_machine() -> None:
    assert lacking(preset("default"), ROOT) == []
    assert unused(preset("default")) == []


def test_all_that_a_large_preset_would_miss_is_named() -> None:
    lacks = lacking(preset("qwen2-vl-7b"), ROOT)
    assert [line.split("; ")[0].split(", but")[0] for line in lacks] == [
        "compute.device: cuda",
        "inference.engine: vllm: needs vllm, which is not installed",
        "inference.ray: needs ray, which is not installed",
        "engine: api: needs openai, which is not installed",
        "teacher.api: the environment variable OPENAI_API_KEY is not set",
    ]
    assert "`pip install -e '.[vllm]'`" in lacks[1]


def test_too_few_gpus_are_named_by_what_asks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 4)
    lacks = [line for line in lacking(preset("qwen2-vl-7b"), ROOT) if "GPUs" in line]
    assert [line.split(":")[0] for line in lacks] == [
        "train.launch.processes", "orm.train.launch.processes", "inference.ray",
    ]  # fmt: skip
    assert "asks for 8 GPUs, and there are 4" in lacks[0]
    gpus(monkeypatch, 8)
    assert not [line for line in lacking(preset("qwen2-vl-7b"), ROOT) if "GPUs" in line]


def test_gpus_that_stay_unused_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 8)
    assert unused(preset("qwen2-vl-7b")) == []
    assert "on 1 of 8 GPUs; `ray: {actors: 8, gpus: 1}`" in unused(preset("qwen2.5-vl-3b-lora"))[0]


def test_files_packages_and_keys_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", " ")
    source = {"name": "tabmwp", "path": "data/sources/nowhere", "limit": 10}
    launch = {"processes": 2, "config": "presets/accelerate/none.yaml"}
    zero = {"processes": 2, "config": "presets/accelerate/zero3.yaml"}
    settings = preset(
        "smoke",
        base={"from": "./models/none", "image": {}},
        problems={"sources": [source]},
        mix={"query": "mixes/none.sql", "near_duplicates": None},
        train={"launch": launch, "matrix_learning_rate": None},
        orm={"train": {**preset("smoke").orm.train.model_dump(), "launch": zero, "matrix_learning_rate": None}},
        teacher={"engine": "replay", "replay": "data/replies.jsonl"},
        distill={"recorded": [{"name": "mathvl", "path": "data/sources/mathvl.jsonl"}]},
        judge={"engine": "api", "api": {"model": "m", "base_url": "http://localhost:1/v1", "key_env": "OTHER_KEY"}},
    )
    said = "\n".join(lacking(settings, ROOT))
    for expected in (
        "engine: api: needs openai", "launch.config: presets/accelerate/zero3.yaml: needs deepspeed",
        "judge.api: the environment variable OTHER_KEY is not set", "base.from: ", "models/none",
        "train.launch.config: presets/accelerate/none.yaml: not found", "mix.query: mixes/none.sql: not found",
        "problems.sources.0.path: data/sources/nowhere: not found", "teacher.replay: data/replies.jsonl: not found",
        "distill.recorded.0.path: data/sources/mathvl.jsonl: not found",
    ):  # fmt: skip
        assert expected in said, expected


def test_a_disk_too_small_for_the_models_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said() -> list[str]:
        return [line for line in lacking(preset("qwen2-vl-7b"), tmp_path) if line.startswith("disk")]

    free(monkeypatch, 387)
    assert said() == []
    free(monkeypatch, 385)
    assert said() == [
        "disk: 7 models of a run take 386.1 GiB with DVC's copies and checkpoints, and 385.0 GiB are free at "
        f"{tmp_path}; make room, or work on a larger disk"
    ]
    (tmp_path / "models" / "base").mkdir(parents=True)  # it takes no more
    assert said() == []


def test_a_mix_whose_parameters_do_not_fit_is_named(tmp_path: Path) -> None:
    query = "mathse/sql/mixes/cumulative.sql"

    def said(**mix: Any) -> list[str]:
        return [line for line in lacking(preset("smoke", mix=mix), ROOT) if "mix.query" in line]

    assert said(query=query, parameters={"max_per_problem": 4}) == []
    assert said(query=query, parameters={}) == [
        f"mix.query: {ROOT / query}: needs $max_per_problem; add mix.parameters.max_per_problem to params.yaml"
    ]
    (unused,) = said(query=query, parameters={"max_per_problem": 4, "most": 2})
    assert f"mix.parameters.most: {ROOT / query} has no $most" in unused
    (tmp_path / "two.sql").write_text("select 1; select 2")
    (two,) = said(query=str(tmp_path / "two.sql"), parameters={})
    assert str(tmp_path / "two.sql") in two


def test_data_sets_are_opened(tmp_path: Path) -> None:
    def said(**sections: Any) -> list[str]:
        return [line for line in lacking(preset("smoke", **sections), ROOT) if ".path" in line]

    rows, empty = tmp_path / "rows.jsonl", tmp_path / "empty"
    rows.write_text('{"a": 1}\n' * 30)
    empty.mkdir()
    source = {"name": "mathvl", "path": str(rows), "limit": 10}
    (line,) = said(problems={"sources": [source]})
    assert line.startswith(f"problems.sources.0.path: {rows}: none of its first 20 rows can be used: ")
    (line,) = said(problems={"sources": [{**source, "path": str(empty)}]})
    assert line.startswith("problems.sources.0.path: ") and str(empty) in line
    rows.write_text("")
    assert said(problems={"sources": [source]}) == [
        f"problems.sources.0.path: {rows}: has no rows; see docs/data.md for what is read there"
    ]
