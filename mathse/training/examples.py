"""The rows of a mix as TRL takes them: `images` and the method's texts, images decoded a batch at a time.

Every row is put through the trainer's own collator before training starts, so that a training that has begun does not
end at a row it cannot use.

Samples, of a mix for fine-tuning and of one of preferences:
`{"images": [<112 x 112>], "prompt": [{"role": "user", ...}], "completion": [{"role": "assistant", ...}]}`,
`{"images": [<112 x 112>], "prompt": [...], "chosen": [{"role": "assistant", ...}], "rejected": [...]}`
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset

from mathse.errors import UserError
from mathse.tables import store
from mathse.tables.images import ImageError, ImageStore
from mathse.tables.schemas import Message, MixRow
from mathse.training.image_tokens import ImageTokens

log = logging.getLogger(__name__)

Collate = Callable[[list[dict[str, Any]]], Any]
"""Makes a batch of examples, with an `attention_mask` `(rows, length)` among its tensors."""

CHECKED_AT_ONCE = 32
NAMED = 10
"""How many rows an error names before it only counts."""


class UnfitMix(UserError):
    """A mix cannot be trained on; says which rows and why."""


@dataclass(frozen=True)
class Examples:
    """What one training sees.

    Attributes:
        dataset: One example per row, in the order of the mix.
        too_long: Path ids of the rows left out because they are longer than the limit.
        lengths: Tokens of each row of the dataset, images included; of what is preferred and what is rejected the
            longer.
    """

    dataset: Dataset
    too_long: tuple[str, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True)
class Limits:
    """What an example must keep to.

    Attributes:
        length: The most tokens a row may have, images included.
        image_tokens: Counts those of images; None: they are not looked at.
    """

    length: int
    image_tokens: ImageTokens | None = None


def load_examples(
    mix: Path, images: ImageStore, collate: Collate, limits: Limits, columns: Mapping[str, str]
) -> Examples:
    """Read a mix and check each of its rows.

    A row that is too long is left out: cutting it would cost its answer. If it would cost image tokens too, its images
    alone are too large for the limit, and that is not for a row but for the settings to mend.

    Args:
        columns: Of the dataset, each with the field of a mix row that it holds.

    Raises:
        UnfitMix: The mix is empty or lacks rejected paths that the columns need, an image of it cannot be used or has
            lost tokens, the processor refuses a row, or every row is too long.
        StoreError: The table is missing or damaged.
    """
    rows = store.read(mix, MixRow)
    if not rows:
        raise UnfitMix(f"{mix}: no rows to train on; see how many its query left out, and why")
    if "rejected" in columns.values():
        _refuse_without_rejected(mix, rows)
    _refuse_unreadable(mix, rows, images)
    lengths = list(_checked(mix, rows, _dataset(rows, images, columns), collate, limits))
    places = [place for place, length in enumerate(lengths) if length <= limits.length]
    if not places:
        raise UnfitMix(f"{mix}: every row is longer than the limit of {limits.length} tokens")
    long = tuple(row.path_id for row, length in zip(rows, lengths, strict=True) if length > limits.length)
    if long:
        log.warning("%s: %d rows left out, longer than %d tokens: %s", mix, len(long), limits.length, ", ".join(long))
    dataset = _dataset([rows[place] for place in places], images, columns)
    return Examples(dataset, long, tuple(lengths[place] for place in places))


def _refuse_without_rejected(mix: Path, rows: Sequence[MixRow]) -> None:
    lacking = sum(row.rejected_path_id is None or not row.rejected for row in rows)
    if lacking:
        raise UnfitMix(
            f"{mix}: {lacking} of {len(rows)} rows have no rejected path, and preferences need one for each; name a "
            "mix.query whose SELECT returns rejected_path_id beside path_id and reason, or write train.method: sft"
        )


def _refuse_unreadable(mix: Path, rows: Sequence[MixRow], images: ImageStore) -> None:
    broken: dict[str, str] = {}
    for image_id in sorted({image_id for row in rows for image_id in row.image_ids}):
        try:
            images.load(image_id)
        except ImageError as error:
            broken[image_id] = str(error)
    if not broken:
        return
    faults = [(row.path_id, broken[image_id]) for row in rows for image_id in row.image_ids if image_id in broken]
    _refuse(mix, f"images of {len(faults)} rows cannot be used", faults)


def _refuse(mix: Path, what: str, faults: Sequence[tuple[str, str]]) -> None:
    """Name the rows that cannot be trained on, each with its reason."""
    listed = "\n".join(f"  {path_id}: {reason}" for path_id, reason in faults[:NAMED])
    more = f"\n  and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    raise UnfitMix(f"{mix}: nothing was trained: {what}:\n{listed}{more}")


def _dataset(rows: Sequence[MixRow], images: ImageStore, columns: Mapping[str, str]) -> Dataset:
    def with_images(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        decoded = [[images.load(image_id) for image_id in ids] for ids in batch["image_ids"]]
        return {"images": decoded, **{column: batch[column] for column in columns}}

    texts = {column: [_turns(getattr(row, field)) for row in rows] for column, field in columns.items()}
    image_ids = [list(row.image_ids) for row in rows]
    return Dataset.from_dict({"image_ids": image_ids, **texts}).with_transform(with_images)


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _checked(mix: Path, rows: Sequence[MixRow], dataset: Dataset, collate: Collate, limits: Limits) -> Iterator[int]:
    """Tokens of each example as the trainer sees it, padding not counted; stops at examples it cannot use."""
    refused: list[tuple[str, str]] = []
    cut: list[tuple[str, str]] = []
    for start in range(0, len(rows), CHECKED_AT_ONCE):
        places = range(start, min(start + CHECKED_AT_ONCE, len(rows)))
        try:
            batch = _collated(dataset, places, collate, limits)
        except ValueError:
            faults = [
                (rows[place].path_id, why) for place in places if (why := _fault(dataset, place, collate, limits))
            ]
            if not faults:  # only together they cannot be used
                raise
            refused += faults
            continue
        lengths = _longest(batch["attention_mask"].sum(1).tolist(), len(places))
        needed = _longest(
            limits.image_tokens.needed_length(batch) if limits.image_tokens else [0] * len(lengths), len(places)
        )
        cut += [
            (rows[place].path_id, f"{length} tokens, those of its images up to the {last}th")
            for place, length, last in zip(places, lengths, needed, strict=True)
            if length > limits.length and last > limits.length
        ]
        yield from lengths
    if refused:
        _refuse(mix, f"{len(refused)} rows cannot be made into examples", refused)
    if cut:
        remedy = (
            f"{limits.length} tokens do not hold the images of {len(cut)} rows; raise train.max_length, or have fewer"
        )
        _refuse(mix, f"{remedy} or smaller images (base.image)", cut)


def _longest(lengths: Sequence[int], examples: int) -> list[int]:
    """The longest row of each example: a batch has one row of each, and then perhaps another of each."""
    return [max(lengths[place::examples]) for place in range(examples)]


def _collated(dataset: Dataset, places: Iterable[int], collate: Collate, limits: Limits) -> Any:
    """A batch of examples.

    Raises:
        ValueError: The processor refuses an example, or tokens of an image are lost.
    """
    try:
        batch = collate([dataset[place] for place in places])
    except StopIteration as error:  # a processor of transformers, out of images
        raise ValueError("its text stands for more images than it has") from error
    counted = limits.image_tokens.count(batch) if limits.image_tokens else None
    if counted is not None and counted[0] != counted[1]:
        raise ValueError(f"its images need {counted[1]} tokens, and {counted[0]} stand for them")
    return batch


def _fault(dataset: Dataset, place: int, collate: Collate, limits: Limits) -> str:
    """What is wrong with one example; empty if nothing is."""
    try:
        _collated(dataset, [place], collate, limits)
    except ValueError as error:
        return " ".join(str(error).split())
    return ""
