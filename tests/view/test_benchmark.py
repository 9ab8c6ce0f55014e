"""The benchmark of the pages is a check: it fails where a bound is missed."""

import sys
from pathlib import Path

import pytest

from benchmarks import view


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, bound: float) -> int:
    pages = {name: page._replace(bound=60.0, peer="") for name, page in view.PAGES.items()}
    pages["mixes"] = pages["mixes"]._replace(bound=bound)
    monkeypatch.setattr(view, "PAGES", pages)
    monkeypatch.setattr(view, "DECISION", 60.0)
    monkeypatch.setattr(view, "REPEATS", 1)
    monkeypatch.setattr(sys, "argv", ["view", "--rows", "2000", "--folder", str(folder)])
    return view.main()


@pytest.mark.parametrize(("bound", "status"), [(60.0, 0), (0.0, 1)])
def test_a_missed_bound_is_the_exit_status(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bound: float, status: int
) -> None:
    assert run(folder, monkeypatch, bound) == status
    printed = capsys.readouterr()
    rows = [line for line in printed.out.splitlines() if line.startswith(tuple(view.PAGES))]
    assert len(rows) == len(view.PAGES)
    assert [line.split()[0] for line in rows if line.endswith("MISSED")] == ["mixes"] * status
    assert printed.err.strip() == (f"1 of {len(view.PAGES) + 1} bounds missed" if status else "")
