"""A shared folder: it appears whole or not at all, and says of each file what it must hash to.

It is made beside its place, as `.NAME.partial`, synced and renamed; what a killed run has left there is taken away by
the next one. A folder that is no export of ours, and holds anything, is not touched.

Sample of SHA256SUMS: `9f86d081...  data/train-00000-of-00001.parquet`
"""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mathse.errors import UserError

SUMS = "SHA256SUMS"


class FolderError(UserError):
    """A folder cannot be written, or does not hold what its checksums say; names it and the file."""


@contextmanager
def appearing(out: Path, mark: str) -> Iterator[Path]:
    """A folder that takes the place of `out` when the block ends well.

    Args:
        out: Where it goes; what is there is replaced if it is empty or holds a file called `mark`.
        mark: Name of a file that every folder of ours has.

    Raises:
        FolderError: Something else is there, another process is writing it, or the disk is full.
    """
    out = out.absolute()
    fresh, old = out.with_name(f".{out.name}.partial"), out.with_name(f".{out.name}.old")
    _refuse_foreign(out, mark)
    try:
        fresh.mkdir(parents=True, exist_ok=True)
        with _held(fresh, out):
            _empty(fresh)
            try:
                yield fresh
                _sync(fresh)
                if out.exists():
                    shutil.rmtree(old, ignore_errors=True)
                    out.rename(old)
                fresh.rename(out)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
                if not out.exists() and old.exists():  # killed or failed between the two renames
                    old.rename(out)
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise FolderError(_cannot_write(out, error)) from error


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS over every other file of the folder."""
    lines = [f"{digest(folder / name)}  {name}\n" for name in _names(folder) if name != SUMS]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def digest(file: Path) -> str:
    """SHA-256 of a file, in hex digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _refuse_foreign(out: Path, mark: str) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise FolderError(f"{out}: is no folder; name one that does not exist yet")
    if out.is_dir() and any(out.iterdir()) and not (out / mark).is_file():
        raise FolderError(
            f"{out}: holds files that mathse did not write (there is no {mark}); name an empty or a new folder"
        )


@contextmanager
def _held(folder: Path, out: Path) -> Iterator[None]:
    """Hold the folder, so that two runs cannot write it at once."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise FolderError(f"{out}: another process is writing it; wait for it or end it") from error
    finally:
        os.close(handle)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _cannot_write(out: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{out}: no space left on the disk; what was there before is still there. Free some space and run again"
    return f"{out}: cannot be written ({error}); what was there before is still there"
