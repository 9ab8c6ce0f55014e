import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mathse.backbones.fingerprint import LINEAGE
from mathse.params import Base, Compute, CourseSteps
from mathse.training.pretrain import _drills, pretrain

STEPS = CourseSteps(first=3, all=2)
SETTINGS = Base(build="figures", seed=3, steps=STEPS, batch_size=4, learning_rate=1e-3, matrix_learning_rate=0.01)


def test_the_course_is_taken_in_order_with_like_lengths_together() -> None:
    settings = SETTINGS.model_copy(update={"steps": CourseSteps(first=8, all=8)})
    rows = _drills(settings).with_format(None)
    assert rows["part"] == ["first"] * 32 + ["all"] * 32
    assert sorted(rows["index"]) == list(range(64))


def test_a_part_of_no_steps_is_left_out() -> None:
    settings = SETTINGS.model_copy(update={"steps": CourseSteps(first=0, all=2)})
    assert set(_drills(settings).with_format(None)["part"]) == {"all"}


def build(folder: Path) -> None:
    pretrain(SETTINGS, Compute(), folder)


@pytest.mark.slow
def test_another_process_builds_the_same_base(tmp_path: Path) -> None:
    """Bit for bit: what lets the base be kept in git and still be a stage."""
    root = Path(__file__).parents[2]
    program = "import runpy, sys; from pathlib import Path; runpy.run_path(sys.argv[1])['build'](Path(sys.argv[2]))"
    for folder, hashing in (("one", "7"), ("two", "8")):
        environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": hashing}
        command = [sys.executable, "-c", program, __file__, str(tmp_path / folder)]
        subprocess.run(command, check=True, env=environment, cwd=root)
    files = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert {"model.safetensors", "tokenizer.json", "config.json", LINEAGE} <= set(files)
    for name in files:
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        if name == LINEAGE:
            assert json.loads(one)["model"] == json.loads(two)["model"]
        else:
            assert one == two, name
