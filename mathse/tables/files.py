"""Files and folders that appear whole or not at all, and the hash of one.

A small file is written beside its place, brought to the disk and renamed; whoever reads it meanwhile has the old one.

Sample, `write_json(Path("reports/training/0.json"), report)`: `{"model": "7d79...", "rows": 212, ...}`, indented
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel


@contextmanager
def replaced(file: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of `file` when the block ends well, and is removed when it does not.

    The folder is made if there is none.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        yield fresh
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        fresh.rename(file)
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

    An old one stays until the new one is whole.
    """
    fresh, old = folder.with_name(f".{folder.name}.partial"), folder.with_name(f".{folder.name}.old")
    for left_over in (fresh, old):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def sha256(file: Path) -> str:
    """The SHA-256 of a file's bytes, in hex digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
