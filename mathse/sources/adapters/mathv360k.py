"""MathV360K: a chat file beside `data_images/`, in which its image paths lie.

Sample row: `{"id": "identity-0", "image": "TabMWP/images/1.png", "conversations": [{"from": "human", ...}, ...]}`
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mathse.sources import fields
from mathse.sources.adapters import chat
from mathse.sources.raw import Raw, Row, converted
from mathse.sources.reading import root, rows
from mathse.tables.schemas import Reject

NAME = "mathv360k"
_IMAGES = "data_images"


def read(location: Path) -> Iterator[Raw | Reject]:
    """Raw problems and rejects of the chat file, or of the folder with it and its images."""
    found = rows(location, lambda name: name.endswith((".json", ".jsonl")))
    return converted(NAME, found, _in_folder if (root(location) / _IMAGES).is_dir() else chat.problem)


def _in_folder(row: Row) -> Raw:
    raw = chat.problem(row)
    return replace(raw, images=fields.within(_IMAGES, raw.images))
