"""A source as params name it, opened: its rows, its folder, its licence and which rows are taken.

Sample: `{name: k12, path: data/sources/k12}`  ->  the raw problems of `data/sources/k12/k12.json`, under Apache-2.0
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mathse.params import AdapterSource, FigureSource
from mathse.sources import figures
from mathse.sources.adapter import adapter
from mathse.sources.choice import Choice, SourceSplits
from mathse.sources.licences import licence
from mathse.sources.reading import SourceError, root
from mathse.sources.rows.raw import Raw, converted
from mathse.tables.schemas import Reject

NO_FOLDER = Path("/nonexistent")
"""Where the images of a source without a folder are looked for; the hub's rows hold theirs."""


@dataclass(frozen=True)
class Opened:
    """A source, ready to be admitted.

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


def open_source(source: FigureSource | AdapterSource, seed: int) -> Opened:
    """Open a source.

    Raises:
        SourceError: There is nothing at its path, or the hub does not give it.
        UserError: It has no licence in licences.yaml.
    """
    spdx = licence(source.name).spdx
    if isinstance(source, FigureSource):
        return Opened(figures.read(source), NO_FOLDER, spdx, SourceSplits())
    reader = adapter(source.name)
    if source.path is not None:
        require_there([source])
        rows, folder = reader.read(source.path), root(source.path)
    elif reader.hub:
        from mathse.sources import hub

        hub_rows = hub.rows(source.repository or "", source.revision or "", source.hub_split)
        rows, folder = converted(source.name, hub_rows, reader.problem), NO_FOLDER
    else:
        raise SourceError(
            f"params.yaml: problems.sources: {source.source}: {source.name} is read from its files alone; give a path"
        )
    if source.label is not None:
        rows = _labelled(rows, source.label)
    return Opened(rows, folder, spdx, Choice.of(source, seed))


def require_there(sources: Iterable[FigureSource | AdapterSource]) -> None:
    """Look for every source's files before hours go by with the first.

    Raises:
        SourceError: There is nothing at a path.
    """
    for source in sources:
        if isinstance(source, AdapterSource) and source.path is not None and not source.path.exists():
            raise SourceError(
                f"params.yaml: problems.sources: {source.source}: {source.path}: no such file or folder; download the "
                "source there, or correct the path"
            )


def _labelled(rows: Iterable[Raw | Reject], label: str) -> Iterator[Raw | Reject]:
    for row in rows:
        yield row.model_copy(update={"source": label}) if isinstance(row, Reject) else replace(row, source=label)
