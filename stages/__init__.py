"""One thin script per DVC stage: read its params, call mathse, write its tables.

What torch reads from the environment when it is loaded is set here; a stage's own module is imported after this one.
"""

import ctypes
import gc
import os
from contextlib import suppress

from mathse import yaml_file
from mathse.loop.ask.engines.local import arithmetic
from mathse.params import PARAMS


def _device() -> str:
    """`compute.device` of params.yaml; a file that cannot be read is for the stage itself to report."""
    try:
        return str(yaml_file.read(PARAMS)["compute"]["device"])
    except (FileNotFoundError, yaml_file.NotYaml, KeyError, TypeError):
        return "cpu"


def _keep_memory() -> None:
    """Have the C library keep what is freed for the next that asks, up to `_KEPT` bytes.

    Else it gives each large tensor's memory back to the system, which clears it page by page for the next one: a sixth
    to a third of a training's time, in a virtual machine (docs/LOG.md).
    """
    with suppress(AttributeError, OSError):  # glibc has it, and others need not
        option = ctypes.CDLL(None).mallopt
        option(_MMAP_THRESHOLD, _KEPT)
        option(_TRIM_THRESHOLD, _KEPT)


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of `mallopt`, from glibc's malloc.h."""
_KEPT = 1 << 30

_keep_memory()
# What a stage loads is some hundred thousand objects that stay: to look through them again and again on the way is a
# fifth of its start.
gc.set_threshold(10_000)
# Torch's idle threads spin; when anything else runs beside them, spinning for long makes both many times slower.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
arithmetic.hold(_device())
