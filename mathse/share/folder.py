"""A shared folder: it appears whole or not at all, and says of each file what it must hash to.

A folder that is no export of ours, and holds anything, is not touched.

Sample of SHA256SUMS: `9f86d081...  data/train-00000-of-00001.parquet`
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mathse.errors import UserError
from mathse.tables.files import sha256, whole_or_not_at_all

SUMS = "SHA256SUMS"


class FolderError(UserError):
    """A folder cannot be written; names it."""


@contextmanager
def appearing(out: Path, mark: str) -> Iterator[Path]:
    """A folder that takes the place of `out` when the block ends well.

    Args:
        out: Where it goes; what is there is replaced if it is empty or holds a file called `mark`.
        mark: Name of a file that every folder of ours has.

    Raises:
        FolderError: Something else is there.
        InUse: Another process is writing it.
        CannotWrite: The disk refuses.
    """
    out = out.absolute()
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise FolderError(f"{out}: is no folder; name one that does not exist yet")
    if out.is_dir() and any(out.iterdir()) and not (out / mark).is_file():
        raise FolderError(
            f"{out}: holds files that mathse did not write (there is no {mark}); name an empty or a new folder"
        )
    with whole_or_not_at_all(out) as fresh:
        yield fresh


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS over every other file of the folder."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256(folder / name)}  {name}\n" for name in names if name != SUMS]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")
