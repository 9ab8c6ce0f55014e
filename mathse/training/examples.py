"""The rows of a mix as TRL takes them: `images`, `prompt` and `completion`, images decoded a batch at a time.

Every row is put through the trainer's own collator before training starts, so that a training that has begun does not
end at a row it cannot use.

Sample: `{"images": [<112 x 112>], "prompt": [{"role": "user", ...}], "completion": [{"role": "assistant", ...}]}`
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset

from mathse import store
from mathse.errors import UserError
from mathse.schemas import Message, MixRow
from mathse.sources.images import ImageError, ImageStore

log = logging.getLogger(__name__)

Collate = Callable[[list[dict[str, Any]]], Any]
"""Makes a batch of examples, with an `attention_mask` `(rows, length)` among its tensors."""

CHECKED_AT_ONCE = 32
NAMED = 10
"""How many rows an error names before it only counts."""


class MixError(UserError):
    """A mix cannot be trained on; says which rows and why."""


@dataclass(frozen=True)
class Examples:
    """What one training sees.

    Attributes:
        dataset: One example a row, in the order of the mix.
        too_long: Path ids of the rows left out because the model's context cannot hold them.
    """

    dataset: Dataset
    too_long: tuple[str, ...]


def load_examples(mix: Path, images: ImageStore, collate: Collate, context: int) -> Examples:
    """Read a mix and check each of its rows.

    Args:
        mix: Table of mix rows.
        images: Where their images are.
        collate: The trainer's collator.
        context: The most tokens a row may have, images included.

    Raises:
        MixError: The mix is empty, an image of it cannot be used, or every row is too long.
        StoreError: The table is missing or damaged.
    """
    rows = store.read(mix, MixRow)
    if not rows:
        raise MixError(f"{mix}: no rows to train on; see how many its query left out, and why")
    _refuse_unreadable(mix, rows, images)
    lengths = list(_lengths(_dataset(rows, images), collate))
    kept = [row for row, length in zip(rows, lengths, strict=True) if length <= context]
    if not kept:
        raise MixError(f"{mix}: every row is longer than the model's context of {context} tokens")
    long = tuple(row.path_id for row, length in zip(rows, lengths, strict=True) if length > context)
    if long:
        log.warning("%s: %d rows left out, longer than the model's context: %s", mix, len(long), ", ".join(long))
    return Examples(_dataset(kept, images), long)


def _refuse_unreadable(mix: Path, rows: Sequence[MixRow], images: ImageStore) -> None:
    broken: dict[str, str] = {}
    for image_id in sorted({image_id for row in rows for image_id in row.image_ids}):
        try:
            images.load(image_id)
        except ImageError as error:
            broken[image_id] = str(error)
    if not broken:
        return
    found = [(row.path_id, image_id) for row in rows for image_id in row.image_ids if image_id in broken]
    listed = "\n".join(f"  {path_id}: {broken[image_id]}" for path_id, image_id in found[:NAMED])
    more = f"\n  and {len(found) - NAMED} more" if len(found) > NAMED else ""
    raise MixError(f"{mix}: nothing was trained: images of {len(found)} rows cannot be used:\n{listed}{more}")


def _dataset(rows: Sequence[MixRow], images: ImageStore) -> Dataset:
    def with_images(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        decoded = [[images.load(image_id) for image_id in ids] for ids in batch["image_ids"]]
        return {"images": decoded, "prompt": batch["prompt"], "completion": batch["completion"]}

    columns = {
        "image_ids": [list(row.image_ids) for row in rows],
        "prompt": [_turns(row.prompt) for row in rows],
        "completion": [_turns(row.completion) for row in rows],
    }
    return Dataset.from_dict(columns).with_transform(with_images)


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _lengths(dataset: Dataset, collate: Collate) -> Iterator[int]:
    """Tokens of each example as the trainer sees it, padding not counted."""
    for start in range(0, len(dataset), CHECKED_AT_ONCE):
        stop = min(start + CHECKED_AT_ONCE, len(dataset))
        batch = collate([dataset[place] for place in range(start, stop)])
        yield from batch["attention_mask"].sum(1).tolist()
