"""MathV360K: a chat file beside `data_images/`, in which its image paths lie.

Sample row: `{"id": "identity-0", "image": "TabMWP/images/1.png", "conversations": [{"from": "human", ...}, ...]}`
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mathse.sources import chat, reading
from mathse.sources.adapter import Adapter
from mathse.sources.rows.raw import Damaged, SourceRow

_IMAGES = "data_images"


def rows(location: Path) -> Iterator[SourceRow | Damaged]:
    """The rows of the chat file; their images lie in a folder beside it, where that is there."""
    apart = (reading.root(location) / _IMAGES).is_dir()
    for row in reading.rows(location, lambda name: name.endswith((".json", ".jsonl"))):
        if apart and isinstance(row, SourceRow):
            row = replace(row, folder=f"{_IMAGES}/{row.folder}".rstrip("/"))
        yield row


ADAPTER = Adapter("mathv360k", chat.problem, rows)
