"""A source as params name it, opened: its rows, its folder, its licence and which rows are taken.

Sample: `{name: k12, path: data/sources/k12}`  ->  the raw problems of `data/sources/k12/k12.json`, under Apache-2.0
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mathse.params import AdapterSource, FigureSource
from mathse.sources import figures
from mathse.sources.choice import AsSaid, Choice
from mathse.sources.licences import licence
from mathse.sources.raw import Raw, converted
from mathse.sources.reading import SourceError, root
from mathse.sources.registry import adapter
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

    Args:
        source: As params name it.
        seed: `problems.seed`.

    Raises:
        SourceError: There is nothing at its path, or the hub does not give it.
        UserError: It has no licence in licences.yaml.
    """
    spdx = licence(source.name).spdx
    if isinstance(source, FigureSource):
        return Opened(figures.read(source), NO_FOLDER, spdx, AsSaid())
    if source.path is not None:
        rows, folder = adapter(source.name).read(_there(source, source.path)), root(source.path)
    else:
        rows, folder = _hub_rows(source), NO_FOLDER
    return Opened(_labelled(rows, source), folder, spdx, Choice.of(source, seed))


def require_there(sources: Iterable[FigureSource | AdapterSource]) -> None:
    """Look for every source's files before hours go by with the first.

    Raises:
        SourceError: There is nothing at a path.
    """
    for source in sources:
        if not isinstance(source, FigureSource) and source.path is not None:
            _there(source, source.path)


def _there(source: AdapterSource, path: Path) -> Path:
    if not path.exists():
        raise SourceError(
            f"params.yaml: problems.sources: {source.source}: {path}: no such file or folder; download the source "
            "there, or correct the path"
        )
    return path


def _hub_rows(source: AdapterSource) -> Iterator[Raw | Reject]:
    reader = adapter(source.name)
    if not reader.hub:
        raise SourceError(
            f"params.yaml: problems.sources: {source.source}: {source.name} is read from its files alone; give a path"
        )
    from mathse.sources import hub

    rows = hub.rows(source.repository or "", source.revision or "", source.hub_split)
    return converted(source.name, rows, reader.problem)


def _labelled(rows: Iterator[Raw | Reject], source: AdapterSource) -> Iterator[Raw | Reject]:
    if source.source == source.name:
        return rows
    return (_renamed(row, source.source) for row in rows)


def _renamed(row: Raw | Reject, name: str) -> Raw | Reject:
    return row.model_copy(update={"source": name}) if isinstance(row, Reject) else replace(row, source=name)
