"""README.md and docs/RESULTS.md say what the committed reports say."""

import json
import re
import shutil
from pathlib import Path

import pytest

from mathse import cli
from mathse.errors import UserError
from mathse.report import page, paper, results

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", results.PAGES, ids=str)
def test_a_page_says_what_the_reports_say(name: Path) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text.count("<!-- /") >= 2
    assert results.fill(text, ROOT, name) == text, "`mathse report --docs` writes the numbers anew"


def test_numbers_outside_the_blocks_are_the_papers() -> None:
    text = (ROOT / "docs" / "RESULTS.md").read_text(encoding="utf-8")
    outside = re.sub(r"<!-- (\w+) -->.*?<!-- /\1 -->", "", text, flags=re.DOTALL)
    tables = (paper.TABLE_1, paper.TABLE_5)
    known = {number for reported in tables for numbers in reported.values() for number in numbers}
    known |= {*paper.TABLE_3.values(), *paper.TABLE_4.values()}
    assert {float(number) for number in re.findall(r"\b\d+\.\d+\b", outside)} <= known


def test_a_changed_number_is_written_anew(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page.build(run)
    text = "".join(f"<!-- {name} -->\nold\n<!-- /{name} -->\n\n" for name in ("results", "own_paths", "transitions"))
    (run / "README.md").write_text(f"Before.\n{text}After.\n", encoding="utf-8")
    assert cli.main(["-C", str(run), "report", "--docs"]) == 0
    assert capsys.readouterr().out.strip().endswith("README.md")
    written = (run / "README.md").read_text(encoding="utf-8")
    assert written.startswith("Before.\n<!-- results -->\n| model |") and written.endswith("After.\n")
    assert "old" not in written and "| distilled | 1 |" in written and "| base to + distilled | 0 (0.0 %)" in written
    assert cli.main(["-C", str(run), "report", "--docs"]) == 0
    assert "as the reports are" in capsys.readouterr().out

    judged = json.loads((run / "reports" / "judged.json").read_text())
    judged["0"]["paths"] = 77
    (run / "reports" / "judged.json").write_text(json.dumps(judged), encoding="utf-8")
    assert results.fill(written, run, Path("README.md")) != written


def test_seeds_are_averaged_and_their_gains_told(run: Path) -> None:
    accuracies = {"1": (0.1, 0.2, 0.25, 0.5, 0.9), "2": (0.1, 0.3, 0.25, 0.4, 0.8)}
    content = {
        seed: dict(zip(("base", "0", "1", "final", "orm"), row, strict=True)) for seed, row in accuracies.items()
    }
    (run / results.SEEDS).write_text(json.dumps(content), encoding="utf-8")
    text = results.fill("<!-- seeds -->\n<!-- /seeds -->\n<!-- gains -->\n<!-- /gains -->", run, Path("README.md"))
    assert "| mean | 10.0 | 25.0 | 25.0 | 45.0 | 85.0 |" in text
    assert "the final model over + distilled +10.0 to +30.0, +20.0 on average" in text
    assert "(+ round 1) over it -5.0 to +5.0, +0.0 on average" in text


def test_what_is_missing_or_unknown_is_named(run: Path) -> None:
    with pytest.raises(UserError, match=r"README.md: there is no block 'others'"):
        results.fill("<!-- others -->\n<!-- /others -->", run, Path("README.md"))
    shutil.rmtree(run / "reports" / "plots", ignore_errors=True)
    with pytest.raises(UserError, match=r"work\.json: not found"):
        results.fill("<!-- work -->\n<!-- /work -->", run, Path("README.md"))
