"""What `mathse report` prints."""

from pathlib import Path

import pytest

from mathse import cli, layout, params
from mathse.look.measured import lines, timings
from mathse.report import table
from mathse.tables.files import write_json

ROOT = Path(__file__).parents[2]
SETTINGS = params.load(ROOT / "presets" / "default.yaml")
TOOK = {"seconds": 253.4, "tokens_per_second": 2511.0, "peak_memory": 1_288_490_188, "processes": 1}
EVALUATED = {"seconds": 12_345.6}


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_digit_is_cut_at_any_width(run: Path, width: int) -> None:
    for name in ("0", "1", "final"):
        write_json(run / layout.timings(f"train-{name}"), TOOK)
        write_json(run / layout.timings(f"evaluate-{name}"), EVALUATED)
    printed = lines(run, width)
    assert max(map(len, printed)) <= width
    text = "\n".join(printed)
    assert "…" not in text
    for model in table.load(run):
        assert all(cell in text for cell in table.cells(model)[1:])
    words = text.replace(",", " ").split()
    assert all(word in words for heading in table.HEADINGS for word in heading.replace(",", " ").split())
    assert text.count("253") == text.count("2,511") == text.count("1,229") == text.count("12,346") == 3


def test_results_of_weights_that_are_not_here_are_somebody_elses(run: Path) -> None:
    def place(name: str, fingerprint: str) -> None:
        (run / layout.model(name)).mkdir(parents=True, exist_ok=True)
        (run / layout.model(name) / "lineage.json").write_text(f'{{"model": "{fingerprint}"}}')

    place("0", "f")
    place("1", "other")
    text = " ".join(" ".join(lines(run, 80)).split())
    assert "+ distilled 100" in text and "+ round 1 * 200" in text and "base * 0" in text
    assert "models/base, models/final not here; other weights in models/1. `dvc pull` brings" in text
    for name in ("base", "1", "final"):
        place(name, "f")
    assert "*" not in "".join(lines(run, 80))


def test_models_come_in_the_order_of_the_loop_and_another_runs_are_left_out(tmp_path: Path) -> None:
    for name in ("final", "orm", "9"):
        write_json(tmp_path / layout.timings(f"train-{name}"), TOOK)
        write_json(tmp_path / layout.timings(f"evaluate-{name}"), {"seconds": 9.0})
    rows = [("orm", "253", "2,511", "1,229", ""), ("final", "253", "2,511", "1,229", "9")]
    assert timings(tmp_path, SETTINGS) == (rows, [])
    assert timings(tmp_path / "nowhere", SETTINGS) == ([], [])


@pytest.mark.parametrize("name", ["train-0", "evaluate-0"])
@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"seconds": "x"}'])
def test_a_damaged_file_is_named(text: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / layout.timings(name)
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    rows, (line,) = timings(tmp_path, SETTINGS)
    assert not rows and line.startswith(f"{file}: is damaged")


def test_the_report_shows_them(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(run / layout.timings("train-0"), TOOK)
    assert cli.main(["-C", str(run), "report"]) == 0
    assert "+ distilled" in capsys.readouterr().out
