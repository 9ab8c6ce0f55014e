"""Torch obeys what is held, and what is held decides the weights, whatever else a machine would choose."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mathse.loop.ask.engines.local import arithmetic
from mathse.loop.ask.engines.local.fingerprint import LINEAGE
from tests.training.mixes import ROWS, run

ROOT = Path(__file__).parents[5]
AVX2 = pytest.mark.skipif(not arithmetic._has_avx2(), reason="the processor has no AVX2")
STAGE = """
import sys
from pathlib import Path
import stages  # as every stage begins; the program itself names nothing of what it sets
from tests.training.mixes import ROWS, run
run(Path(sys.argv[1]), Path(sys.argv[2]), ROWS)
"""
LESSER_MACHINE = {
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
}
"""What makes libraries that are not held choose as on a processor without AVX-512."""


def environment(**changed: str) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if name not in arithmetic.HELD}
    return {**bare, "PYTHONPATH": str(ROOT), **changed}


def trained(folder: Path, model: Path, **changed: str) -> Path:
    """A model trained in a process of its own, in a folder."""
    folder.mkdir()
    command = [sys.executable, "-W", "ignore", "-c", STAGE, str(folder), str(model)]
    subprocess.run(command, env=environment(**changed), cwd=folder, check=True)
    return folder / "out"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A model trained in this process, which is held as a stage is."""
    folder = tmp_path_factory.mktemp("here")
    run(folder, tiny_model, ROWS)
    return folder / "out"


def in_force(model: Path) -> dict[str, str]:
    """What its lineage says was in force."""
    said: dict[str, str] = json.loads((model / LINEAGE).read_text(encoding="utf-8"))["arithmetic"]
    return said


@pytest.mark.slow
def test_another_process_makes_the_same_bytes_on_a_lesser_machine_too(
    here: Path, tmp_path: Path, tiny_model: Path
) -> None:
    lesser = trained(tmp_path / "lesser", tiny_model, PYTHONHASHSEED="7", **LESSER_MACHINE)
    assert sorted(file.name for file in lesser.iterdir()) == sorted(file.name for file in here.iterdir())
    for file in sorted(here.iterdir()):
        if file.name != LINEAGE:  # it names the files, which lie elsewhere
            assert (lesser / file.name).read_bytes() == file.read_bytes(), file.name
    assert in_force(lesser) == in_force(here)


@AVX2
@pytest.mark.slow
def test_a_stage_on_a_cpu_is_held_to_avx2_and_so_are_its_weights(here: Path, tmp_path: Path, tiny_model: Path) -> None:
    assert in_force(here) == {**arithmetic.HELD, "capability": "AVX2"}
    other = trained(tmp_path / "other", tiny_model, ATEN_CPU_CAPABILITY="default")
    assert in_force(other)["capability"] == "DEFAULT"
    assert (other / "model.safetensors").read_bytes() != (here / "model.safetensors").read_bytes()


@AVX2
def test_what_is_set_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in arithmetic.HELD:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    arithmetic.hold("cpu")
    assert {name: os.environ[name] for name in arithmetic.HELD} == {**arithmetic.HELD, "ATEN_CPU_CAPABILITY": "default"}
    for name in arithmetic.HELD:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(("device", "machine"), [("cuda", "x86_64"), ("cpu", "aarch64")])
def test_nothing_is_held_elsewhere(device: str, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in arithmetic.HELD:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("platform.machine", lambda: machine)
    arithmetic.hold(device)
    assert not set(arithmetic.HELD) & set(os.environ)


@AVX2
@pytest.mark.parametrize(
    ("params", "held"),
    [
        ("compute: {device: cpu}", True), ("compute: {device: cuda}", False), (None, True), ("", True),
        ("- a: [", True), ("compute: 3", True), ("seed: 1", True),
    ],
)  # fmt: skip
def test_params_say_whether_it_is_held_and_may_be_broken(params: str | None, held: bool, tmp_path: Path) -> None:
    if params is not None:
        (tmp_path / "params.yaml").write_text(params, encoding="utf-8")
    program = "import sys, stages, os; assert 'torch' not in sys.modules; print(os.environ.get('MKL_CBWR'))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment(), cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ("AVX2" if held else "None")
