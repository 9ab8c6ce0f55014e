"""The estimate of an experiment: what runs have in common counts once."""

from pathlib import Path

import pytest

from mathse import cli
from mathse.ablate.experiment import find
from mathse.ablate.forecast import Forecast, forecast, render
from mathse.plan.estimate import plan
from mathse.plan.options import Options

ROOT = Path(__file__).parents[2]
OPTIONS = Options(sample=8, gpu_hour_price=2.0)


@pytest.fixture(scope="module")
def seven() -> Forecast:
    return forecast(*find("table3"), "qwen2-vl-7b", ROOT, OPTIONS, 2)


def test_the_first_variant_bears_a_whole_run_and_others_what_they_add(seven: Forecast) -> None:
    whole = plan("qwen2-vl-7b", ROOT, OPTIONS)
    one = forecast(*find("table3"), "qwen2-vl-7b", ROOT, OPTIONS, 1)
    orm, teacher, none = one.shares
    # The plan's run evaluates all its models, a variant the last one alone.
    assert 0.9 * whole.gpu_hours < (orm.gpu_hours or 0) < whole.gpu_hours
    assert orm.new == orm.stages
    assert (teacher.new, none.new) == (6, 6)
    assert 0 < (none.gpu_hours or 0) < 0.25 * whole.gpu_hours


def test_a_teacher_that_marks_first_is_asked_twice(seven: Forecast) -> None:
    _, teacher, none = seven.shares
    assert teacher.requests > none.requests
    assert (teacher.cost or 0) > (none.cost or 0)


def test_a_second_seed_shares_problems_and_base(seven: Forecast) -> None:
    assert seven.shares[0].new == seven.shares[0].stages - 3


def test_it_is_printed_within_80_columns(seven: Forecast, capsys: pytest.CaptureFixture[str]) -> None:
    printed = render(seven)
    assert max(map(len, printed.splitlines())) <= 80
    assert "| in all " in printed
    assert "money for GPU-hours, beside the server's" in printed
    assert cli.main(["-C", str(ROOT), "plan", "smoke", "--ablate", "table3", "--seeds", "1", "--sample", "4"]) == 0
    assert "hours and memory are not estimated: compute.device is cpu" in capsys.readouterr().out
