"""A source on the Hugging Face hub as rows, streamed at a pinned revision.

Only here do rows come over the network; what is made of them is the same row function as for local files. Images stay
encoded: they are decoded once, when they are admitted.
"""

import re
from collections.abc import Iterator

import datasets

from mathse.sources.reading import SourceError
from mathse.sources.rows.raw import SourceRow

_REVISION = re.compile(r"[0-9a-f]{40}")


def rows(repository: str, revision: str, split: str = "train", config: str | None = None) -> Iterator[SourceRow]:
    """Stream one split of a data set.

    Args:
        repository: `owner/name`.
        revision: A commit, 40 hex digits: a branch's content changes under the same name.
        split: As the hub names it.
        config: Which of the data set's configurations; null: its only one.

    Raises:
        SourceError: The revision is none, the hub does not give the split, or the connection breaks off.
    """
    if not _REVISION.fullmatch(revision):
        raise SourceError(
            f"{repository}: revision {revision!r} is no commit; give the 40 hex digits that the hub shows for it"
        )
    try:
        dataset = datasets.load_dataset(repository, config, revision=revision, split=split, streaming=True)
        yield from dataset_rows(dataset, f"{repository}@{revision[:8]}/{split}")
    except Exception as error:  # as many kinds as there are ways to fail between here and a server
        raise SourceError(
            f"{repository}@{revision}, split {split}: cannot be read ({type(error).__name__}: {str(error)[:300]}); "
            "check name, revision, split and the connection (HF_TOKEN for what is not public), and run again"
        ) from error


def dataset_rows(dataset: "datasets.IterableDataset", name: str) -> Iterator[SourceRow]:
    """The rows of a streamed data set, its images encoded as they came.

    Args:
        dataset: With or without declared features.
        name: What to call it in places.
    """
    for position, fields in enumerate(dataset.decode(False)):
        yield SourceRow(f"{name}:{position}", fields)
