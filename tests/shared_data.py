"""Real data that nobody in this project wrote: tests use it where it lies, and skip where it is absent."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT / os.environ.get("MATHSE_SHARED_DATA", "../shared/data")


def shared(path: str) -> Path:
    """A file or folder of the shared data; skips the test, saying so, where there is none."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"{found} is absent; MATHSE_SHARED_DATA names the folder of the shared data")
    return found


def load(path: str) -> Any:
    """The content of a shared JSON file, or the rows of one of JSON lines."""
    text = shared(path).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if path.endswith(".jsonl") else json.loads(text)
