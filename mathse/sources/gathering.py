"""What the sources come to: duplicates merged, splits kept apart, everything on disk until the tables are written.

Rows wait in arrow files. Memory holds the ids of problems and images with their split, about 300 bytes a problem with
an image of its own, whatever the rows hold.

Of problems that are equal in content the first is kept, with an `Origin` for each; their strictest licence holds. A
problem, or an image, that would be in two splits is a reject, since a test on it would be a test on training data.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from mathse import layout
from mathse.sources.admit import Admitted
from mathse.sources.licences import strictest
from mathse.tables import store
from mathse.tables.schemas import Image, Origin, Problem, Reject, Row, Split
from mathse.tables.spill import Spill

TABLES: Mapping[type[Row], Path] = {
    Problem: layout.PROBLEMS,
    Image: layout.IMAGES,
    Origin: layout.ORIGINS,
    Reject: layout.REJECTS,
}
"""Where each table lies."""
_SPLITS = tuple(Split)


@dataclass
class Counts:
    """What became of the source rows: `taken` and `rejected` add up to them.

    Attributes:
        taken: Rows by source; each is an origin.
        rejected: Rows by source and reason.
        problems: Distinct problems by split.
    """

    taken: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: Counter[Split] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """Source rows."""
        return self.taken.total() + self.rejected.total()

    def reasons(self, source: str | None = None) -> Counter[str]:
        """How many rows were rejected, by reason, of one source or of all."""
        found: Counter[str] = Counter()
        for (rejecting, reason), count in self.rejected.items():
            if source in (None, rejecting):
                found[reason] += count
        return found


class Gathering:
    """Rows on their way to the tables, open within a `with` block."""

    def __init__(self, folder: Path) -> None:
        """Let the rows wait in `folder`, which is emptied before and removed after."""
        self.counts = Counts()
        self._folder = folder
        self._open = ExitStack()
        self._spills: dict[type[Row], Spill[Any]] = {}
        self._split_of_image: dict[bytes, int] = {}
        self._problems: dict[bytes, tuple[int, str]] = {}  # split, and the name of its strictest licence
        self._relicensed: dict[str, str] = {}

    def __enter__(self) -> Self:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        for model in TABLES:
            self._spills[model] = self._open.enter_context(Spill(self._folder / model.__name__, model))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            shutil.rmtree(self._folder, ignore_errors=True)

    def knows_image(self, image_id: str) -> bool:
        """Whether an image is stored already."""
        return bytes.fromhex(image_id) in self._split_of_image

    def add(self, found: Admitted | Reject, licensed: str) -> bool:
        """Take a row, or keep it as a reject.

        Args:
            found: What admission said.
            licensed: Name of its source's licence.

        Returns:
            Whether it was taken.
        """
        if isinstance(found, Admitted):
            fault = self._conflict(found.problem)
            if fault is None:
                self._take(found, licensed)
                return True
            reason, detail = fault
            problem = found.problem
            found = Reject(source=problem.source, source_id=problem.source_id, reason=reason, detail=detail)
        self._spills[Reject].add(found)
        self.counts.rejected[found.source, found.reason] += 1
        return False

    def write(self, root: Path) -> None:
        """Write the tables below `root`; nothing can be added afterwards.

        Raises:
            StoreError: A row cannot be stored, two rows have one key, or the disk is full.
        """
        self._open.close()
        for model, file in TABLES.items():
            spill = self._spills.pop(model)
            groups = self._with_licences(spill.groups()) if model is Problem else spill.groups()
            store.write_groups(root / file, model, groups)
            spill.file.unlink()

    def _conflict(self, problem: Problem) -> tuple[str, str] | None:
        """Reason and detail why a problem cannot be taken beside those that were."""
        split = _SPLITS.index(problem.split)
        known = self._problems.get(bytes.fromhex(problem.problem_id))
        if known and known[0] != split:
            return "problem in another split", f"{problem.problem_id} is in {_SPLITS[known[0]]}"
        for image_id in problem.image_ids:
            other = self._split_of_image.get(bytes.fromhex(image_id), split)
            if other != split:
                return "image in another split", f"{image_id} is in {_SPLITS[other]}"
        return None

    def _take(self, found: Admitted, licensed: str) -> None:
        problem, split = found.problem, _SPLITS.index(found.problem.split)
        problem_id = bytes.fromhex(problem.problem_id)
        known = self._problems.get(problem_id)
        if known is None:
            self._problems[problem_id] = split, licensed
            self._spills[Problem].add(problem)
            self.counts.problems[problem.split] += 1
            for image in found.images:
                image_id = bytes.fromhex(image.image_id)
                if image_id not in self._split_of_image:
                    self._split_of_image[image_id] = split
                    self._spills[Image].add(image)
        elif strictest((known[1], licensed)) != known[1]:
            self._problems[problem_id] = split, licensed
            self._relicensed[problem.problem_id] = problem.licence
        self._spills[Origin].add(found.origin)
        self.counts.taken[problem.source] += 1

    def _with_licences(self, groups: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The problems, those with the licence of another source that have a stricter one."""
        for group in groups:
            places = [
                place
                for place, problem_id in enumerate(group.column("problem_id").to_pylist() if self._relicensed else ())
                if problem_id in self._relicensed
            ]
            yield _relicensed(group, places, self._relicensed) if places else group


def _relicensed(group: pa.Table, places: list[int], licences: Mapping[str, str]) -> pa.Table:
    rows = group.to_pylist()
    for place in places:
        del rows[place]["row_hash"]
        changed = Problem(**{**rows[place], "licence": licences[rows[place]["problem_id"]]})
        rows[place] = changed.model_dump()
    return pa.Table.from_pylist(rows, schema=group.schema)
