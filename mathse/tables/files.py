"""Files and folders that appear whole or not at all, and the hash of one.

A small file is written beside its place, brought to the disk and renamed; whoever reads it meanwhile has the old one.
What a killed process leaves beside a place, `.NAME.PID.partial`, is removed when that place is next written to.

Sample, `write_json(Path("reports/training/0.json"), report)`: `{"model": "7d79...", "rows": 212, ...}`, indented
"""

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mathse.errors import UserError

_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""
_OF_DISKS = frozenset(
    {errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE}
)


class InUse(UserError):
    """Another process is writing a folder; names it."""


class CannotWrite(UserError):
    """The disk is full, read-only or broken; says what has become of the file or folder, and the remedy."""


@contextmanager
def replaced(file: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of `file` when the block ends well, and is removed when it does not.

    The folder is made if there is none.

    Raises:
        CannotWrite: The disk refuses.
    """
    with _said(file), beside(file, "partial") as fresh:
        yield fresh
        _sync(fresh)
        fresh.rename(file)
    _sync_folder_of(file)


@contextmanager
def beside(file: Path, kind: str) -> Iterator[Path]:
    """A path for what becomes `file`, `.NAME.PID.KIND`, of this process alone; nothing is left of it afterwards.

    What killed processes left there before is removed too.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    for path in file.parent.glob(f".{escape(file.name)}.*.{kind}"):
        if not is_running(path.name.split(".")[-2]):
            with suppress(OSError):  # that of another user may stay
                path.unlink()
    path = file.with_name(f".{file.name}.{os.getpid()}.{kind}")
    try:
        yield path
    finally:
        with suppress(OSError):  # the disk may have become read-only, and the error on its way says so
            path.unlink(missing_ok=True)


def is_running(process: str) -> bool:
    """Whether a process of this machine has this id; what is no id is taken for one."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError, OverflowError):
        pass
    return True


def write(file: Path, content: bytes | str) -> None:
    """Write a whole file, text as UTF-8, in place of the old one or not at all.

    Raises:
        CannotWrite: The disk refuses.
    """
    with replaced(file) as fresh:
        fresh.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_json(file: Path, content: BaseModel | Mapping[str, Any]) -> None:
    """Write indented JSON with a newline at its end: a model's fields in their order, a mapping's keys sorted.

    Args:
        file: Replaced if there is one.
        content: A mapping holds JSON values.

    Raises:
        CannotWrite: The disk refuses.
    """
    if isinstance(content, BaseModel):
        text = content.model_dump_json(indent=2)
    else:
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    write(file, text + "\n")


@contextmanager
def whole_or_not_at_all(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of `folder` when the block ends well, and is removed when it does not.

    An old one stays until the new one is whole and on the disk, then both change places in one step where the system
    can. What a killed process left behind is taken away.

    Raises:
        InUse: Another process is writing the folder.
        CannotWrite: The disk refuses.
    """
    fresh, old = folder.with_name(f".{folder.name}.partial"), folder.with_name(f".{folder.name}.old")
    with _said(folder):
        fresh.mkdir(parents=True, exist_ok=True)
        handle = os.open(fresh, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse(f"{folder}: another process is writing it; wait for it or end it") from error
        try:
            with _said(folder):
                if not folder.exists() and old.exists():  # killed between two renames
                    old.rename(folder)
                for path in fresh.iterdir():
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
                yield fresh
                for path in [*fresh.rglob("*"), fresh]:
                    _sync(path)
                if not folder.exists():
                    fresh.rename(folder)
                elif not _exchange(fresh, folder):
                    _remove(old)
                    folder.rename(old)
                    fresh.rename(folder)
        finally:
            _remove(fresh)
            if folder.exists():
                _remove(old)
            elif old.exists():  # failed between two renames; if this fails too, the next run does it
                with suppress(OSError):
                    old.rename(folder)
        _sync_folder_of(folder)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    """Remove a file, a folder, or a link but not what it leads to; what cannot be removed stays."""
    with suppress(OSError):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() and not path.is_symlink() else path.unlink()


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where the system or the file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None or renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return renameat2 is not None
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(other))


@contextmanager
def _said(place: Path, outcome: str = "") -> Iterator[None]:
    """What the disk refuses while a file or folder is written, as an error that says what to do.

    Other errors pass: those that no disk gave, and those of files elsewhere that are not there.
    """
    try:
        yield
    except OSError as error:
        named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else place
        here = place.parent in (named, *named.parents) or named in place.parents
        if error.errno is None or not (here or error.errno in _OF_DISKS):
            raise
        outcome = outcome or ("what was there before is still there" if place.exists() else "nothing was written")
        if not here:
            why, remedy = f"{named} cannot be read ({error.strerror})", "Mend that and run again"
        elif error.errno in (errno.ENOSPC, errno.EDQUOT):
            why, remedy = "no space left on the disk", "Free some space and run again"
        elif error.errno == errno.EROFS:
            why, remedy = "the disk is read-only", "Make it writable and run again"
        else:
            why, remedy = f"cannot be written ({error})", "Mend that and run again"
        raise CannotWrite(f"{place}: {why}; {outcome}. {remedy}") from error


def _sync_folder_of(place: Path) -> None:
    """Bring a rename to the disk."""
    with _said(place, "what is there now is whole, but may be gone after a power cut"):
        _sync(place.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(file: Path) -> str:
    """The SHA-256 of a file's bytes, in hex digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
