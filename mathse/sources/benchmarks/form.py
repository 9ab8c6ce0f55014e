"""What a benchmark is made of: its subsets, where their rows are, and how a row becomes an item.

Sample: `Subset("testmini")` is read from `testmini.jsonl`, or from that split of a hub data set.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from mathse.sources.raw import Faulty, Raw, Row

IN_THE_PICTURE = "Solve the problem that the image shows."
"""What is asked where the picture holds the whole question."""
FILES = (".json", ".jsonl", ".parquet")


@dataclass(frozen=True)
class RawItem(Raw):
    """A benchmark's problem as its source has it, and what official scoring reads of it.

    Attributes:
        official: Fields in the benchmark's own names.
    """

    official: Mapping[str, Any] = field(default_factory=dict)


def every(row: Row) -> bool:
    """All rows of a split belong to the subset."""
    return True


@dataclass(frozen=True)
class Subset:
    """A part of a benchmark that is reported by itself.

    Attributes:
        split: The hub's name of the split.
        config: The hub's configuration that has the split; None: the only one.
        belongs: Whether a row of the split is of the subset; raises `Faulty` where the row does not say.
        files: What local files that hold it are called, without ending; the split's name if not given.
    """

    split: str
    config: str | None = None
    belongs: Callable[[Row], bool] = every
    files: tuple[str, ...] = ()

    def wanted(self, name: str) -> bool:
        """Whether a file of a local copy holds the split: `testmini.jsonl`, `testmini-00000-of-00001.parquet`."""
        stem, _, ending = name.rpartition(".")
        return f".{ending}" in FILES and stem.partition("-")[0] in (self.files or (self.split,))


@dataclass(frozen=True)
class Form:
    """A benchmark.

    Attributes:
        subsets: By name; the one without a name is what papers report under the benchmark's.
        item: Makes an item of a row, or raises `Faulty`.
        rule: The module of its official scoring; None: it has none, and our own grader scores.
    """

    subsets: Mapping[str | None, Subset]
    item: Callable[[Row], RawItem]
    rule: ModuleType | None = None


def part(row: Row, name: str) -> Row:
    """A field that holds an object, as a row.

    Raises:
        Faulty: It is missing, or holds something else.
    """
    found = row.fields.get(name)
    if not isinstance(found, Mapping):
        raise Faulty("missing field" if found is None else "wrong type", name)
    return Row(row.place, found, row.folder)


def copied(row: Row, *names: str) -> dict[str, Any]:
    """Fields as they are, those that are there."""
    return {name: row.fields[name] for name in names if name in row.fields}
