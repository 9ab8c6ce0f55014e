"""How a stage runs: logging, one writer at a time, errors a user can read, and a closing line of counts.

Where several processes do a stage together, the first takes its lock and says its lines for all.

Closing line: `paths 1: 823 problems remaining, 1646 paths out; 12 truncated; 48 s`
"""

import fcntl
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress

from mathse import layout, processes
from mathse.errors import UserError, explained
from mathse.limits import INTERRUPTED
from mathse.progress import shown_in
from mathse.tables.files import write_json
from mathse.terminal import complain, shown

log = logging.getLogger("mathse")

_FAILED = 1


def run(name: str, main: Callable[..., str]) -> None:
    """Run a stage's `main` on the command line's arguments and log the line it returns.

    A `UserError` ends the process with its message alone; so does a disk that is full, read-only or broken.

    Args:
        name: The stage's name, such as `paths`.
        main: Takes the command line's arguments, does the work and returns what its closing line says.
    """
    arguments = sys.argv[1:]
    title = " ".join([name, *arguments])
    processes.end_with_launcher()
    level = logging.INFO if processes.is_first() else logging.ERROR
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=shown(sys.stdout))
    for chatty in ("httpx", "accelerate"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    start = time.monotonic()
    try:
        with _only_one(title) if processes.is_first() else nullcontext():
            closing = main(*arguments)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        message = str(error) if isinstance(error, UserError) else explained(error)
        if message is None:
            raise
        processes.leave_the_error_to_the_first()
        complain(f"{title}: {message}")
        sys.exit(_FAILED)
    took = time.monotonic() - start
    if processes.is_first():
        with suppress(OSError, UserError):  # the work is done, and is not lost for want of its time
            write_json(layout.stage_timings("-".join([name, *arguments])), {"seconds": round(took, 1)})
    log.info("%s: %s; %.0f s", title, closing, took)


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
        with shown_in(layout.running(name), name):
            yield
