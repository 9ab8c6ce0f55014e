"""Files and folders that appear whole or not at all, and the hash of one.

A small file is written beside its place, brought to the disk and renamed; whoever reads it meanwhile has the old one.

Sample, `write_json(Path("reports/training/0.json"), report)`: `{"model": "7d79...", "rows": 212, ...}`, indented
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mathse.errors import UserError


class InUse(UserError):
    """Another process is writing a folder; names it."""


@contextmanager
def replaced(file: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of `file` when the block ends well, and is removed when it does not.

    The folder is made if there is none.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        yield fresh
        _sync(fresh)
        fresh.rename(file)
        _sync(file.parent)
    finally:
        fresh.unlink(missing_ok=True)


def write_json(file: Path, content: BaseModel | Mapping[str, Any]) -> None:
    """Write indented JSON with a newline at its end: a model's fields in their order, a mapping's keys sorted.

    Args:
        file: Replaced if there is one.
        content: A mapping holds JSON values.
    """
    if isinstance(content, BaseModel):
        text = content.model_dump_json(indent=2)
    else:
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    with replaced(file) as fresh:
        fresh.write_text(text + "\n", encoding="utf-8")


@contextmanager
def whole_or_not_at_all(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of `folder` when the block ends well, and is removed when it does not.

    An old one stays until the new one is whole and on the disk. What a killed process left behind is taken away.

    Raises:
        InUse: Another process is writing the folder.
    """
    fresh, old = folder.with_name(f".{folder.name}.partial"), folder.with_name(f".{folder.name}.old")
    fresh.mkdir(parents=True, exist_ok=True)
    handle = os.open(fresh, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse(f"{folder}: another process is writing it; wait for it or end it") from error
        for path in fresh.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        try:
            yield fresh
            for path in [*fresh.rglob("*"), fresh]:
                _sync(path)
            if folder.exists():
                shutil.rmtree(old, ignore_errors=True)
                folder.rename(old)
            fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            if not folder.exists() and old.exists():  # killed or failed between the two renames
                old.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
    finally:
        os.close(handle)


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
