"""A model's folder appears whole or not at all, and an old one stays until the new one is whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mathse.training.processes import is_first


@contextmanager
def whole_or_not_at_all(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when the block ends well, and is removed when it does not.

    Of several processes the first alone makes it, and puts it in place.
    """
    fresh, old = out.with_name(f".{out.name}.partial"), out.with_name(f".{out.name}.old")
    if not is_first():
        yield fresh
        return
    for left_over in (fresh, old):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        if out.exists():
            out.rename(old)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
