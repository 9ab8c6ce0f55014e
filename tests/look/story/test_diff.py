"""`mathse diff` of two whole steps begins with their story, and does not say again what that has said."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mathse import cli
from mathse.loop import mix
from mathse.params import Params


def test_it_begins_with_the_story_and_says_nothing_twice(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(project), "diff", "0", "1", "--limit", "0"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("distilled -> round 1\naccuracy ")
    assert "McNemar's exact test, two-sided" not in printed
    for document in printed.split("-" * 60):
        lines = [line for line in document.splitlines() if any(sign.isdigit() for sign in line)]
        assert [line for line, often in Counter(lines).items() if often > 1] == []
    assert "lost" not in printed.split("paths@0")[1].split("predictions@0")[0]


def test_each_mix_is_asked_once_why_rows_are_not_in_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[str] = []
    chosen = mix.chosen

    def counted(settings: Params, step: str, *rest: Any, **options: Any) -> Any:
        queries.append(step)
        return chosen(settings, step, *rest, **options)

    monkeypatch.setattr(mix, "chosen", counted)
    assert cli.main(["-C", str(project), "diff", "1", "0"]) == 0  # backwards, so that rows went
    assert queries == ["0"]


@pytest.mark.parametrize("options", [["--sql", "true"], ["--counts"], ["--json"]])
def test_parts_of_a_comparison_have_no_story(
    options: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["-C", str(project), "diff", "0", "1", *options]) == 0
    assert "shown to help" not in capsys.readouterr().out
