"""A sample of the faults: `python -m tests.faults` runs them all."""

import subprocess
import sys
from pathlib import Path

import pytest

from mathse.tables.schemas import Row
from tests.faults import campaign, damage
from tests.faults.campaign import NoCompiler, preloaded

CASES = {"store": 6, "journal": 6, "mix": 3, "export": 3, "import": 3, "index": 3, "metrics": 6, "model": 6}


@pytest.mark.parametrize("model", damage.MODELS, ids=lambda model: model.__name__)
def test_a_damaged_table_is_read_right_or_named(model: type[Row], tmp_path: Path) -> None:
    assert list(damage.failures(tmp_path, model, 12)) == []


def test_kills_and_failing_system_calls_leave_what_was_or_what_should_be(tmp_path: Path) -> None:
    try:
        environment = preloaded(tmp_path)
    except NoCompiler as error:
        pytest.skip(f"system calls cannot be made to fail here: {error}")
    cases = [f"{name}:{most}" for name, most in CASES.items()]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.campaign", *cases], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_error_in_the_library_is_no_reason_to_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.c"
    broken.write_text("no C")
    monkeypatch.setattr(campaign, "SOURCE", broken)
    try:
        with pytest.raises(RuntimeError, match=r"broken\.c"):
            preloaded(tmp_path)
    except NoCompiler as error:
        pytest.skip(str(error))


def test_a_campaign_that_no_library_serves_does_not_pass(tmp_path: Path) -> None:
    try:
        environment = preloaded(tmp_path)
    except NoCompiler as error:
        pytest.skip(str(error))
    # The campaign still loads the library, but no call goes through it.
    del environment["LD_PRELOAD"]
    command = [sys.executable, "-m", "tests.faults.campaign", "metrics:1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode != 0 and "not preloaded" in done.stderr
