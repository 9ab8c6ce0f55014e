"""How a stage runs: logging, one writer at a time, errors a user can read, and a closing line of counts.

Closing line: `rollout 1: 960 problems in, 1920 paths out; 12 truncated; 48 s`
"""

import fcntl
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mathse import layout
from mathse.errors import UserError

log = logging.getLogger("mathse")

_FAILED = 1


def run(name: str, main: Callable[..., str]) -> None:
    """Run a stage's `main` on the command line's arguments and log the line it returns.

    A `UserError` ends the process with its message alone.

    Args:
        name: The stage's name, such as `rollout`.
        main: Takes the command line's arguments, does the work and returns what its closing line says.
    """
    arguments = sys.argv[1:]
    title = " ".join([name, *arguments])
    _log_to_terminal()
    start = time.monotonic()
    try:
        with _only_one(title):
            closing = main(*arguments)
    except UserError as error:
        sys.stderr.write(f"{title}: {error}\n")
        sys.exit(_FAILED)
    log.info("%s: %s; %.0f s", title, closing, time.monotonic() - start)


def _log_to_terminal() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)


@contextmanager
def _only_one(name: str) -> Iterator[None]:
    """Hold the stage's lock: a stage whose `dvc` was killed lives on, and must not be doubled."""
    folder = layout.STATE / "lock"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name.replace(' ', '-')}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError("the same stage is still running in another process; wait for it or end it") from error
        yield
