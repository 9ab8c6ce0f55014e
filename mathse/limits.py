"""What a process may take and keep: memory, in foreign SQL and foreign files and in trainings; time to end at a Ctrl-C.

DuckDB and Arrow allocate beside their own limits (the result of `select range(1000000000)`), and work for minutes
without looking up. So memory is bounded by the operating system, for which an allocation then fails and is an error
like others; and a thread of its own ends a process that does not end itself.
"""

import ctypes
import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

INTERRUPTED = 130
"""Exit status of what a Ctrl-C ended, as a shell gives it."""
GIBIBYTE = 2**30
ROOM = 5 * GIBIBYTE // 2
"""Bytes beside what the process holds already: DuckDB's 2 GB, and the rows in Python."""
PATIENCE = 2.0
"""Seconds in which a command ends by itself."""
_OVER = 0
"""No signal's number: the block has ended."""
_STATM = Path("/proc/self/statm")
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of `mallopt`, from glibc's malloc.h."""


class _Bounds:
    """How far the blocks that run let the process grow: the system bounds processes, not threads."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._of_blocks: list[int] = []
        self._of_process = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def add(self, size: int) -> None:
        """Bound the process by so many bytes, or further where another block that runs may go further."""
        with self._turn:
            if not self._of_blocks:
                self._of_process = resource.getrlimit(resource.RLIMIT_DATA)
            self._of_blocks.append(size)
            self._set()

    def remove(self, size: int) -> None:
        """Take a bound back; after the last one all is as it was before the first."""
        with self._turn:
            self._of_blocks.remove(size)
            self._set()

    def _set(self) -> None:
        soft, hard = self._of_process
        sizes = [size for size in (soft, hard) if size != resource.RLIM_INFINITY]
        sizes += [max(self._of_blocks)] if self._of_blocks else []
        resource.setrlimit(resource.RLIMIT_DATA, (min(sizes, default=resource.RLIM_INFINITY), hard))


_BOUNDS = _Bounds()


@contextmanager
def bounded_memory(room: int = ROOM) -> Iterator[None]:
    """Let what the block allocates fail beyond so many bytes; no bound where the system cannot say what is held.

    Of blocks that run at the same time, in threads or one within the other, the highest bound counts for all.
    """
    try:
        held = int(_STATM.read_text().split()[5]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        yield
        return
    _BOUNDS.add(held + room)
    try:
        yield
    finally:
        _BOUNDS.remove(held + room)


def keep_freed_memory(size: int = GIBIBYTE) -> None:
    """Have the C library keep what is freed for whoever asks next, up to so many bytes.

    Else it gives a large tensor's memory back to the system, which clears it page by page for the next one: a sixth of
    a training's time in a virtual machine, and more beside other programs (docs/LOG.md).
    """
    with suppress(AttributeError, OSError):  # glibc has it, and others need not
        set_option = ctypes.CDLL(None).mallopt
        set_option(_MMAP_THRESHOLD, size)
        set_option(_TRIM_THRESHOLD, size)


@contextmanager
def ending_at_interrupt() -> Iterator[None]:
    """Let a Ctrl-C end the block: by `KeyboardInterrupt`, or the whole process where that takes too long.

    Outside of the main thread, which alone gets signals, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noticed = threading.Event()
    waking, woken = os.pipe()
    os.set_blocking(woken, False)

    def interrupt(number: int, frame: FrameType | None) -> None:
        noticed.set()
        signal.default_int_handler(number, frame)

    def watch() -> None:
        # The byte arrives while the main thread is deep in DuckDB; the handler runs when it comes back from there.
        while (number := os.read(waking, 1)[0]) != _OVER:
            ours = signal.getsignal(signal.SIGINT) is interrupt  # a server that takes its place ends by itself
            if number == signal.SIGINT and ours and not noticed.wait(PATIENCE):
                os._exit(INTERRUPTED)

    handler = signal.signal(signal.SIGINT, interrupt)
    descriptor = signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if noticed.is_set():  # DuckDB has an error of its own for it
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, handler)
        signal.set_wakeup_fd(descriptor)
        os.write(woken, bytes([_OVER]))
        watcher.join()
        os.close(woken)
        os.close(waking)
