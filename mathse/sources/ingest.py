"""The problems stage: every source's rows, admitted or rejected with a reason.

In: `params.problems`. Out, below data/problems: problems (one row a distinct problem), images (one row a distinct
image), origins (one row an admitted source row) and rejects (one row a rejected one). So

    source rows = origins + rejects

Sample reject: `k12, 34a1463e, image in another split, 9f86d081... is in test`.
"""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

from mathse import layout, params
from mathse.errors import UserError
from mathse.sources.admit import Admitted, Limits, admit
from mathse.sources.gathering import Counts, Gathering
from mathse.sources.opening import Opened, open_source, require_there
from mathse.tables.schemas import Reject, Split

log = logging.getLogger(__name__)

LINE_SECONDS = 15.0
"""Seconds between lines that say how far a source is."""


def ingest(settings: params.Problems, root: Path = Path()) -> Counts:
    """Read all sources and write the tables.

    Args:
        settings: The sources and what a row may cost.
        root: The project's root, below which the tables lie.

    Returns:
        What became of the rows.

    Raises:
        UserError: A source cannot be read, a split came out empty, or a table cannot be written.
    """
    require_there(settings.sources)
    with Gathering(root / layout.STATE / "ingest") as gathering:
        for source in settings.sources:
            limit = source.limit if isinstance(source, params.AdapterSource) else None
            gather(open_source(source, settings.seed), source.name, limits(settings), gathering, limit)
        require_every_split(gathering.counts)
        gathering.write(root)
    return gathering.counts


def limits(settings: params.Problems) -> Limits:
    """What a row may cost."""
    return Limits(settings.max_pixels, settings.max_image_bytes, settings.max_images, settings.max_question)


def gather(opened: Opened, licensed: str, most: Limits, gathering: Gathering, limit: int | None = None) -> None:
    """Admit a source's rows.

    Args:
        opened: The source.
        licensed: Name of its licence.
        most: What a row may cost.
        gathering: Takes them.
        limit: Ends with so many taken.
    """
    rows = admit(opened.rows, opened.folder, opened.licence, most, opened.choice, gathering.knows_image)
    taken = 0
    for row in _told(rows):
        taken += gathering.add(row, licensed)
        if taken == limit:
            break


def _told(rows: Iterator[Admitted | Reject]) -> Iterator[Admitted | Reject]:
    """The rows, with a line now and then; how many there will be is not known."""
    start = last = time.monotonic()
    for count, row in enumerate(rows, start=1):
        yield row
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            log.info("problems: %s: %d rows in, %.0f/s", source_of(row), count, count / (now - start))
            last = now


def source_of(row: Admitted | Reject) -> str:
    """Name of the source that a row came from."""
    return row.source if isinstance(row, Reject) else row.origin.source


def require_every_split(counts: Counts) -> None:
    """Refuse problems of which a split is empty.

    Raises:
        UserError: One is; says why rows were rejected.
    """
    empty = [split for split in Split if not counts.problems[split]]
    if empty:
        raise UserError(
            f"params.yaml: problems.sources: no problem was admitted to split {', '.join(empty)}; "
            f"{counts.rejected.total()} rows were rejected ({reason_counts(counts)}); a source's `split` says what "
            "share of its problems is for train, orm and test"
        )


def reason_counts(counts: Counts) -> str:
    """Reject reasons with their counts, in alphabetical order: `image in another split 3, missing image 1`."""
    return ", ".join(f"{reason} {count}" for reason, count in sorted(counts.reasons().items())) or "none"
