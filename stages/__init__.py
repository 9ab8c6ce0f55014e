"""One thin script a DVC stage: read its params, call mathse, write its tables."""

import os

# Torch's idle threads spin; when anything else runs beside them, spinning for long makes both many times slower. This
# must be said before torch is loaded; a stage's own module is imported after this one.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
