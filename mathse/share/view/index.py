"""The index behind the pages: one DuckDB file under `.mathse/view`, built once for a state of the tables.

A page of 10,000,000 rows has to come in a fraction of a second. So the columns that filters ask about lie in one table
as small whole numbers, in a fixed order (`rid`), beside the texts; and the words of the texts lie in `words`, a list of
rids for each word and each part of the rows. Nothing in it is new: deleting it costs the time to build it again.

    rows       rid, step, kind, status, rule, subject, level, source, pid, path_id, text, answer, ...
    parts      part, first, last: the rids of a part
    words      part, word, hits, rids: rows of the part whose text or analysis has the word, and their number
    vocabulary word, part, hits, place: where in `words` a word's rows are
    problems   pid, problem_id, question, ..., one row a problem
    outcomes   step, pid, paths, correct: what a step made of a problem
    summary    step, kind, status, rule, paths: how many there are
    answers    model, pid, sample, status, text, ...: the predictions
    labels     kind, code, name: what the numbers stand for, and what is damaged
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from mathse import layout
from mathse.errors import UserError
from mathse.progress import Advance, progress
from mathse.share.view import statements
from mathse.share.view.statements import KINDS, STATUSES, TOKEN
from mathse.share.view.tables import Tables

MEMORY_LIMIT = "2GB"
FULL = "No space left"
"""What DuckDB says of a full disk: no fault of the table that it was reading."""
PART_ROWS = 1 << 19
PART_BYTES = 96 << 20
"""A part is sorted and its words are listed in memory: so many rows, and so many bytes of text, at most."""

Bounds = tuple[str, str | None, int]
"""The first path id of a part, that of the next part, and its number of rows."""


def ensure(tables: Tables) -> Path:
    """The index of these tables, built if there is none yet or it is damaged; those of earlier states are removed.

    Args:
        tables: The tables of a run.

    Raises:
        UserError: It cannot be written.
    """
    folder = tables.root / layout.STATE / "view"
    file = folder / f"{tables.fingerprint()}-{statements.version()}.duckdb"
    if file.is_file() and _is_sound(file):
        return file
    fresh = folder / f".{os.getpid()}.duckdb"
    _remove_killed(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _build(fresh, tables)
        os.replace(fresh, file)
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except (OSError, duckdb.Error) as error:
        raise UserError(f"{folder}: the pages' index cannot be built ({error}); it must be writable") from error
    finally:
        _remove(folder.glob(f"{fresh.name}*"))
    _remove(set(folder.glob("[!.]*.duckdb")) - {file})
    return file


def open_index(file: Path) -> duckdb.DuckDBPyConnection:
    """Open an index to be read, closed to every other file, extension and setting."""
    connection = duckdb.connect(str(file), read_only=True, config={"memory_limit": MEMORY_LIMIT})
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    connection.execute("set timezone = 'UTC'; set enable_external_access = false; set lock_configuration = true")
    return connection


def _is_sound(file: Path) -> bool:
    try:
        duckdb.connect(str(file), read_only=True, config={"memory_limit": MEMORY_LIMIT}).close()
    except duckdb.Error:
        return False
    return True


def _remove_killed(folder: Path) -> None:
    """Remove what a build left that was killed."""
    for left in folder.glob(".*.duckdb*"):
        if not Path("/proc", left.name.split(".")[1]).exists():
            _remove([left])


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        shutil.rmtree(file, ignore_errors=True) if file.is_dir() else file.unlink(missing_ok=True)


def _build(fresh: Path, tables: Tables) -> None:
    steps, models = tables.steps(), tables.of_kind("predictions")
    total = sum(tables.found[paths].rows for paths, _ in steps.values())
    with duckdb.connect(str(fresh), config={"memory_limit": MEMORY_LIMIT}) as connection:
        connection.execute("set timezone = 'UTC'; set preserve_insertion_order = true")
        connection.execute(statements.SCHEMA)
        _add_problems(connection, tables)
        _label(connection, "step", list(steps))
        _label(connection, "model", list(models))
        with progress("view: index", max(total, 1)) as advance:
            for code, (paths, verdicts) in enumerate(steps.values()):
                _add_step(connection, code, tables.good[paths], tables.good.get(verdicts or ""), advance)
        connection.execute(statements.VOCABULARY)
        connection.execute(statements.OUTCOMES)
        connection.execute(statements.SUMMARY)
        for code, file in enumerate(models.values()):
            _add_answers(connection, code, file)
        connection.execute("checkpoint")


def _add_problems(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """The run's own problems, and the items of the benchmarks that its models are measured on."""
    connection.execute(statements.RAW)
    for name, sql in {"problems": statements.OWN, "benchmark_items": statements.ITEMS}.items():
        if file := tables.good.get(name):
            _whole(connection, str(file), partial(connection.execute, sql, {"file": str(file)}))
    connection.execute(statements.NAMES)
    connection.execute(statements.PROBLEMS)


def _add_step(
    connection: duckdb.DuckDBPyConnection, code: int, paths: Path, verdicts: Path | None, advance: Advance
) -> None:
    judged = "from read_parquet($verdicts)" if verdicts else statements.NO_VERDICTS
    given = {"step": code, "kinds": KINDS, "statuses": STATUSES, "paths": str(paths)}
    if verdicts:
        given["verdicts"] = str(verdicts)

    def add() -> None:
        for low, high, rows in _parts(paths):
            first = _number(connection, "select coalesce(max(last) + 1, 0) from parts")
            bounds = {"first": first, "low": low, "high": high}
            connection.execute(statements.ROWS.format(verdicts=judged), given | bounds)
            last = _number(connection, "select coalesce(max(rid), -1) from rows")
            part = _number(connection, "select count(*) from parts")
            connection.execute("insert into parts values (?, ?, ?)", [part, first, last])
            connection.execute(statements.WORDS, {"part": part, "first": first, "last": last, "token": TOKEN})
            advance(rows)

    _whole(connection, str(paths), add)


def _add_answers(connection: duckdb.DuckDBPyConnection, code: int, file: Path) -> None:
    """Predictions of a model: one a problem, or one a sample of it where the table says which."""
    sample = "p.sample_idx" if "sample_idx" in pq.read_schema(file).names else "0"
    given = {"model": code, "statuses": STATUSES, "file": str(file)}
    _whole(connection, str(file), partial(connection.execute, statements.ANSWERS.format(sample=sample), given))


def _whole(connection: duckdb.DuckDBPyConnection, what: str, add: Callable[[], object]) -> None:
    """Add a table whole or not at all; what is wrong with it is kept, to be shown."""
    connection.execute("begin")
    try:
        add()
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        if FULL in str(error):
            raise
        connection.execute("rollback")
        said = str(error).splitlines()[0]
        _label(connection, "damage", [f"{what}: cannot be read ({said}); delete it and run `dvc repro`"])
    else:
        connection.execute("commit")


def _label(connection: duckdb.DuckDBPyConnection, kind: str, names: Sequence[str]) -> None:
    for code, name in enumerate(names):
        connection.execute("insert into labels values (?, ?, ?)", [kind, code, name])


def _parts(file: Path) -> Iterator[Bounds]:
    """Cut a table, which is sorted by path id, into parts at its row groups."""
    starts: list[tuple[str, int]] = []
    rows = size = 0
    for first, count, text_bytes in _groups(file):
        if not starts or rows + count > PART_ROWS or size + text_bytes > PART_BYTES:
            starts.append((first, 0))
            rows = size = 0
        rows, size = rows + count, size + text_bytes
        starts[-1] = (starts[-1][0], rows)
    ends = [first for first, _ in starts[1:]] + [None]
    yield from ((first, end, count) for (first, count), end in zip(starts, ends, strict=True))


def _groups(file: Path) -> Iterator[tuple[str, int, int]]:
    """First path id, rows and bytes of text of each row group."""
    with pq.ParquetFile(file) as parquet:
        names = parquet.schema_arrow.names
        key, text = names.index("path_id"), names.index("text")
        for number in range(parquet.num_row_groups):
            group = parquet.metadata.row_group(number)
            if group.num_rows:
                yield group.column(key).statistics.min, group.num_rows, group.column(text).total_uncompressed_size


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    found = connection.execute(sql).fetchone()
    assert found is not None
    return found[0]
