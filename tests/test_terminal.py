"""No text of data, of a model or of a stranger can change how a terminal behaves, whatever command prints it."""

import ast
import io
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathse import cli, layout, terminal
from mathse.tables import seal, store
from mathse.tables.schemas import Path as ReasoningPath
from tests.imports import parsed
from tests.share.conftest import run as run

ROOT = Path(__file__).parents[1]
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\x7f\u202egnp.exe"
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
TEXTS = {
    "question", "solution", "text", "subject", "source", "source_id", "author", "rule_reason", "undecided_reason",
    "error_analysis", "reason", "raw",
}  # fmt: skip


@pytest.fixture
def hostile(run: Path) -> Path:
    """A finished run in whose every table every free text is hostile."""
    for file in (run / layout.DATA).rglob("*.parquet"):
        table = pq.read_table(file)
        for place, column in enumerate(table.schema):
            if column.name in TEXTS and pa.types.is_string(column.type):
                texts = [None if text is None else text + EVIL for text in table[column.name].to_pylist()]
                table = table.set_column(place, column, pa.array(texts, column.type))
        pq.write_table(table.replace_schema_metadata({**table.schema.metadata, seal.KEY: seal.ZEROS}), file)
        seal.seal(file)
    (run / "data" / f"odd{EVIL}.parquet").write_bytes(b"no table")
    shutil.copytree(ROOT / "mathse" / "sql" / "mixes", run / "mathse" / "sql" / "mixes")
    (run / "own.sql").write_text(f"select '{EVIL}' as path_id, nothing{EVIL} as reason")
    (run / "rows.jsonl").write_text(
        json.dumps({"gold": "5", "answer": f"the answer is {EVIL}", "label": EVIL, "prediction": EVIL}) + "\n"
        + json.dumps({"gold": EVIL, "label": [EVIL, EVIL]}) + "\n"
    )  # fmt: skip
    shutil.copy(run / layout.paths("1"), run / "others.parquet")
    stranger = run / "stranger"
    (stranger / "data").mkdir(parents=True)
    (stranger / "SHA256SUMS").write_text(f"{'0' * 64}  {EVIL}\n".replace("\r", ""))
    (run / "odd.yaml").write_text(json.dumps({f"steps{EVIL}": EVIL}))
    return run


COMMANDS = (
    ["show", "1"], ["show", ""], ["show", f"zz{EVIL}"], ["show", f"mathvista/{EVIL}"],
    ["status"], ["report"],
    ["query", "from paths_1"], ["query", "from paths_1", "--json"], ["query", f"select nothing{EVIL}"],
    ["query", f'select 1 as "a{EVIL}"'],
    ["trace", "roll"], ["trace", "roll", "--json"], ["trace", ""], ["trace", "1abc1"],
    ["diff", "paths@1", "paths@final"], ["diff", "paths@1", "paths@final", "--json"],
    ["diff", "paths@1", "paths@final", "--markdown"], ["diff", "paths@1", "paths@final", "--sql", f"x{EVIL}"],
    ["diff", f"a{EVIL}", "paths@1"], ["diff", "problems", "rejects"], ["diff", "others.parquet", "paths@1"],
    ["lineage", f"a{EVIL}"], ["lineage", "final", "--card"],
    ["grade", "rows.jsonl"], ["score", "chartqa", "rows.jsonl"], ["score", "mathvision", "rows.jsonl", "--json"],
    ["mix", "check", "own.sql"], ["mix", "check", f"{EVIL}.sql"], ["mix", "list"],
    ["export", f"mix@{EVIL}", "out"], ["import", "stranger", "--name", "theirs"], ["import", f"no{EVIL}"],
    ["preset", f"a{EVIL}"], ["plan", "odd.yaml"], ["plan", f"a{EVIL}"], ["check"], ["sheet", f"no/such/{EVIL}.png"],
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command).replace(EVIL, "EVIL"))
def test_every_command_shows_text_letter_by_letter(
    command: list[str], hostile: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(hostile)
    cli.main(command)
    printed = capsys.readouterr()
    assert UNSEEN.findall(printed.out + printed.err) == []
    assert printed.out + printed.err


def test_the_hostile_text_is_there_to_read(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["-C", str(hostile), "show", "1"])
    assert "Steps of roll.\n        | The answer" not in (shown := capsys.readouterr().out)
    assert r"\x1b]0;owned\x07\x1b[2J\u009b31m\x0d\u007f\u202egnp.exe" in shown


def test_programs_get_what_the_data_has(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = store.read(hostile / layout.paths("1"), ReasoningPath)
    cli.main(["-C", str(hostile), "query", "select text from paths_1", "--json"])
    assert json.loads(capsys.readouterr().out) == {"text": path.text}
    cli.main(["-C", str(hostile), "query", "select text from paths_1", "--csv"])
    assert path.text in capsys.readouterr().out


def test_a_terminal_gets_no_faithful_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True, raising=False)
    terminal.faithful(terminal.shown(out)).write(EVIL)
    assert UNSEEN.findall(out.getvalue()) == []


def test_colours_are_not_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal.shown(out := io.StringIO()))
    terminal.console(force_terminal=True, color_system="standard", no_color=False).print("[red]a[/red]\x1b[2J")
    assert "\x1b[31ma\x1b[0m\\x1b[2J" in out.getvalue()


def direct(call: ast.Call) -> bool:
    """Whether a call prints past `mathse.terminal`: a console of its own, or anything written to the standard error."""
    name = ast.unparse(call.func)
    others = any(keyword.arg == "file" and "sys.stderr" in ast.unparse(keyword.value) for keyword in call.keywords)
    return name.endswith("Console") or name == "sys.stderr.write" or (name == "print" and others)


@pytest.mark.parametrize("folder", ["mathse", "stages"])
def test_nothing_prints_past_it(folder: str) -> None:
    own = {ROOT / "mathse" / "terminal.py", ROOT / "mathse" / "progress.py"}
    places: list[tuple[str, int]] = [
        (str(file.relative_to(ROOT)), node.lineno)
        for file in sorted((ROOT / folder).rglob("*.py"))
        if file not in own
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call) and direct(node)
    ]
    assert places == []


@pytest.mark.parametrize("stream", [terminal.shown, terminal.faithful])
def test_all_else_is_the_streams_own(stream: Callable[[io.StringIO], io.StringIO]) -> None:
    wrapped = stream(io.StringIO())
    wrapped.writelines(["a\n", "b"])
    assert (wrapped.getvalue(), wrapped.isatty()) == ("a\nb", False)


@pytest.mark.parametrize("hidden", ["\u061c", "\u180e", "\u200f", "\u206a", "\ufffa", "\U000e0041"])
def test_what_hides_or_turns_is_written_as_json_has_it(hidden: str) -> None:
    assert (shown := terminal.visible(f"a{hidden}b")).isascii()
    assert json.loads(f'"{shown}"') == f"a{hidden}b"


def test_what_people_write_is_kept() -> None:
    assert terminal.visible(text := "می\u200cشود\tनमस्ते \u200d∠B=45°\n答案 🙂") == text
