import errno
from pathlib import Path

import pytest

from mathse.errors import UserError
from mathse.share.folder import appearing


def filled(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_an_earlier_one_is_replaced(tmp_path: Path) -> None:
    out = filled(tmp_path / "out", mark="", old="")
    with appearing(out, "mark") as folder:
        (folder / "mark").touch()
        assert (out / "old").exists()
    assert [file.name for file in out.iterdir()] == ["mark"]
    assert list(tmp_path.iterdir()) == [out]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    with appearing(filled(tmp_path / "out"), "mark") as folder:
        (folder / "mark").touch()
    assert (tmp_path / "out/mark").exists()


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_not_ours_is_not_touched(tmp_path: Path, kind: str) -> None:
    theirs = filled(tmp_path / "theirs", thesis="years of work")
    out = {"folder": theirs, "file": theirs / "thesis", "link": tmp_path / "link"}[kind]
    if kind == "link":
        out.symlink_to(theirs)
    with pytest.raises(UserError, match="name "), appearing(out, "mark"):
        raise AssertionError
    assert (theirs / "thesis").read_text() == "years of work"


def test_an_error_leaves_the_earlier_one(tmp_path: Path) -> None:
    out = filled(tmp_path / "out", mark="before")
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(UserError, match=r"out: no space left on the disk; what was"), appearing(out, "mark") as folder:
        (folder / "mark").write_text("half")
        raise full
    assert (out / "mark").read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def test_two_at_once(tmp_path: Path) -> None:
    with appearing(tmp_path / "out", "mark") as folder:
        (folder / "mark").write_text("first")
        with pytest.raises(UserError, match="another process is writing it"), appearing(tmp_path / "out", "mark"):
            raise AssertionError
    assert (tmp_path / "out/mark").read_text() == "first"


def test_it_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"), appearing(tmp_path / "file/out", "mark"):
        raise AssertionError
