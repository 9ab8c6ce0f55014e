import json
from pathlib import Path
from typing import Any

import pytest

from mathse import cli
from mathse.benchmarks.benchmark import names_with_rule
from mathse.look import score
from tests.shared_data import load, shared

PROBLEMS: list[dict[str, Any]] = [
    {"id": "1", "answer": "B", "options": ["3", "5"], "level": 1, "subject": "algebra"},
    {"id": "2", "answer": "12", "options": [], "level": 2, "subject": "logic"},
    {"id": "3", "answer": "7", "options": [], "level": 2, "subject": "algebra"},
]
RESPONSES: list[dict[str, Any]] = [{"id": "1", "response": r"\boxed{5}"}, {"id": 2, "response": "13", "answer": "13"}]


def lines(file: Path, rows: list[Any]) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(file)


@pytest.fixture
def problems(tmp_path: Path) -> str:
    return lines(tmp_path / "problems.jsonl", PROBLEMS)


def run(*arguments: str) -> int:
    return cli.main(["score", *arguments])


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(*arguments, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_table_for_people(problems: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mathvision", lines(tmp_path / "r.jsonl", RESPONSES), "--problems", problems) == 0
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "all 1 2 50.00" in shown
    assert {"1 1 1 100.00", "2 0 1 0.00", "algebra 1 1 100.00", "logic 0 1 0.00"} <= set(shown)
    assert shown[-2:] == ["2 of 2 responses scored", "problems without a response, which do not count: 1"]


def test_json_for_programs(problems: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "mathvision", lines(tmp_path / "r.jsonl", RESPONSES), "--problems", problems)
    assert found["scores"]["-all"] == "1/2=50.0%"
    assert found["scores"]["-level1_algebra"] == found["scores"]["algebra_level1"] == "1/1=100.0%"
    assert (found["responses"], found["scored"], found["unscored"], found["unanswered"]) == (2, 2, {}, 1)


def test_a_response_cannot_bring_its_own_gold_answer(problems: str, tmp_path: Path) -> None:
    scoring = score.score("mathvision", Path(lines(tmp_path / "r.jsonl", RESPONSES)), Path(problems))
    assert [row["correct"] for row in scoring.scored] == [True, False]


def test_rows_that_hold_the_problem_need_no_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**PROBLEMS[0], "response": "B"}, {**PROBLEMS[0], "id": "9", "response": "A"}]
    assert as_json(capsys, "mathvision", lines(tmp_path / "r.jsonl", rows))["scores"]["-all"] == "1/2=50.0%"


def test_bad_rows_are_counted_and_told(problems: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(
        lines(tmp_path / "r.jsonl", [*RESPONSES, {"id": "1", "response": "3"}, {"id": "99", "response": "3"}, 5])
    )
    file.write_bytes(file.read_bytes() + b'{"id": "3"}\n{"response": "3"}\nnonsense\n')
    out = tmp_path / "out.jsonl"
    assert run("mathvision", str(file), "--problems", problems, "--out", str(out)) == 0
    shown = capsys.readouterr().out
    assert "2 of 8 responses scored" in shown
    assert " all             1         2         50.00" in shown
    for complaint in (
        "1 id occurs twice (line 3)",
        "1 unknown id (line 4)",
        "1 row is not an object (line 5)",
        "1 no field 'response' (line 6)",
        "1 no field 'id' (line 7)",
        "1 not JSON (line 8)",
    ):
        assert f"unscored: {complaint}\n" in shown
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == {**RESPONSES[0], "model_answer": "5", "correct": True}
    assert rows[2] == {"id": "1", "response": "3", "unscored": "id occurs twice", "place": "line 3"}
    assert rows[7] == {"unscored": "not JSON", "place": "line 8"}


def test_many_places_are_not_all_told(problems: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [RESPONSES[0], *[{"id": "2"}] * 9]
    arguments = ("mathvision", lines(tmp_path / "r.jsonl", rows), "--problems", problems)
    assert len(as_json(capsys, *arguments)["unscored"]["no field 'response'"]) == 1
    rows = [RESPONSES[0], *[{"id": str(number)} for number in range(100, 109)]]
    arguments = ("mathvision", lines(tmp_path / "r.jsonl", rows), "--problems", problems)
    assert len(as_json(capsys, *arguments)["unscored"]["unknown id"]) == 9
    assert run(*arguments) == 0
    assert "9 unknown id (line 2, line 3, line 4, line 5, line 6, ...)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("benchmark", "rows", "message"),
    [
        (
            "mathvision",
            RESPONSES,
            "r.jsonl: no row can be scored: 1 no field 'answer' (line 1); 1 no field 'options' (line 2); a",
        ),
        ("mathvision", RESPONSES, "--problems FILE adds what the problem says"),
        ("mathvista", RESPONSES, "needs question_type, answer_type, choices, precision, answer, extraction"),
        ("mathverse", RESPONSES, "needs answer, extraction"),
        ("chartqa", RESPONSES, "needs label, prediction"),
        ("chartqa", [], "r.jsonl: holds no rows"),
    ],
)
def test_nothing_to_score_is_an_error_with_a_remedy(
    benchmark: str, rows: list[Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(benchmark, lines(tmp_path / "r.jsonl", rows)) == cli.USER_ERROR
    printed = capsys.readouterr()
    assert message in printed.err
    assert not printed.out


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*PROBLEMS, PROBLEMS[1]], "p.jsonl, line 4: id 2 occurs twice"),
        ([PROBLEMS[0], {"answer": "3"}], "p.jsonl, line 2: no field 'id'; give the problems of mathvision"),
        ([PROBLEMS[0], 3], "p.jsonl, line 2: row is not an object"),
    ],
)
def test_broken_problems(rows: list[Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("mathvision", lines(tmp_path / "r.jsonl", RESPONSES), "--problems", lines(tmp_path / "p.jsonl", rows))
    assert run(*arguments) == cli.USER_ERROR
    assert message in capsys.readouterr().err


def test_chartqa_has_no_ids_to_join_by(problems: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = lines(tmp_path / "r.jsonl", [{"label": "10", "prediction": "10.4", "type": "human_test"}])
    assert as_json(capsys, "chartqa", file)["scores"]["type"]["human_test"]["correct"] == 1
    assert run("chartqa", file, "--problems", problems) == cli.USER_ERROR
    assert "has no ids to join by" in capsys.readouterr().err


def test_mathverse_text_only_counts_its_samples_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"sample_index": "1", "answer": "D", "extraction": "D"}
    rows = [{**row, "problem_version": version} for version in ("Text Only", "Vision Only", "Vision Only")]
    found = as_json(capsys, "mathverse", lines(tmp_path / "r.jsonl", rows))
    assert found["scores"]["version"]["Text Only"]["total"] == found["scores"]["version"]["Vision Only"]["total"] == 1
    assert found["unscored"] == {"problem_version sample_index occurs twice": ["line 3"]}


def test_what_was_read_is_not_overwritten(problems: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = lines(tmp_path / "r.jsonl", RESPONSES)
    before = Path(file).read_bytes(), Path(problems).read_bytes()
    for out in (file, problems):
        assert run("mathvision", file, "--problems", problems, "--out", out) == cli.USER_ERROR
        assert "not overwritten" in capsys.readouterr().err
    assert (Path(file).read_bytes(), Path(problems).read_bytes()) == before


def test_markup_and_broken_text_are_shown_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"label": "1", "prediction": "1", "type": "[red]\ud83d"}
    assert run("chartqa", lines(tmp_path / "r.jsonl", [row])) == 0
    assert "[red]?" in capsys.readouterr().out


def test_help_teaches_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("--help")
    assert ended.value.code == 0
    assert "example:\n  mathse score mathvision" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        run("gsm8k", "r.jsonl")
    assert ended.value.code == cli.USER_ERROR
    printed = capsys.readouterr()
    assert "invalid choice: 'gsm8k' (choose from" in printed.err
    with pytest.raises(SystemExit):
        run("mathvl_test", "r.jsonl")  # its answers are graded, not scored
    with pytest.raises(SystemExit):
        run("--help")
    assert ", ".join(names_with_rule()) in " ".join(capsys.readouterr().out.split())
    assert {"chartqa", "mathverse", "mathvision", "mathvista"} <= set(names_with_rule())


def test_published_mathvista_output(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file, out = shared("mathvista/results/output_bard.json"), tmp_path / "out.jsonl"
    arguments = ("mathvista", str(file), "--problems", str(shared("mathvista/testmini.json")), "--out", str(out))
    found = as_json(capsys, *arguments)
    assert found["scores"]["task"] == load("mathvista/results/scores_bard.json")["task"]
    assert len(out.read_text(encoding="utf-8").splitlines()) == found["scored"] == 1000
    assert run("mathvista", str(file)) == 0
    assert "geometry problem solving" not in capsys.readouterr().out


def test_published_mathvision_output(capsys: pytest.CaptureFixture[str]) -> None:
    file, problems = shared("mathvision/outputs/Qwen-VL-Max.jsonl"), shared("mathvision/test.jsonl")
    found = as_json(capsys, "mathvision", str(file), "--problems", str(problems))
    assert found["scores"] == load("mathvision/outputs/Qwen-VL-Max_result.json")
    assert found["unanswered"] == 0
