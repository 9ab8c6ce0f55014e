"""README.md and docs/RESULTS.md say what the committed reports say."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from mathse import cli
from mathse.ablate import comparison
from mathse.ablate.experiment import Experiment, find
from mathse.errors import UserError
from mathse.loop.evaluation.statistics import mcnemar
from mathse.report import ablations, page, paper, results
from mathse.report.ablations import ModelResult, OrmResult, ProblemSet, Run, as_digits

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


def test_seeds_and_what_each_step_gained_are_those_of_the_experiment(run: Path) -> None:
    def filled() -> str:
        return results.fill("<!-- seeds -->\n<!-- /seeds -->\n<!-- gains -->\n<!-- /gains -->", run, Path("README.md"))

    assert filled().count("Not run yet: `mathse ablate table1`.") == 2

    solved = {  # by seed and model, of 20 test problems
        1: {"base": 2, "0": 4, "1": 5, "final": 10},
        2: {"base": 2, "0": 6, "1": 5, "final": 12},
    }
    record(run, solved)
    text = filled()
    assert "| seed | base | + distilled | + round 1 | + reflection | ORM |" in text
    assert "| 2 | 10.0 | 30.0 | 25.0 | 60.0 | 92.0 |" in text
    mean = next(line for line in text.splitlines() if line.startswith("| mean (95 %) |"))
    assert [cell.split()[0] for cell in mean.split(" | ")[1:]] == ["10.0", "25.0", "25.0", "55.0", "91.5"]
    assert re.search(r"\| gain \(95 %\) \|  \| \+15\.0 \(.*\) \| \+0\.0 \(.*\) \| \+30\.0 \(.*\) \|  \|", text)
    assert f"| p |  | {mcnemar(6, 0):.2g} | 1 | {mcnemar(12, 0):.2g} |  |" in text
    assert "the final model over + distilled +30.0 to +30.0, +30.0 on average" in text
    assert "(+ round 1) over it -5.0 to +5.0, +0.0 on average. No step has a p above 1 " in text

    record(run, {1: solved[1]})
    text = filled()
    assert "Over 1 seed, in points" in text and "| 2 |" not in text


def record(root: Path, solved: Mapping[int, Mapping[str, int]]) -> None:
    """Record an experiment of runs whose models solve the first so many of 20 test problems."""
    runs = [
        Run(
            variant="loop", seed=seed, inputs="i", train_problems=50, steps={},
            models={
                name: ModelResult(
                    fingerprint="f", accuracy=number / 20, correct=number, rows=9, teacher_calls=9,
                    solved=as_digits(place < number for place in range(20)),
                )
                for name, number in models.items()
            },
            orms={
                "orm": OrmResult(n=9, accuracy=0.9 + seed / 100, accuracy_correct=1, accuracy_wrong=1, step_accuracy=1)
            },
        )
        for seed, models in solved.items()
    ]  # fmt: skip
    name, experiment = find("table1")
    loop = {"name": "loop", "title": "the loop", "measured": list(solved[1])}
    experiment = Experiment.model_validate(experiment.model_dump() | {"variants": [loop]})
    compared = comparison.results(name, experiment, ProblemSet(n=20, sha256="ab"), runs)
    ablations.save(ablations.path(root, name), compared)


def test_what_is_missing_or_unknown_is_named(run: Path) -> None:
    with pytest.raises(UserError, match=r"README.md: there is no block 'others'"):
        results.fill("<!-- others -->\n<!-- /others -->", run, Path("README.md"))
    shutil.rmtree(run / "reports" / "plots", ignore_errors=True)
    with pytest.raises(UserError, match=r"work\.json: not found"):
        results.fill("<!-- work -->\n<!-- /work -->", run, Path("README.md"))
    (run / "reports" / "plots").mkdir()
    (run / "reports" / "plots" / "work.json").write_text("[{}]", encoding="utf-8")
    with pytest.raises(UserError, match=r"the reports lack 'work' of block 'work'"):
        results.fill("<!-- work -->\n<!-- /work -->", run, Path("README.md"))
