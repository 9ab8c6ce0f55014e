import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mathse.loop.ask.engines.local.fingerprint import LINEAGE, model_fingerprint
from mathse.params import Compute
from tools.tiny_base.pretrain import CARD, COMPUTE, Recipe, _drills, pretrain

ROOT = Path(__file__).parents[2]
TINY = ROOT / "models" / "tiny"
RECIPE = Recipe(steps=(("first", 3), ("all", 2)), batch_size=4)


def test_the_course_is_taken_in_order_with_like_lengths_together() -> None:
    rows = _drills(replace(RECIPE, steps=(("first", 8), ("all", 8)))).with_format(None)
    assert rows["part"] == ["first"] * 32 + ["all"] * 32
    assert sorted(rows["index"]) == list(range(64))


def test_a_part_of_no_steps_is_left_out() -> None:
    rows = _drills(replace(RECIPE, steps=(("first", 0), ("all", 2)))).with_format(None)
    assert set(rows["part"]) == {"all"}


def test_the_committed_model_is_that_of_its_lineage_file_and_the_recipe_as_it_stands() -> None:
    lineage = json.loads((TINY / LINEAGE).read_text(encoding="utf-8"))
    assert lineage["model"] == model_fingerprint(TINY)
    assert lineage["settings"] == Recipe().settings()
    assert Compute.model_validate(lineage["compute"]) == COMPUTE
    assert (TINY / "README.md").read_bytes() == CARD.read_bytes()


@pytest.mark.slow
def test_another_process_builds_the_same_base(tmp_path: Path) -> None:
    """Bit for bit: what lets the model be kept in git and still be made again."""
    one, two = tmp_path / "one", tmp_path / "two"
    pretrain(one, Recipe(steps=(("first", 3), ("all", 2))))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "8"}
    command = [sys.executable, "-m", "tools.tiny_base", "--steps", "3", "2", "--out", str(two)]
    done = subprocess.run(command, check=True, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert "160 drills in 5 steps, loss" in done.stdout
    files = sorted(file.name for file in one.iterdir())
    assert files == sorted(file.name for file in TINY.iterdir())
    for name in files:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
