"""A table's checksum of itself: the SHA-256 of all its bytes, which stands in its own footer.

Parquet's own checksums are of pages alone, and neither DuckDB nor Polars looks at them; a page's header, a column's
statistics or the footer can be damaged so that a query gets other rows and no error. So a table is sealed when it is
written and compared as a whole before anything reads it.

The digits are the value of `mathse.sha256` in the file's metadata. They are those of the same file with zeros in their
place, so that the seal, too, depends on the rows alone.
"""

import hashlib
import os
from pathlib import Path

KEY = "mathse.sha256"
ZEROS = "0" * 64
"""Stands in a table's metadata until the file is sealed."""

_ENTRY = b"\x18" + bytes([len(KEY)]) + KEY.encode() + b"\x18" + bytes([len(ZEROS)])
"""What is before the digits in a footer: Thrift's key and the length of its value."""
_MAGIC = b"PAR1"
_CHUNK = 2**20
_whole: set[tuple[int, int, int, int]] = set()
"""Files whose seal this process has found unbroken: device, inode, size and time of the last change."""


class Unsealed(ValueError):
    """A file has no seal: it is no Parquet file, was not written here, or its footer is damaged."""


def seal(file: Path) -> None:
    """Put the checksum of a finished table in the place of its zeros."""
    place, _, digest = _read(file)
    with file.open("r+b") as content:
        content.seek(place)
        content.write(digest.encode())


def is_whole(file: Path) -> bool:
    """Whether a table has the bytes that were written.

    A file that this process has compared already, and that has not been replaced since, is not read again.

    Raises:
        Unsealed: It has no seal.
        OSError: It cannot be read.
    """
    status = file.stat()
    identity = (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
    if identity not in _whole:
        _, stored, digest = _read(file)
        if stored != digest.encode():
            return False
        _whole.add(identity)
    return True


def is_broken(file: Path) -> bool:
    """Whether a sealed table has other bytes than were written; a file without a seal is not broken.

    Raises:
        OSError: It cannot be read.
    """
    try:
        return not is_whole(file)
    except Unsealed:
        return False


def _read(file: Path) -> tuple[int, bytes, str]:
    """Where the digits of a table's seal begin, which digits these are, and which they should be."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        size = content.seek(0, os.SEEK_END)
        content.seek(max(0, size - 8))
        end = content.read(8)
        start = size - 8 - int.from_bytes(end[:4], "little")
        if end[4:] != _MAGIC or start < len(_MAGIC):
            raise Unsealed("the end of the file is not that of a Parquet file")
        content.seek(start)
        footer = content.read()
        place = footer.rfind(_ENTRY) + len(_ENTRY)
        if place < len(_ENTRY):
            raise Unsealed(f"its metadata has no {KEY}")
        content.seek(0)
        while start > 0:
            chunk = content.read(min(start, _CHUNK))
            digest.update(chunk)
            start -= len(chunk) or start  # a file that is cut short meanwhile has another digest
    digest.update(footer[:place] + ZEROS.encode() + footer[place + len(ZEROS) :])
    return size - len(footer) + place, footer[place : place + len(ZEROS)], digest.hexdigest()
