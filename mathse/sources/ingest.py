"""The problems stage: every source's rows, admitted or rejected with a reason, and the leaks taken out.

In: `params.problems`, and the tables of `benchmarks`. Out, below data/problems and data/ingest: problems (one row per
distinct problem), images (one row per distinct image), origins (one row per admitted source row), rejects (one row per
rejected one) and leaks. So

    source rows = origins + rejects

Sample reject: `k12, 34a1463e, image in another split, 9f86d081... is in test`.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mathse import layout, params
from mathse.errors import UserError
from mathse.params import AdapterSource, FigureSource
from mathse.progress import LINE_SECONDS
from mathse.sources import figures
from mathse.sources.adapter import adapter
from mathse.sources.admit import NO_FOLDER, Limits, admit
from mathse.sources.choice import Choice, SourceSplits
from mathse.sources.gathering import Counts, Gathering
from mathse.sources.leakage.screen import screen
from mathse.sources.licences import canonical, licence
from mathse.sources.reading import SourceError
from mathse.sources.rows.raw import Raw, converted
from mathse.tables import store
from mathse.tables.schemas import Leak, Reject, Split

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """A source as params name it, ready to be admitted.

    Attributes:
        rows: As the adapter yields them, once.
        folder: Out of which no image path may lead.
        licence: SPDX identifier.
        choice: Which rows are taken, and for what.
    """

    rows: Iterator[Raw | Reject]
    folder: Path
    licence: str
    choice: Choice


def ingest(settings: params.Problems, root: Path = Path()) -> Counts:
    """Read all sources, screen them for leaks and write the tables.

    Returns:
        What became of the rows.

    Raises:
        UserError: A source or the benchmarks' items cannot be read, a split came out empty, or a table cannot be
            written.
    """
    # Every source's files are looked for before hours go by with the first.
    for source in settings.sources:
        if isinstance(source, AdapterSource) and source.path is not None and not source.path.exists():
            raise SourceError(
                f"params.yaml: problems.sources: {source.source}: {source.path}: no such file or folder; download the "
                "source there, or correct the path"
            )
    with Gathering(root / layout.STATE / "ingest") as gathering:
        for source in settings.sources:
            limit = source.limit if isinstance(source, AdapterSource) else None
            gather(open_source(source, settings.seed), source.name, limits(settings), gathering, limit)
        require_every_split(gathering.counts)
        leaks = screen(gathering, settings, root)
        require_every_split(gathering.counts)
        gathering.write(root)
        store.write(root / layout.LEAKS, Leak, leaks)
    return gathering.counts


def limits(settings: params.Problems) -> Limits:
    """What a row may cost."""
    return Limits(settings.max_pixels, settings.max_image_bytes, settings.max_images, settings.max_question)


def open_source(source: FigureSource | AdapterSource, seed: int) -> Opened:
    """Open a source.

    Raises:
        SourceError: There is nothing at its path, or the hub does not give it.
        UserError: It has no licence in licences.yaml.
    """
    if isinstance(source, FigureSource):
        spdx = licence(source.name).spdx
        return Opened(figures.read(source), NO_FOLDER, spdx, SourceSplits())
    reader, label = adapter(source.name), source.source
    spdx = canonical(source.licence) if source.licence else licence(source.name).spdx
    if source.path is not None:
        rows, folder = reader.read(source.path), reader.root(source.path)
    elif reader.hub:
        from mathse.sources import hub

        hub_rows = hub.rows(source.repository or "", source.revision or "", source.hub_split)
        rows, folder = converted(source.name, hub_rows, reader.problem), NO_FOLDER
    else:
        raise SourceError(
            f"params.yaml: problems.sources: {label}: {source.name} is read from its files alone; give a path"
        )
    labelled = (
        row.model_copy(update={"source": label}) if isinstance(row, Reject) else replace(row, source=label)
        for row in rows
    )
    return Opened(labelled if source.label else rows, folder, spdx, Choice.of(source, seed))


def gather(opened: Opened, name: str, most: Limits, gathering: Gathering, limit: int | None = None) -> None:
    """Admit a source's rows, with a line about how far it is now and then; how many there will be is not known.

    Args:
        name: Of its adapter.
        most: What a row may cost.
        limit: Ends with so many taken.
    """
    rows = admit(opened.rows, opened.folder, opened.licence, most, opened.choice, gathering.knows_image)
    taken = 0
    start = last = time.monotonic()
    for count, row in enumerate(rows, start=1):
        taken += gathering.add(row, name)
        if taken == limit:
            break
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            label = row.source if isinstance(row, Reject) else row.origin.source
            log.info("problems: %s: %d rows in, %.0f/s", label, count, count / (now - start))
            last = now


def require_every_split(counts: Counts) -> None:
    """Refuse problems of which a split is empty.

    Raises:
        UserError: One is; says why rows were rejected.
    """
    empty = [split for split in Split if not counts.problems[split]]
    if empty:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.reasons().items())) or "none"
        raise UserError(
            f"params.yaml: problems.sources: no problem was admitted to split {', '.join(empty)}; "
            f"{counts.rejected.total()} rows were rejected ({reasons}); a source's `split` says what "
            "share of its problems is for train, orm and test"
        )
