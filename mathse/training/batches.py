"""What a batch holds, where it is not simply the next rows in random order.

- Rows of like length share a batch, which saves padding. The order depends on seed and epoch alone, so that a training
  that goes on from a checkpoint finds its place again.
- Where processes share out the model's weights, every batch has an image.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import Sampler

from mathse.training.lengths import Collate

_POOL = 16
"""Batches whose rows are sorted by length together: large enough for like lengths, small enough to stay random."""


class GroupedByLength(Sampler[int]):
    """Rows in batches of like length; which rows meet, and the order of the batches, is new in each epoch."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        """Remember what the order depends on.

        Args:
            lengths: Tokens of each row, images included.
        """
        self._lengths, self._batch_size, self._seed, self._epoch = lengths, batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; the data loader says which."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        drawn = random.Random(f"{self._seed} {self._epoch}")
        rows = list(range(len(self)))
        drawn.shuffle(rows)
        pool, size = _POOL * self._batch_size, self._batch_size
        pools = (sorted(rows[at : at + pool], key=lambda row: self._lengths[row]) for at in range(0, len(rows), pool))
        batches = [near[at : at + size] for near in pools for at in range(0, len(near), size)]
        short = [batch for batch in batches if len(batch) < size]  # at most one: it must stay last
        full = [batch for batch in batches if len(batch) == size]
        drawn.shuffle(full)
        yield from (row for batch in full + short for row in batch)


class AlwaysAnImage:
    """Makes batches of which each has an image; one is lent to those that have none.

    Processes that share out a model's weights come together at each of its layers. One whose rows have no image would
    pass by the vision tower, where the others wait for it. The lent row has no part in the loss.
    """

    def __init__(self, collate: Collate, dataset: Any, lengths: Sequence[int]) -> None:
        """Choose the row that is lent.

        Args:
            collate: Makes a batch, with `labels` among its tensors.
            dataset: Examples; the shortest with an image is lent. If none has one, no process passes the tower.
        """
        with_image = [place for place, ids in enumerate(dataset.with_format(None)["image_ids"]) if ids]
        self._collate, self._dataset = collate, dataset
        self._lent = min(with_image, key=lambda place: lengths[place], default=None)

    def __call__(self, examples: list[dict[str, Any]]) -> Any:
        """The batch of some examples, and of the lent one if they need it."""
        if self._lent is None or any(example["images"] for example in examples):
            return self._collate(examples)
        batch = self._collate([*examples, self._dataset[self._lent]])
        batch["labels"][-1] = -100
        return batch


def set_epoch(loader: Any, epoch: int) -> None:
    """Tell a data loader's sampler the epoch.

    accelerate does so too, but where several processes share a batch it does not reach the sampler of an epoch that is
    taken up in its middle.
    """
    batches = loader.batch_sampler
    while hasattr(batches, "batch_sampler"):
        batches = batches.batch_sampler
    if hasattr(getattr(batches, "sampler", None), "set_epoch"):
        batches.sampler.set_epoch(epoch)
