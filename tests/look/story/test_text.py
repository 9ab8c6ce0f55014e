import io
import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from mathse import cli, layout, terminal
from mathse.curation import decisions
from mathse.curation.decisions import Decision
from mathse.look.story import text
from mathse.look.story.document import Group
from mathse.look.story.telling import story
from mathse.loop.evaluation.statistics import mcnemar
from mathse.tables import store
from mathse.tables.schemas import MixRow, Tag
from tests.look.story.conftest import mix_row


def shown(project: Path, width: int, before: str, after: str) -> str:
    out = io.StringIO()
    text.show(story(project, before, after), terminal.console(out, width=width, markup=False, emoji=False))
    return out.getvalue()


def words(printed: str) -> str:
    return " ".join(printed.split())


@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_is_one_screen_at_any_width_and_no_digit_is_cut(project: Path, width: int) -> None:
    printed = shown(project, width, "0", "1")
    assert max(map(cell_len, printed.splitlines())) <= width
    assert len(printed.splitlines()) <= 30
    assert "…" not in printed
    assert "25.0 % -> 50.0 % of 4 test problems (+25.0 points): not shown to help, p = 1" in words(printed)
    assert "0 of 1 rows (0.0 %) -> 2 of 3 rows (66.7 %): CORRECT to the ORM, not to the rule" in words(printed)
    assert re.search(r"^fractions +0 +2 +2 +100\.0 +1 *$", printed, re.MULTILINE)
    assert re.search(r"^角度 +1 +1 +0 +0\.0 +0 +25\.0 +50\.0 *$", printed, re.MULTILINE)


def test_large_numbers_of_a_narrow_terminal_stay_whole(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group("subject", "立体几何与空间向量的综合应用" * 3, (1_234_567, 8_765_432), 765_432, 654_321, 9, (1, 2))
    told = story(project, "0", "1")
    told.groups[:] = [group]
    out = io.StringIO()
    text.show(told, terminal.console(out, width=60, markup=False, emoji=False))
    assert max(map(cell_len, out.getvalue().splitlines())) <= 60
    for number in ("1,234,567", "8,765,432", "765,432", "654,321", "22.2"):
        assert number in out.getvalue()


def test_what_went_and_who_decided_it_is_named(project: Path) -> None:
    store.write(project / layout.mix("0"), MixRow, [mix_row("d1", "p1"), mix_row("d2" * 16, "p2")])
    said = Decision(path_id="d2" * 16, problem_id="p2", step="0", round=0, tag=Tag.BAD, who="Ada\n\x1b[31m")
    decisions.append(project, said)
    printed = shown(project, 200, "0", "1")
    assert "out          1 no candidate of round 1" in printed
    assert "1 that had a row have none now" in printed
    assert "decisions    Ada \\x1b[31m: 1 bad (d2d2d2d2): out of the mix now" in printed


def test_many_subjects_and_reasons_are_summed_up(project: Path) -> None:
    told = story(project, "0", "1")
    told.groups[:] = [Group("subject", f"s{at}", (at, 10), 1, 2, 4, (1, 3)) for at in range(12)]
    assert told.rows is not None
    told.rows.left_out.clear()
    told.rows.left_out.update({f"reason {at}": 100 - at for at in range(9)})
    lines = text.cells(told)
    assert len(lines) == 9
    assert lines[-1] == ("4 others", "38", "40", "4", "10.0", "8", "25.0", "75.0")
    assert dict(text.facts(told))["left out"].endswith("95 reason 5, 279 for 3 other reasons")


def test_json_has_the_judgement(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(project), "story", "0", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tests"][0]["judgement"] == "not shown to help"
    assert told["tests"][0]["p"] == mcnemar(2, 1)
    assert told["before"] == {"step": "0", "model": "0", "heading": "distilled"}


def test_markdown_finds_nothing_to_read_in_the_data(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    who = "<script>alert(1)</script> @somebody"
    decisions.append(project, Decision(path_id="a1", problem_id="p3", step="1", round=1, tag=Tag.BAD, who=who))
    assert cli.main(["-C", str(project), "story", "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("### distilled → round 1\n")
    assert "<script" not in printed
    assert "@somebody" not in printed
    tables = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(tables) == 2 + 2 + 3, "head and rule, subjects, levels"


def test_a_share_is_nothing_only_where_there_is_none() -> None:
    assert [text.percent(part, 2068) for part in (0, 1, 2, 2068)] == ["0.0", "<0.1", "0.1", "100.0"]
    assert text.percent(0, 0) == ""
    assert [text.number_of(rows, "rollout") for rows in (1, 1000)] == ["1 rollout", "1,000 rollouts"]
    assert text.number_of(2, "distilled") == "2 distilled"
