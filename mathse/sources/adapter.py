"""What an adapter is: how a data set's files are read as rows, and how one row becomes a raw problem.

The registry is the folder `mathse/sources/adapters`: one module per data set, which declares its `ADAPTER`. Whoever
only needs the names has `mathse.params.sources.adapter_names`, which loads none of them.

Sample: `ADAPTER = Adapter("k12", problem)`  ->  `adapter("k12").read(Path("data/sources/k12"))`, its raw problems
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mathse.params.sources import ADAPTERS
from mathse.registry import declared
from mathse.sources import reading
from mathse.sources.rows.raw import Damaged, Raw, Recorded, SourceRow, converted
from mathse.tables.schemas import Reject


@dataclass(frozen=True)
class Adapter:
    """A data set's adapter.

    Attributes:
        name: Its module's, and its licence's in `licences.yaml`.
        problem: Makes a raw problem of a row, or raises `Faulty`. It opens no image.
        rows: The rows at a location, streamed, none skipped; by default those of its JSON, JSON lines and
            Parquet files.
        hub: Whether the hub's rows have the same fields, so that `problem` takes them as well.
        root: The folder that a location lies in, out of which no image path may lead.
        recorded: The solutions that a teacher wrote once, of a location: one, or a reject, for each of its rows. Where
            there are any, `licences.yaml` has their own licence as `<name>_recorded`.
    """

    name: str
    problem: Callable[[SourceRow], Raw]
    rows: Callable[[Path], Iterator[SourceRow | Damaged]] = reading.rows
    hub: bool = True
    root: Callable[[Path], Path] = reading.root
    recorded: Callable[[Path], Iterator[Recorded | Reject]] | None = None

    def read(self, location: Path) -> Iterator[Raw | Reject]:
        """Raw problems and rejects of a file or a folder; exactly one of the two for each row."""
        return converted(self.name, self.rows(location), self.problem)


def own_solutions(name: str) -> Callable[[Path], Iterator[Recorded | Reject]]:
    """What `Adapter.recorded` is where the solutions stand in the rows of the problems.

    As many come out, or are rejected, as there are rows; a row that is no problem is rejected for the same reason.
    """

    def recorded(location: Path) -> Iterator[Recorded | Reject]:
        for raw in adapter(name).read(location):
            if isinstance(raw, Reject):
                yield raw
            elif raw.solution is None:
                yield Reject(source=raw.source, source_id=raw.source_id, reason="no recorded solution")
            else:
                yield Recorded(raw.source, raw.source_id, raw.solution)

    return recorded


def adapter(name: str) -> Adapter:
    """The adapter of a data set.

    Raises:
        UserError: There is none of this name.
    """
    return declared(ADAPTERS, "adapter", name, Adapter)
