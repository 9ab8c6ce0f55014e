"""Problems by id for whoever meets them in no order, such as a judge of millions of paths: on disk, not in memory.

Paths are sorted by their own ids, so their problems come at random. The table's rows are copied once into a temporary
SQLite database, which SQLite deletes with the connection, however the process ends; a look-up then takes some ten
microseconds, and memory holds a few megabytes of pages whatever the number of problems.

Sample: `ProblemLookup(layout.PROBLEMS)["3f..."].answer` is `42`
"""

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from mathse.errors import UserError
from mathse.tables import store
from mathse.tables.schemas import Problem, Row

_LEFT_OUT = {"solution", "row_hash"}


class LookupFailed(UserError):
    """The temporary database cannot be written."""


class ProblemLookup(Mapping[str, Problem]):
    """The problems of a table by id, without their gold solutions (whoever looks up is asking or grading)."""

    def __init__(self, file: Path) -> None:
        """Copy the table.

        Raises:
            StoreError: The table is missing, damaged, or another one.
            LookupFailed: There is no room for the copy.
        """
        rows = (
            (problem.problem_id, problem.model_dump_json(exclude=_LEFT_OUT)) for problem in store.scan(file, Problem)
        )
        self._db = sqlite3.connect("")  # a file in SQLite's temporary folder, under no name
        try:
            self._db.execute("create table problems (problem_id text primary key, row text not null) without rowid")
            self._db.executemany("insert into problems values (?, ?)", rows)
            self._db.commit()
        except sqlite3.OperationalError as error:
            raise LookupFailed(
                f"{file}: cannot be copied to the temporary folder ({error}); free some space there, or name another "
                "folder in the environment variable SQLITE_TMPDIR"
            ) from error

    def __getitem__(self, problem_id: str) -> Problem:
        row = self._db.execute("select row from problems where problem_id = ?", (problem_id,)).fetchone()
        if row is None:
            raise KeyError(problem_id)
        return Problem.model_validate_json(row[0])

    def __iter__(self) -> Iterator[str]:
        return (problem_id for (problem_id,) in self._db.execute("select problem_id from problems order by problem_id"))

    def __len__(self) -> int:
        problems: int = self._db.execute("select count(*) from problems").fetchone()[0]
        return problems


def source_ids(file: Path) -> dict[str, str]:
    """Each problem's id within its source, by problem id.

    Raises:
        StoreError: The table is missing, damaged, or another one.
    """
    store.require(file, Problem)
    columns = pq.read_table(file, columns=["problem_id", "source_id"], use_threads=False)
    return dict(zip(*(column.to_pylist() for column in columns.columns), strict=True))


def problem_ids(file: Path, model: type[Row]) -> set[str]:
    """The problems that a table has rows of.

    Args:
        model: The model of its rows, which has a `problem_id`.

    Raises:
        StoreError: The table is missing, damaged, or another one.
    """
    store.require(file, model)
    return set(pq.read_table(file, columns=["problem_id"], use_threads=False).column("problem_id").to_pylist())
