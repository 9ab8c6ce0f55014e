"""What people wrote is never lost: two writers at once, a killed one, a full disk; and what counts of a path."""

import errno
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mathse import layout
from mathse.curation import decisions
from mathse.curation.decisions import CurationError, Decision
from mathse.tables import files
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


def decision(path_id: str = "a", tag: Tag = Tag.BAD, second: int = 0, **fields: Any) -> Decision:
    at = f"2026-03-01T10:00:{second:02}.000+00:00"
    return Decision(path_id=path_id, problem_id="p", step="1", round=1, tag=tag, who="Ada", at=at, **fields)


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    assert decisions.read(tmp_path) == [] and decisions.current(tmp_path) == {}
    bad, fixed = decision(), decision("b", Tag.FIXED, 1, text="Step 1: \u2028\n5 ≠ 6.", note="misread")
    decisions.append(tmp_path, bad)
    decisions.append(tmp_path, fixed)
    assert decisions.read(tmp_path) == [bad, fixed]
    assert (tmp_path / layout.CURATION).read_text().count("\n") == 2


def test_the_last_decision_counts_until_it_is_undone(tmp_path: Path) -> None:
    first, second = decision(), decision(tag=Tag.GOOD, second=1)
    decisions.append(tmp_path, first, second)
    assert decisions.current(tmp_path) == {"a": second}
    assert decisions.undo(tmp_path, "a", "Emmy") == second
    assert decisions.current(tmp_path) == {"a": first}
    assert decisions.undo(tmp_path, "a", "Emmy") == first
    assert decisions.current(tmp_path) == {}
    assert decisions.undo(tmp_path, "a", "Emmy") is None
    assert [(line.who, line.undoes) for line in decisions.read(tmp_path)] == [
        ("Ada", None), ("Ada", None), ("Emmy", second.row_hash), ("Emmy", first.row_hash),
    ]  # fmt: skip


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


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decisions.append(tmp_path, decision())
    before = (tmp_path / layout.CURATION).read_bytes()

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_sync", full)
    with pytest.raises(CannotWrite, match="no space left"):
        decisions.append(tmp_path, decision("b"))
    assert (tmp_path / layout.CURATION).read_bytes() == before
    assert [file.name for file in (tmp_path / layout.DATA).iterdir()] == [layout.CURATION.name]


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
        (decision().line().replace('"bad"', '"fixed"'), "line 2: .*has the corrected text"),
        (decision("b", Tag.FIXED, text="x").line().replace('"fixed"', '"good"'), "line 2: .*no other tag has one"),
        (decision().line().replace('"bad"', '"note"'), "line 2: .*has a note"),
        (decision().line().replace("+00:00", ""), "line 2: at: "),
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
