from pathlib import Path

import pytest

from mathse import cli, layout, params
from mathse.share.timings import lines
from mathse.tables.files import write_json

ROOT = Path(__file__).parents[2]
SETTINGS = params.load(ROOT / "presets" / "default.yaml")
TOOK = {"seconds": 253.4, "tokens_per_second": 2511.0, "peak_memory": 1_288_490_188, "processes": 1}


def test_models_come_in_the_order_of_the_loop_and_another_runs_are_left_out(tmp_path: Path) -> None:
    for name in ("final", "orm", "9"):
        write_json(tmp_path / layout.timings(f"train-{name}"), TOOK)
        write_json(tmp_path / layout.timings(f"evaluate-{name}"), {"seconds": 9.0})
    assert lines(tmp_path, SETTINGS) == [
        "train orm: 253 s, 2,511 tokens/s, 1,229 MiB",
        "train final: 253 s, 2,511 tokens/s, 1,229 MiB",
        "evaluate final: 9 s",
    ]
    assert lines(tmp_path / "nowhere", SETTINGS) == []


@pytest.mark.parametrize("name", ["train-0", "evaluate-0"])
@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"seconds": "x"}'])
def test_a_damaged_file_is_named(text: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / layout.timings(name)
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    (line,) = lines(tmp_path, SETTINGS)
    assert line.startswith(f"{file}: is damaged")


def test_the_report_shows_them(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(run / layout.timings("train-0"), TOOK)
    assert cli.main(["-C", str(run), "report"]) == 0
    assert "train 0: 253 s, 2,511 tokens/s, 1,229 MiB" in capsys.readouterr().out
