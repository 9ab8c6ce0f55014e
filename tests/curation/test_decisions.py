"""What people wrote is never lost: two writers at once, a killed one, a full disk; and what counts of a path."""

import errno
import mmap
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mathse import layout
from mathse.curation import decisions
from mathse.curation.decisions import CurationError, Decision, Known, NothingToUndo
from mathse.tables.files import CannotWrite
from mathse.tables.schemas import Tag

WRITER = """
import sys
from pathlib import Path
from mathse.curation import decisions
from mathse.curation.decisions import Decision
from mathse.tables.schemas import Tag
for number in range(30):
    path = f"{sys.argv[1]}-{number}"
    decisions.append(Path(), Decision(path_id=path, problem_id="p", step="1", round=1, tag=Tag.BAD, who=sys.argv[1]))
"""

LIMITED = """
import resource, signal, sys
from pathlib import Path
from mathse.curation import decisions
from mathse.curation.decisions import Decision
from mathse.tables.schemas import Tag
about = {"path_id": "b", "problem_id": "p", "step": "1", "round": 1, "who": "Ada"}
line = Decision(**about, tag=Tag.FIXED, note=sys.argv[2], text=sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
decisions.append(Path(), line)
"""


def decision(path_id: str = "a", tag: Tag = Tag.BAD, second: int = 0, who: str = "Ada", **fields: Any) -> Decision:
    at = f"2026-03-01T10:00:{second:02}.000+00:00"
    return Decision(path_id=path_id, problem_id="p", step="1", round=1, tag=tag, who=who, at=at, **fields)


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    assert decisions.read(tmp_path) == [] and decisions.current(tmp_path) == {}
    bad, fixed = decision(), decision("b", Tag.FIXED, 1, text="Step 1: \u2028\n5 ≠ 6.", note="misread")
    decisions.append(tmp_path, bad)
    decisions.append(tmp_path, fixed)
    assert decisions.read(tmp_path) == [bad, fixed]
    assert (tmp_path / layout.CURATION).read_bytes().count(b"\n") == 2


def test_a_line_can_be_read_in_every_language(tmp_path: Path) -> None:
    chinese = decision(note="把 8 看成了 3", tag=Tag.FIXED, text="答案是 5。")
    decisions.append(tmp_path, chinese)
    assert "把 8 看成了 3" in (tmp_path / layout.CURATION).read_text(encoding="utf-8")
    assert decisions.read(tmp_path) == [chinese]


def test_the_last_decision_counts_until_it_is_undone(tmp_path: Path) -> None:
    first, second = decision(), decision(tag=Tag.GOOD, second=1)
    decisions.append(tmp_path, first, second)
    assert decisions.current(tmp_path) == {"a": second}
    assert decisions.undo(tmp_path, ["a"], "Emmy") == [second]
    assert decisions.current(tmp_path) == {"a": first}
    assert decisions.undo(tmp_path, ["a", "a"], "Emmy") == [first]
    assert decisions.current(tmp_path) == {}
    with pytest.raises(NothingToUndo, match="path a: "):
        decisions.undo(tmp_path, ["a"], "Emmy")
    assert [(line.who, line.undoes) for line in decisions.read(tmp_path)] == [
        ("Ada", None), ("Ada", None), ("Emmy", second.row_hash), ("Emmy", first.row_hash),
    ]  # fmt: skip


def test_several_are_taken_back_or_none(tmp_path: Path) -> None:
    first, second = decision(), decision("b", second=1)
    decisions.append(tmp_path, first, second)
    with pytest.raises(NothingToUndo, match="path c: "):
        decisions.undo(tmp_path, ["a", "c", "b"], "Ada")
    assert len(decisions.read(tmp_path)) == 2
    assert decisions.undo(tmp_path, ["b", "a"], "Ada") == [second, first]
    assert decisions.current(tmp_path) == {}


def test_an_undoing_of_another_path_undoes_nothing(tmp_path: Path) -> None:
    first, other = decision(), decision("b")
    stray = other.undone_by("Emmy").model_copy(update={"undoes": first.row_hash})
    decisions.append(tmp_path, first, other, stray)
    assert decisions.current(tmp_path) == {"a": first, "b": other}


def test_a_note_stands_beside_what_was_decided(tmp_path: Path) -> None:
    fixed = decision(tag=Tag.FIXED, text="5")
    remark, reply = (
        decision(tag=Tag.NOTE, second=second, note=who, who=who) for second, who in ((1, "Bob"), (2, "Ada"))
    )
    decisions.append(tmp_path, fixed, remark, reply)

    def state() -> tuple[list[Decision], list[Decision]]:
        counting, notes = decisions.standing(decisions.read(tmp_path))
        return list(counting.values()), list(notes.get("a", []))

    assert state() == ([fixed], [remark, reply])
    assert decisions.undo(tmp_path, ["a"], "Ada") == [reply], "the last thing that she said"
    assert decisions.undo(tmp_path, ["a"], "Ada") == [fixed], "the note of another stays"
    assert state() == ([remark], [remark])
    with pytest.raises(NothingToUndo, match="by its author alone"):
        decisions.undo(tmp_path, ["a"], "Ada")
    again = decision(second=3)
    decisions.append(tmp_path, again)
    assert state() == ([again], [remark])
    assert decisions.undo(tmp_path, ["a"], "Bob") == [again], "anybody may take back a decision"
    assert decisions.undo(tmp_path, ["a"], "Bob") == [remark]
    assert state() == ([], [])


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_lines_does_not_matter(seed: int, tmp_path: Path) -> None:
    lines = [decision(tag=Tag.GOOD, second=2), decision(second=1), decision(second=3)]
    lines.append(lines[2].undone_by("Emmy"))
    random.Random(seed).shuffle(lines)
    decisions.append(tmp_path, *lines)
    assert decisions.current(tmp_path)["a"].tag is Tag.GOOD


def test_two_writers_at_once_lose_no_line(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name], cwd=tmp_path) for name in ("Ada", "Emmy")]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert {line.path_id for line in decisions.read(tmp_path)} == {
        f"{name}-{number}" for name in ("Ada", "Emmy") for number in range(30)
    }


@pytest.mark.parametrize("length", [10, 2 * mmap.PAGESIZE], ids=["at the end", "written anew"])
def test_a_full_disk_leaves_the_file_as_it_was(length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decisions.append(tmp_path, decision())
    before = (tmp_path / layout.CURATION).read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match=r"(?i)no space left"):
        decisions.append(tmp_path, decision("b", Tag.FIXED, text="x" * length))
    assert (tmp_path / layout.CURATION).read_bytes() == before
    assert [file.name for file in (tmp_path / layout.DATA).iterdir()] == [layout.CURATION.name]


@pytest.mark.parametrize("length", [200, 2 * mmap.PAGESIZE], ids=["at the end", "written anew"])
def test_a_disk_that_fills_within_a_line_leaves_the_file_as_it_was(length: int, tmp_path: Path) -> None:
    decisions.append(tmp_path, decision())
    before = (tmp_path / layout.CURATION).read_bytes()
    program = [sys.executable, "-c", LIMITED, str(len(before) + 100), "n" * (length // 4), "x" * length]
    writer = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "CannotWrite" in writer.stderr
    assert (tmp_path / layout.CURATION).read_bytes() == before
    decisions.append(tmp_path, decision("b"))
    assert [line.path_id for line in decisions.read(tmp_path)] == ["a", "b"]


def test_lines_that_fill_a_page_and_more_are_all_there(tmp_path: Path) -> None:
    sizes = [1, mmap.PAGESIZE, 300, mmap.PAGESIZE // 2, mmap.PAGESIZE // 2, *[40] * 100]
    lines = [decision(f"{number}", Tag.FIXED, text="x" * size) for number, size in enumerate(sizes)]
    for line in lines:
        decisions.append(tmp_path, line)
    assert (tmp_path / layout.CURATION).read_bytes() == "".join(line.line() for line in lines).encode()


def test_a_short_line_is_added_where_the_file_lies(tmp_path: Path) -> None:
    file = tmp_path / layout.CURATION
    decisions.append(tmp_path, decision())
    place = file.stat().st_ino
    decisions.append(tmp_path, decision("b"))
    assert file.stat().st_ino == place


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    file, other = tmp_path / layout.CURATION, tmp_path / "other.jsonl"
    decisions.append(tmp_path, decision())
    file.rename(other)
    file.symlink_to(other)
    decisions.append(tmp_path, decision("b"))
    assert [line.path_id for line in decisions.read(tmp_path)] == ["a", "b"]
    assert not file.is_symlink() and other.read_text() == decision().line()


def test_what_was_read_before_is_not_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known, file = Known(), tmp_path / layout.CURATION
    assert decisions.read(tmp_path, known) == []
    parsed: list[str] = []
    validate = Decision.model_validate

    def parse(row: dict[str, Any]) -> Decision:
        parsed.append(row["path_id"])
        return validate(row)

    monkeypatch.setattr(Decision, "model_validate", parse)
    decisions.append(tmp_path, decision("a"), decision("b"))
    decisions.read(tmp_path, known)
    decisions.append(tmp_path, decision("c"))
    assert [line.path_id for line in decisions.read(tmp_path, known)] == ["a", "b", "c"] == parsed
    assert decisions.undo(tmp_path, ["b"], "Emmy", known) == [decision("b")]
    assert decisions.current(tmp_path).keys() == {"a", "c"}

    file.write_text(decision("z").line() + file.read_text())  # git, or an editor
    assert decisions.read(tmp_path, known) == decisions.read(tmp_path)
    file.write_text(decision("y").line().rstrip())
    assert [line.path_id for line in decisions.read(tmp_path, known)] == ["y"]
    with file.open("a") as opened:
        opened.write("\n{\n")
    with pytest.raises(CurationError, match="line 2: not JSON"):
        decisions.read(tmp_path, known)
    file.write_text(decision("x").line())
    assert [line.path_id for line in decisions.read(tmp_path, known)] == ["x"]


def test_a_line_that_a_killed_writer_left_is_named_as_such(tmp_path: Path) -> None:
    decisions.append(tmp_path, decision())
    with (tmp_path / layout.CURATION).open("a") as file:
        file.write(decision("b").line()[:50])
    with pytest.raises(CurationError, match=r"line 2: not JSON .*: the file ends within it; complete or remove it"):
        decisions.read(tmp_path)


def test_a_line_that_an_editor_left_open_stays_a_line(tmp_path: Path) -> None:
    file = tmp_path / layout.CURATION
    decisions.append(tmp_path, decision())
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    decisions.append(tmp_path, decision("b"))
    assert [line.path_id for line in decisions.read(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"path_id": "a"', "line 2: not JSON"),
        ('["a"]', "line 2: row is not an object"),
        ('{"path_id": "a", "tag": "bad"}', "line 2: problem_id: Field required"),
        (decision().line().replace('"bad"', '"awful"'), "line 2: tag: "),
        (decision().line().replace('"bad"', '"fixed"'), "line 2: text: is missing"),
        (decision("b", Tag.FIXED, text="x").line().replace('"fixed"', '"good"'), "line 2: text: `good` takes none"),
        (decision().line().replace('"bad"', '"note"'), "line 2: note: is missing"),
        (decision().line().replace("+00:00", ""), "line 2: at: "),
        (decision().line().replace("2026-03", "\u0662026-03"), "line 2: at: "),
        (decision().line().replace('"round": 1', '"round": 9223372036854775808'), "line 2: round: "),
        *(
            (decision().line().replace('"step": "1"', f'"step": {step}'), "line 2: step: ")
            for step in ('"../x"', '"/tmp/x"', '".."', '"a/b"', '""', '"A"', r'"1\n"', r'"1\u0000"', "null", "[]")
        ),
    ],
)
def test_what_is_no_decision_is_named_and_kept(line: str, reason: str, tmp_path: Path) -> None:
    decisions.append(tmp_path, decision())
    with (tmp_path / layout.CURATION).open("a") as file:
        file.write(line)
    decisions.append(tmp_path, decision("c"))
    assert line.strip() in (tmp_path / layout.CURATION).read_text()
    with pytest.raises(CurationError, match=reason):
        decisions.current(tmp_path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decisions.append(tmp_path, decision())
    monkeypatch.setattr(decisions, "LARGEST", 100)
    with pytest.raises(CurationError, match="larger than"):
        decisions.read(tmp_path)
    with pytest.raises(CurationError, match="larger than"):
        decisions.append(tmp_path, decision())
