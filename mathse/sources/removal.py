"""Problems taken out of the tables again, as when they turn out to be benchmark items: each is a reject from then on.

In: which problems, and why. Out: the tables without them, without the images that only they had, and with one reject
for each of their origins, so that source rows are still origins + rejects.

Sample: `Removal("9f86...", "benchmark item", "mathvista 17, shared_grams")`
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse import layout
from mathse.sources.gathering import TABLES, Counts
from mathse.tables import store
from mathse.tables.schemas import Image, Origin, Problem, Reject, Row


@dataclass(frozen=True)
class Removal:
    """A problem to take out: its id, a short and countable reason, and what exactly."""

    problem_id: str
    reason: str
    detail: str = ""


def remove(removals: Iterable[Removal], counts: Counts, root: Path = Path()) -> int:
    """Take problems out of the tables that `ingest` wrote.

    Args:
        removals: A problem may be named more than once; its first reason stands. What is in no table is passed over.
        counts: What `ingest` returned; brought up to date.
        root: The project's root.

    Returns:
        How many problems were taken out.
    """
    why: dict[str, Removal] = {}
    for removal in removals:
        why.setdefault(removal.problem_id, removal)
    if not why:
        return 0
    gone = [origin for origin in store.scan(root / layout.ORIGINS, Origin) if origin.problem_id in why]
    rejects = [_reject(origin, why[origin.problem_id]) for origin in gone]
    _recount(counts, gone, rejects)
    unused = _images_of_none_but(root / layout.PROBLEMS, why)
    for model in (Problem, Origin):
        _rewrite(root / TABLES[model], model, _without("problem_id", why))
    _rewrite(root / layout.IMAGES, Image, _without("image_id", unused))
    every = chain(list(store.scan(root / layout.REJECTS, Reject)), rejects)
    store.write(root / layout.REJECTS, Reject, every)
    return len({origin.problem_id for origin in gone})


def _reject(origin: Origin, removal: Removal) -> Reject:
    return Reject(source=origin.source, source_id=origin.source_id, reason=removal.reason, detail=removal.detail)


def _recount(counts: Counts, gone: Iterable[Origin], rejects: Iterable[Reject]) -> None:
    seen: set[str] = set()
    for origin in gone:
        counts.taken[origin.source] -= 1
        counts.problems[origin.split] -= origin.problem_id not in seen
        seen.add(origin.problem_id)
    for reject in rejects:
        counts.rejected[reject.source, reject.reason] += 1


def _images_of_none_but(file: Path, problems: Collection[str]) -> set[str]:
    """Images that no problem has besides these."""
    theirs: set[str] = set()
    for problem_id, image_ids in _image_ids(file):
        if problem_id in problems:
            theirs.update(image_ids)
    for problem_id, image_ids in _image_ids(file):
        if problem_id not in problems:
            theirs.difference_update(image_ids)
    return theirs


def _image_ids(file: Path) -> Iterator[tuple[str, list[str]]]:
    with pq.ParquetFile(file) as table:
        for batch in table.iter_batches(columns=["problem_id", "image_ids"], use_threads=False):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _without(column: str, values: Iterable[str]) -> Callable[[pa.Table], pa.Table]:
    """Leaves out the rows whose column has one of the values."""
    excluded = pa.array(values, pa.string())
    return lambda group: group.filter(pc.invert(pc.is_in(group.column(column), excluded)))


def _rewrite(file: Path, model: type[Row], keep: Callable[[pa.Table], pa.Table]) -> None:
    """Write a table anew, row group by row group, in its order."""
    with pq.ParquetFile(file) as table:
        groups = (keep(table.read_row_group(number, use_threads=False)) for number in range(table.num_row_groups))
        store.write_groups(file, model, (group for group in groups if group.num_rows))
