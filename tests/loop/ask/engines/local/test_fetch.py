"""A base model from a folder, from the hub's cache, and from a hub on loopback; nothing leaves the machine."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from huggingface_hub import constants
from huggingface_hub.file_download import http_get
from safetensors.numpy import save

from mathse.loop.ask.engines.local import fetch as fetching
from mathse.loop.ask.engines.local.families import ImageLimitError
from mathse.loop.ask.engines.local.fetch import BaseError, fetch
from mathse.loop.ask.engines.local.fingerprint import LINEAGE, ModelMissing, model_fingerprint
from mathse.params import Pretrained
from tests.loop.ask.engines.local.hub import REPOSITORY, REVISION, Hub, serving

ROOT = Path(__file__).parents[5]
WEIGHTS = save({"a.weight": np.arange(2000, dtype=np.float32).reshape(40, 50), "b.bias": np.ones(3, np.float32)})
FILES = {
    "config.json": json.dumps({"model_type": "qwen2_vl"}).encode(),
    "preprocessor_config.json": json.dumps({"min_pixels": 3136, "max_pixels": 12845056, "patch_size": 14}).encode(),
    "tokenizer.json": b"{}",
    "chat_template.jinja": b"{{ messages }}",
    "model.safetensors": WEIGHTS,
    "README.md": b"---\nlicense: apache-2.0\nlanguage: en\n---\n# Tiny\n",
    "pytorch_model.bin": b"pickle",
    "modeling_tiny.py": b"raise SystemExit",
}
WANTED = set(FILES) - {"pytorch_model.bin", "modeling_tiny.py"}
TAKEN = WANTED | {LINEAGE}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "models" / "base"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    given = tmp_path / "given"
    given.mkdir()
    for name, content in FILES.items():
        (given / name).write_bytes(content)
    return given


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub's."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return tmp_path / "hub"


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(FILES) as served:
        point_to(served.url, monkeypatch)
        yield served


def point_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT does, which is read at import."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


def at(folder: Path, **more: Any) -> Pretrained:
    return Pretrained.model_validate({"from": str(folder), **more})


def pinned(repository: str = REPOSITORY, revision: str = REVISION, **more: Any) -> Pretrained:
    return Pretrained.model_validate({"from": repository, "revision": revision, **more})


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_folder_is_taken_without_pickles_and_code(folder: Path, out: Path) -> None:
    said = fetch(at(folder), out)
    assert names(out) == TAKEN
    assert (out / "model.safetensors").read_bytes() == WEIGHTS
    assert "licence apache-2.0" in said
    lineage = json.loads((out / LINEAGE).read_text())
    assert lineage["from"] == str(folder)
    assert lineage["licence"] == "apache-2.0"
    assert lineage["model"] == model_fingerprint(out)
    assert lineage["trust_remote_code"] is False
    assert names(out.parent) == {"base"}


def test_the_stage_fetches_what_params_name(folder: Path, tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
    content["base"] = {"from": "./given"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    stage = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stages.base"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert stage.returncode == 0, stage.stderr[-2000:]
    assert names(tmp_path / "models" / "base") == TAKEN
    assert "base: ./given, 0.00 GiB, licence apache-2.0, fingerprint" in stage.stdout
    imported = {line.rpartition("|")[2].strip() for line in stage.stderr.splitlines()}
    assert "huggingface_hub" not in imported, "a folder needs no hub"
    assert "mathse.loop.ask.engines.local.fetch" in imported
    assert not {"torch", "transformers"} & imported


def test_the_same_folder_gives_the_same_bytes_and_takes_the_old_ones_place(folder: Path, out: Path) -> None:
    out.mkdir(parents=True)
    (out / "old").touch()
    fetch(at(folder), out)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    fetch(at(folder), out)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert "old" not in before


def test_the_lineage_file_says_what_was_asked_for_and_what_it_is(folder: Path, out: Path) -> None:
    (folder / LINEAGE).write_text('{"name": "0", "mix": {"file": "data/mix/0.parquet"}}')
    fetch(at(folder, image={"max_pixels": 1003520}), out)
    assert json.loads((out / LINEAGE).read_text()) == {
        "name": "base", "from": str(folder), "revision": None, "licence": "apache-2.0", "trust_remote_code": False,
        "image": {"min_pixels": None, "max_pixels": 1003520, "min_tiles": None, "max_tiles": None},
        "model": model_fingerprint(out),
    }  # fmt: skip


def test_the_default_base_is_the_tiny_model_of_this_repository(out: Path) -> None:
    content = yaml.safe_load((ROOT / "presets" / "default.yaml").read_text(encoding="utf-8"))
    assert content["base"] == {"from": "./models/tiny"}
    tiny = ROOT / content["base"]["from"]
    fetch(at(tiny), out)
    assert model_fingerprint(out) == model_fingerprint(tiny)
    assert names(out) == names(tiny)
    assert json.loads((out / LINEAGE).read_text())["licence"] == "apache-2.0"


def test_a_folder_is_held_to_its_fingerprint(folder: Path, out: Path) -> None:
    """That of what was taken, whatever `image` makes of it; to demand it changes no byte."""
    limits = {"max_pixels": 1003520}
    fetch(at(folder, image=limits), out)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    another = rf"base\.fingerprint: {folder} is another model: [0-9a-f]{{32}}, not {'ab' * 16}; point base\.from"
    with pytest.raises(BaseError, match=another) as refused:
        fetch(at(folder, image=limits, fingerprint="ab" * 16), out)
    assert names(out.parent) == {"base"}
    taken = re.findall(r"[0-9a-f]{32}", str(refused.value))[0]
    fetch(at(folder, image=limits, fingerprint=taken), out)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_weights_are_linked_and_settings_are_not(folder: Path, out: Path) -> None:
    fetch(at(folder), out)
    assert (out / "model.safetensors").samefile(folder / "model.safetensors")
    assert not (out / "config.json").samefile(folder / "config.json")


def test_code_comes_only_if_it_is_trusted(folder: Path, out: Path) -> None:
    fetch(at(folder, trust_remote_code=True), out)
    assert names(out) == TAKEN | {"modeling_tiny.py"}


def test_git_sees_the_tiny_model_and_no_other() -> None:
    def ignored(file: str) -> bool:
        return subprocess.run(["git", "check-ignore", "--quiet", "--no-index", file], cwd=ROOT).returncode == 0

    assert ignored("models/base/model.safetensors")
    assert ignored("models/0/README.md")
    assert not ignored("models/tiny/model.safetensors")


def test_image_limits_are_written_into_the_processors_settings(folder: Path, out: Path) -> None:
    fetch(at(folder, image={"max_pixels": 1003520}), out)
    settings = json.loads((out / "preprocessor_config.json").read_text())
    assert settings == {"patch_size": 14, "size": {"shortest_edge": 3136, "longest_edge": 1003520}}
    assert json.loads((folder / "preprocessor_config.json").read_text())["max_pixels"] == 12845056


def test_image_limits_of_a_nested_processor(folder: Path, out: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "internvl"}')
    (folder / "processor_config.json").write_text('{"image_seq_length": 256, "image_processor": {"max_patches": 12}}')
    fetch(at(folder, image={"max_tiles": 6}), out)
    settings = json.loads((out / "processor_config.json").read_text())
    assert settings == {"image_seq_length": 256, "image_processor": {"max_patches": 6}}


@pytest.mark.parametrize(
    ("image", "named"),
    [
        ({"max_tiles": 6}, r"base\.image\.max_tiles: qwen2_vl has no such limit; it has: min_pixels, max_pixels"),
        ({"max_pixels": 100}, r"base\.image: the least, 3136, is above the most, 100"),
    ],
)
def test_image_limits_that_do_not_suit_are_named(folder: Path, out: Path, image: dict[str, int], named: str) -> None:
    with pytest.raises(ImageLimitError, match=named):
        fetch(at(folder, image=image), out)
    assert names(out.parent) == set()


def test_a_folder_that_is_no_model_leaves_the_old_base(folder: Path, out: Path) -> None:
    fetch(at(folder), out)
    with pytest.raises(BaseError, match=r"base\.from: there is no folder"):
        fetch(at(folder / "nowhere"), out)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelMissing, match="holds no"):
        fetch(at(folder), out)
    assert names(out) == TAKEN


@pytest.mark.parametrize("content", [b"version https://git-lfs.github.com/spec/v1\n", b"", b"\xff" * 7 + b"\0{"])
def test_weights_that_are_none_are_named(folder: Path, out: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(BaseError, match=r"model\.safetensors: not a safetensors file; .* `git lfs pull`"):
        fetch(at(folder), out)
    assert names(out.parent) == set()


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    hub: Hub, cache: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SPARE", shutil.disk_usage(cache.parent).total)
    with pytest.raises(BaseError, match=r"GiB are free; make room, or point HF_HOME"):
        fetch(pinned(), out)
    assert not [asked for asked in hub.asked if asked.startswith("GET") and "/resolve/" in asked]


def test_a_pinned_revision_comes_from_the_hub_once(hub: Hub, out: Path) -> None:
    fetch(pinned(), out)
    assert names(out) == TAKEN
    lineage = json.loads((out / LINEAGE).read_text())
    assert (lineage["from"], lineage["revision"]) == (REPOSITORY, REVISION)
    asked = [path.rpartition("/")[2] for path in hub.asked if path.startswith("GET") and "/resolve/" in path]
    assert sorted(asked) == sorted(WANTED)
    hub.asked.clear()
    shutil.rmtree(out)
    fetch(pinned(), out)
    assert not [path for path in hub.asked if path.startswith("GET") and "/resolve/" in path]


def test_a_download_that_broke_off_goes_on_with_what_is_missing(
    hub: Hub, cache: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(url: str, *given: Any, **named: Any) -> None:
        if url.endswith("model.safetensors"):
            raise ConnectionError("the network is gone")
        http_get(url, *given, **named)

    with monkeypatch.context() as broken:
        broken.setattr("huggingface_hub.file_download.http_get", lost)
        with pytest.raises(BaseError, match="run the stage again to go on"):
            fetch(pinned(), out)
    assert not out.exists()
    kept = {file.name for file in cache.glob("models--*/snapshots/*/*")}
    hub.asked.clear()
    fetch(pinned(), out)
    assert (out / "model.safetensors").read_bytes() == WEIGHTS
    asked = {path.rpartition("/")[2] for path in hub.asked if path.startswith("GET") and "/resolve/" in path}
    assert asked == WANTED - kept
    assert "model.safetensors" in asked


def test_a_commit_that_is_not_there_is_named(hub: Hub, out: Path) -> None:
    with pytest.raises(BaseError, match=rf"base\.revision: {REPOSITORY} has no commit .*; `git ls-remote"):
        fetch(pinned(revision="ab" * 20), out)


def test_a_model_that_is_not_there_is_named(hub: Hub, out: Path) -> None:
    with pytest.raises(BaseError, match=r"base\.from: there is no public model example/none .* HF_TOKEN"):
        fetch(pinned("example/none"), out)


def test_a_cache_serves_where_there_is_no_network(cache: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snapshot = cache / f"models--{REPOSITORY.replace('/', '--')}" / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    for name, content in FILES.items():
        (snapshot / name).write_bytes(content)
    fetch(pinned(), out)
    assert names(out) == TAKEN


def test_without_network_and_cache_the_way_out_is_told(cache: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BaseError, match=rf"`hf download {REPOSITORY} --revision {REVISION} --local-dir FOLDER`"):
        fetch(pinned(), out)


def test_a_dead_hub_is_told(cache: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({}) as served:
        point_to(served.url, monkeypatch)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    with pytest.raises(BaseError, match="could not be fetched"):
        fetch(pinned(), out)
