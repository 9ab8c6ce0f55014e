"""The order of the rows where rows of like length share a batch, which saves padding.

The order depends on seed and epoch alone, so that a training that goes on from a checkpoint finds its place again.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import Sampler

_POOL = 16
"""Batches whose rows are sorted by length together: large enough for like lengths, small enough to stay random."""


class GroupedByLength(Sampler[int]):
    """Rows in batches of like length; which rows meet, and the order of the batches, is new in each epoch."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        """Remember what the order depends on.

        Args:
            lengths: Tokens of each row, images included.
            batch_size: Of the global batch.
            seed: Of the order.
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


def set_epoch(loader: Any, epoch: int) -> None:
    """Tell a data loader's sampler the epoch.

    accelerate does so too, but where several processes share a batch it does not reach the sampler of an epoch that is
    taken up in its middle.

    Args:
        loader: As accelerate prepared it.
        epoch: Counted from 0.
    """
    batches = loader.batch_sampler
    while hasattr(batches, "batch_sampler"):
        batches = batches.batch_sampler
    if hasattr(getattr(batches, "sampler", None), "set_epoch"):
        batches.sampler.set_epoch(epoch)
