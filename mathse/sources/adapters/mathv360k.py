"""MathV360K: a chat file beside `data_images/`, in which its image paths lie.

Sample row: `{"id": "identity-0", "image": "TabMWP/images/1.png", "conversations": [{"from": "human", ...}, ...]}`
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mathse.sources import chat
from mathse.sources.adapter import Adapter
from mathse.sources.raw import Damaged, Row
from mathse.sources.reading import root, rows

NAME = "mathv360k"
_IMAGES = "data_images"


def _rows(location: Path) -> Iterator[Row | Damaged]:
    """The rows of the chat file; their images lie in a folder beside it, where that is there."""
    found = rows(location, lambda name: name.endswith((".json", ".jsonl")))
    if not (root(location) / _IMAGES).is_dir():
        return found
    return (
        replace(row, folder=f"{_IMAGES}/{row.folder}".rstrip("/")) if isinstance(row, Row) else row for row in found
    )


ADAPTER = Adapter(NAME, chat.problem, _rows)
