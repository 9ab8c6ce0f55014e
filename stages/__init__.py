"""One thin script per DVC stage: read its params, call mathse, write its tables.

What torch reads from the environment when it is loaded is set here; a stage's own module is imported after this one.
"""

import gc
import os

from mathse import limits, yaml_file
from mathse.loop.ask.engines.local import arithmetic
from mathse.params import PARAMS


def _device() -> str:
    """`compute.device` of params.yaml; a file that cannot be read is for the stage itself to report."""
    try:
        return str(yaml_file.read(PARAMS)["compute"]["device"])
    except (FileNotFoundError, yaml_file.NotYaml, KeyError, TypeError):
        return "cpu"


# What a stage loads is some hundred thousand objects that stay: to look through them again and again on the way is a
# fifth of its start.
gc.set_threshold(10_000)
# Torch's idle threads spin; when anything else runs beside them, spinning for long makes both many times slower.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
arithmetic.hold(_device())
limits.keep_freed_memory()
