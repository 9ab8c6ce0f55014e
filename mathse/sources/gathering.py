"""The rows of all sources on their way to the tables: duplicates merged, splits kept apart, leaks taken out again.

Rows wait in arrow files until the tables are written. Memory holds the ids of problems and images with their split,
about 300 bytes per problem with an image of its own, whatever the rows hold.

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
import pyarrow.compute as pc

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
        leaks_listed: Problems that leak and stay: of test, drawn with a look-alike image, or all if none is removed.
    """

    taken: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: Counter[Split] = field(default_factory=Counter)
    leaks_listed: int = 0

    @property
    def rows(self) -> int:
        """Source rows."""
        return self.taken.total() + self.rejected.total()

    def reasons(self, source: str | None = None) -> Counter[str]:
        """How many rows were rejected, by reason, of one source or of all."""
        reasons: Counter[str] = Counter()
        for (rejecting, reason), count in self.rejected.items():
            if source in (None, rejecting):
                reasons[reason] += count
        return reasons


class Gathering:
    """Rows on their way to the tables, open within a `with` block.

    Attributes:
        counts: What became of the rows.
        spills: The rows of each table as they came. Problems, images and origins may be read once all sources are
            gathered; none can be added afterwards.
    """

    def __init__(self, folder: Path) -> None:
        """Let the rows wait in `folder`, which is emptied before and removed after."""
        self.counts = Counts()
        self.spills: dict[type[Row], Spill[Any]] = {}
        self._folder = folder
        self._open = ExitStack()
        self._split_of_image: dict[bytes, int] = {}
        self._problems: dict[bytes, tuple[int, tuple[str, str]]] = {}  # split; adapter and strictest licence
        self._licensed: dict[tuple[str, str], tuple[str, str]] = {}
        self._relicensed: dict[str, str] = {}
        self._excluded: set[str] = set()

    def __enter__(self) -> Self:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        for model in TABLES:
            self.spills[model] = self._open.enter_context(Spill(self._folder / model.__name__, model))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            shutil.rmtree(self._folder, ignore_errors=True)

    def knows_image(self, image_id: str) -> bool:
        """Whether an image is stored already."""
        return bytes.fromhex(image_id) in self._split_of_image

    def add(self, row: Admitted | Reject, adapter: str) -> bool:
        """Take a row, or keep it as a reject.

        Args:
            row: What admission made of a source's row.
            adapter: Its source's name in `licences.yaml`.

        Returns:
            Whether it was taken.
        """
        if isinstance(row, Admitted) and (reject := self._conflict(row.problem)) is not None:
            row = reject
        if isinstance(row, Reject):
            self._reject(row)
            return False
        problem, split = row.problem, _SPLITS.index(row.problem.split)
        problem_id = bytes.fromhex(problem.problem_id)
        licensed = (adapter, problem.licence)
        licensed = self._licensed.setdefault(licensed, licensed)  # one for all rows
        known = self._problems.get(problem_id)
        if known is None:
            self._problems[problem_id] = split, licensed
            self.spills[Problem].add(problem)
            self.counts.problems[problem.split] += 1
            for image in row.images:
                image_id = bytes.fromhex(image.image_id)
                if image_id not in self._split_of_image:
                    self._split_of_image[image_id] = split
                    self.spills[Image].add(image)
        elif strictest((known[1], licensed)) != known[1]:
            self._problems[problem_id] = split, licensed
            self._relicensed[problem.problem_id] = problem.licence
        self.spills[Origin].add(row.origin)
        self.counts.taken[problem.source] += 1
        return True

    def exclude(self, reason: str, details: Mapping[str, str]) -> None:
        """Take problems out again: each of their origins becomes a reject, and an image that no other has goes too.

        Args:
            reason: Short and countable, such as `leak`.
            details: What exactly, by problem id.
        """
        problem_ids = details.keys() - self._excluded
        for batch in self.spills[Origin].having(problem_ids):
            for origin in batch.drop_columns(["row_hash"]).to_pylist():
                problem_id, source = origin["problem_id"], origin["source"]
                detail = details[problem_id]
                self._reject(Reject(source=source, source_id=origin["source_id"], reason=reason, detail=detail))
                self.counts.taken[source] -= 1
                self.counts.problems[origin["split"]] -= problem_id not in self._excluded
                self._excluded.add(problem_id)

    def write(self, root: Path) -> None:
        """Write the tables below `root`.

        Raises:
            StoreError: A row cannot be stored, two rows have one key, or the disk is full.
        """
        excluded = {Problem: self._excluded, Origin: self._excluded, Image: self._unused_images()}
        for model, file in TABLES.items():
            spill = self.spills.pop(model)
            groups: Iterable[pa.Table] = spill.groups()
            if ids := excluded.get(model):
                others = ~pc.field(model.key[0]).isin(pa.array(sorted(ids), pa.string()))
                groups = (rest for group in groups if (rest := group.filter(others)).num_rows)
            store.write_groups(root / file, model, self._with_licences(groups) if model is Problem else groups)
            spill.file.unlink()

    def _reject(self, row: Reject) -> None:
        self.spills[Reject].add(row)
        self.counts.rejected[row.source, row.reason] += 1

    def _conflict(self, problem: Problem) -> Reject | None:
        """The reject that a problem becomes where it cannot stand beside those that were taken."""
        split = _SPLITS.index(problem.split)
        known, _ = self._problems.get(bytes.fromhex(problem.problem_id), (split, None))
        conflicts = [("problem", problem.problem_id, known)]
        conflicts += [
            ("image", image_id, self._split_of_image.get(bytes.fromhex(image_id), split))
            for image_id in problem.image_ids
        ]
        for what, content_id, other in conflicts:
            if other != split:
                reason, detail = f"{what} in another split", f"{content_id} is in {_SPLITS[other]}"
                return Reject(source=problem.source, source_id=problem.source_id, reason=reason, detail=detail)
        return None

    def _unused_images(self) -> set[str]:
        """Images that no problem has besides those that are excluded."""
        unused: set[str] = set()
        if not self._excluded:
            return unused
        for batch in self.spills[Problem].having(self._excluded):
            unused.update(*batch.column("image_ids").to_pylist())
        for batch in self.spills[Problem].batches("problem_id", "image_ids"):
            for problem_id, image_ids in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if problem_id not in self._excluded:
                    unused.difference_update(image_ids)
        return unused

    def _with_licences(self, groups: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The problems, those with the licence of another source that have a stricter one."""
        for group in groups:
            ids = group.column("problem_id").to_pylist() if self._relicensed else []
            changed = [place for place, problem_id in enumerate(ids) if problem_id in self._relicensed]
            if not changed:
                yield group
                continue
            rows = group.to_pylist()
            for place in changed:
                del rows[place]["row_hash"]
                licence = self._relicensed[rows[place]["problem_id"]]
                rows[place] = Problem(**{**rows[place], "licence": licence}).model_dump()
            yield pa.Table.from_pylist(rows, schema=group.schema)
