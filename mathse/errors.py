"""What a user can mend: an error whose message says what is wrong, where, and what to do about it."""

import errno
import re

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


HOW_TO_GET = "make it with `dvc repro`, or fetch it with `dvc pull` where a remote has it"
"""What is to be done about a table or model that is not there: after a clone, that is each of them."""


class UserError(Exception):
    """Shown without a traceback. The message names the file (and row and field, if any) and the remedy."""


_REMEDIES = {
    errno.EACCES: "make it readable and writable for yourself",
    errno.EPERM: "make it readable and writable for yourself",
    errno.EROFS: "work in a copy on a disk that can be written",
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some space and run again",
    errno.ENOENT: "name one that exists",
    errno.ENOTDIR: "name one that exists",
    errno.EIO: "the disk cannot read it: fetch it again",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
}
_LIBRARIES = ("_duckdb", "duckdb", "dvc", "pyarrow", "safetensors", "safetensors_rust", "sqlite3", "yaml")
"""Packages that raise errors of their own about files."""


def explained(error: BaseException) -> str | None:
    """What a user is told of an error that is the machine's or a file's; None if it is a mistake of the program.

    Whoever opens a file says more of what it is and how it is mended; this is for what nobody foresaw.
    """
    if isinstance(error, OSError) and error.strerror:
        names = " -> ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
        remedy = _REMEDIES.get(error.errno or 0, "")
        return f"{f'{names}: ' if names else ''}{error.strerror}{f'; {remedy}' if remedy else ''}"
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; ask for less at once, or free some"
    # Arrow and Pillow raise an OSError of words alone.
    if isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _LIBRARIES:
        remedy = "if a file is damaged, `dvc checkout` brings back the recorded one"
        return f"{described(error, 2000)}; {remedy}"
    return None


def described(error: BaseException, longest: int = 200) -> str:
    """The kind of an error and its words as a table may hold them: the same on every machine and in every run.

    What another package raises may quote an object, and with it the address at which it happened to lie in memory.

    Sample: `UnidentifiedImageError: cannot identify image file <_io.BytesIO object>`
    """
    return f"{type(error).__name__}: {_ADDRESS.sub('', str(error))[:longest]}"
