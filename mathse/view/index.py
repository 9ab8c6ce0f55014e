"""The index behind the pages: one DuckDB file under `.mathse/view`, built once for a state of the tables.

A page of 10,000,000 rows has to come in a fraction of a second. So the columns that filters ask about lie in one table
as small whole numbers, in a fixed order (`rid`), beside the texts. Nothing in it is new: deleting it costs the time to
build it again.

    rows       rid, step, kind, status, rule, subject, level, source, mixes, characters, pid, path_id, text, answer, ...
               (mixes: one bit per mix, whether the row is in it)
    problems   pid, problem_id, question, ..., one row per problem
    outcomes   step, pid, paths, correct: what a step made of a problem
    summary    step, kind, status, rule, paths: how many there are
    mixed      mix, step, kind, paths, problems, noise: what a mix is made of
    answers    model, pid, sample, status, text, ...: the predictions
    labels     kind, code, name: what the numbers stand for, and what is damaged
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from mathse import layout
from mathse.errors import UserError
from mathse.progress import progress
from mathse.tables.files import is_running, sha256
from mathse.tables.schemas import PathKind, Status
from mathse.view.tables import Tables

KINDS = [kind.value for kind in PathKind]
STATUSES = [status.value for status in Status]
"""A row has a name's place in its list, from 1; 0 stands for none."""
MEMORY_LIMIT = "2GB"
PART_ROWS = 1 << 19
PART_BYTES = 96 << 20
"""A part of a table is joined and sorted in memory: so many rows, and so many bytes of text, at most."""

_SCHEMA = """
create table labels (kind varchar, code integer, name varchar);
create table problems (
    pid integer, problem_id varchar, source integer, source_id varchar, licence varchar, split varchar,
    question varchar, choices varchar[], answer varchar, solution varchar, image_ids varchar[], subject integer,
    level integer, language varchar
);
create table rows (
    rid integer, step usmallint, kind utinyint, status utinyint, rule utinyint, subject integer, level integer,
    source integer, mixes bit, characters integer, tokens integer, confidence float, pid integer,
    path_id varchar, problem_id varchar, round integer, sample integer, author varchar,
    text varchar, answer varchar, finish varchar, error varchar, parent varchar, error_step varchar,
    analysis varchar, undecided varchar, rule_reason varchar
);
create table outcomes (step usmallint, pid integer, paths integer, correct integer);
create table summary (step usmallint, kind utinyint, status utinyint, rule utinyint, paths integer);
create table mixed (
    mix usmallint, step usmallint, kind utinyint, paths integer, problems integer, noise integer
);
create table answers (
    model usmallint, pid integer, sample integer, status utinyint, subject integer, level integer, source integer,
    problem_id varchar, text varchar, answer varchar, reason varchar
);
create temp table raw (
    problem_id varchar, source varchar, source_id varchar, licence varchar, split varchar, question varchar,
    choices varchar[], answer varchar, solution varchar, image_ids varchar[], subject varchar, level integer,
    language varchar
)
"""
_RAW_PROBLEMS = {
    "problems": """
insert into raw select problem_id, source, source_id, licence, split, question, choices, answer, solution, image_ids,
    subject, level, language from read_parquet($file)
""",
    "benchmark_items": """
insert into raw select benchmark || '/' || item_id, benchmark, item_id, licence, 'benchmark', question, choices, answer,
    null, image_ids, subject, level, language from read_parquet($file)
""",
}
_PROBLEMS = """
insert into labels select 'source', row_number() over (order by source) - 1, source
    from (select distinct source from raw);
insert into labels select 'subject', row_number() over (order by subject) - 1, subject
    from (select distinct subject from raw);
insert into problems
select row_number() over (order by problem_id) - 1, problem_id, s.code, source_id, licence, split, question, choices,
    answer, solution, image_ids, t.code, level, language
from raw p
join labels s on s.kind = 'source' and s.name = p.source
join labels t on t.kind = 'subject' and t.name = p.subject
order by problem_id;
drop table raw
"""
_NO_VERDICTS = """
select null::varchar as path_id, null::varchar as status, null::varchar as error_step,
    null::varchar as error_analysis, null::varchar as undecided_reason, null::varchar as rule_status,
    null::varchar as rule_reason, null::double as confidence where false
"""
_NO_MIXES = "select null::varchar as path_id, null::integer as mix where false"
_ROWS = """
insert into rows
select (select count(*) from rows) + row_number() over (order by p.path_id) - 1, $step,
    coalesce(list_position($kinds, p.kind), 0), coalesce(list_position($statuses, v.status), 0),
    coalesce(list_position($statuses, v.rule_status), 0),
    q.subject, q.level, q.source, coalesce(m.mixes, $no_mixes::bit), length(p.text), p.tokens_out, {confidence},
    q.pid, p.path_id, p.problem_id, p.round, p.sample_idx, p.author, p.text, p.answer, p.finish_reason,
    p.error, p.parent_path_id, v.error_step, v.error_analysis, v.undecided_reason, v.rule_reason
from (from read_parquet($paths) where path_id >= $low and ($high is null or path_id < $high)) p
left join (from ({verdicts}) where path_id >= $low and ($high is null or path_id < $high)) v using (path_id)
left join (
    select path_id, bitstring_agg(mix, 0, {last_mix}) as mixes from ({mixes})
    where path_id >= $low and ($high is null or path_id < $high) group by path_id
) m using (path_id)
left join problems q on q.problem_id = p.problem_id
order by p.path_id
"""
_COUNTS = """
insert into outcomes
select step, pid, count(*), count(*) filter (status = 1) from rows where pid is not null
group by step, pid order by step, pid;
insert into summary select step, kind, status, rule, count(*) from rows group by all order by all
"""
_MIXED = """
insert into mixed
select $mix, step, kind, count(*), count(distinct pid), count(*) filter (status = 1 and rule > 1)
from rows where get_bit(mixes, $mix) = 1 group by step, kind order by step, kind
"""
_ANSWERS = """
insert into answers
select $model, q.pid, {sample}, coalesce(list_position($statuses, p.status), 0), q.subject, q.level, q.source,
    p.problem_id, p.text, p.answer, p.reason
from read_parquet($file) p left join problems q on q.problem_id = p.problem_id
order by 2, 3
"""


_OF_DISKS = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.EACCES)))
"""What DuckDB quotes of the system where a disk refuses."""


def ensure(tables: Tables) -> Path:
    """The index of these tables, built if there is none yet or it is damaged; those of earlier states are removed.

    Its name has the hash of its content, which is compared at each start: of some damage DuckDB makes an older state.

    Raises:
        UserError: It cannot be written.
    """
    folder = tables.root / layout.STATE / "view"
    state = f"{tables.fingerprint()}-{_version()}"
    for file in folder.glob(f"{state}-*.duckdb"):
        with suppress(OSError):
            if file.name == f"{state}-{sha256(file)}.duckdb":
                return file
    for half in folder.glob(".*.duckdb*"):
        if not is_running(half.name.split(".")[1]):  # of a build that was killed
            remove([half])
    fresh = folder / f".{os.getpid()}.duckdb"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _build(fresh, tables)
        file = folder / f"{state}-{sha256(fresh)}.duckdb"
        os.replace(fresh, file)
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.OutOfMemoryException as error:
        raise UserError(f"{folder}: the pages' index needs more memory than {MEMORY_LIMIT} ({error})") from error
    except (OSError, duckdb.Error) as error:
        remedy = "it must be writable, with room on its disk"
        raise UserError(f"{folder}: the pages' index cannot be built ({error}); {remedy}") from error
    finally:
        remove(folder.glob(f"{fresh.name}*"))
    remove(set(folder.glob("[!.]*.duckdb")) - {file})
    return file


def open_index(file: Path) -> duckdb.DuckDBPyConnection:
    """Open an index to be read, closed to every other file, extension and setting."""
    connection = duckdb.connect(str(file), read_only=True, config={"memory_limit": MEMORY_LIMIT})
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    connection.execute("set timezone = 'UTC'; set enable_external_access = false; set lock_configuration = true")
    return connection


def remove(files: Iterable[Path]) -> None:
    """Remove files of an index, as far as that can be done: what stays is not used."""
    for file in files:
        with suppress(OSError):
            shutil.rmtree(file, ignore_errors=True) if file.is_dir() else file.unlink()


def _version() -> str:
    """Changes when the index would be built otherwise."""
    statements = (
        _SCHEMA,
        *_RAW_PROBLEMS.values(),
        _PROBLEMS,
        _NO_VERDICTS,
        _NO_MIXES,
        _ROWS,
        _COUNTS,
        _MIXED,
        _ANSWERS,
    )
    return hashlib.blake2b("\0".join((duckdb.__version__, *statements)).encode(), digest_size=4).hexdigest()


def _build(fresh: Path, tables: Tables) -> None:
    steps, models = tables.steps(), tables.of_kind("predictions")
    mixes = tables.mixes()
    total = sum(tables.all[paths].rows for paths, _ in steps.values())
    with duckdb.connect(str(fresh), config={"memory_limit": MEMORY_LIMIT}) as connection:
        connection.execute("set timezone = 'UTC'; set preserve_insertion_order = true")
        connection.execute(_SCHEMA)
        for name, sql in _RAW_PROBLEMS.items():
            if file := tables.readable.get(name):
                _add(connection, file, partial(connection.execute, sql, {"file": str(file)}))
        connection.execute(_PROBLEMS)
        _label(connection, "step", list(steps))
        _label(connection, "model", list(models))
        _label(connection, "mix", list(mixes))
        of_mix = "select path_id, {0} as mix from read_parquet($mix_{0})"
        in_mixes = " union all ".join(of_mix.format(code) for code in range(len(mixes))) or _NO_MIXES
        mix_files = {f"mix_{code}": str(file) for code, file in enumerate(mixes.values())}
        with progress("view: index", max(total, 1)) as advance:
            for code, (paths, verdicts) in enumerate(steps.values()):
                file, judged = tables.readable[paths], tables.readable.get(verdicts or "")
                sql = _ROWS.format(
                    verdicts="from read_parquet($verdicts)" if judged else _NO_VERDICTS,
                    confidence="v.confidence" if _has(judged, "confidence") else "null",
                    mixes=in_mixes,
                    last_mix=max(0, len(mixes) - 1),
                )
                values = {"step": code, "kinds": KINDS, "statuses": STATUSES, "paths": str(file), **mix_files}
                values["no_mixes"] = "0" * max(1, len(mixes))
                values |= {"verdicts": str(judged)} if judged else {}

                def add(file: Path = file, sql: str = sql, values: dict[str, Any] = values) -> None:
                    for low, high, rows in _parts(file):
                        connection.execute(sql, {**values, "low": low, "high": high})
                        advance(rows)

                _add(connection, file, add)
        connection.execute(_COUNTS)
        for code in range(len(mixes)):
            connection.execute(_MIXED, {"mix": code})
        for code, file in enumerate(models.values()):
            # One row per problem, or one per sample of it where the table says which.
            sample = "p.sample_idx" if _has(file, "sample_idx") else "0"
            sql, values = _ANSWERS.format(sample=sample), {"model": code, "statuses": STATUSES, "file": str(file)}
            _add(connection, file, partial(connection.execute, sql, values))
        connection.execute("checkpoint")


def _add(connection: duckdb.DuckDBPyConnection, file: Path, add: Callable[[], object]) -> None:
    """Add a table whole or not at all; what is wrong with it becomes a label, to be shown."""
    connection.execute("begin")
    try:
        add()
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        if any(words in str(error) for words in _OF_DISKS):  # no fault of this table, and gone another time
            raise
        connection.execute("rollback")
        reason = str(error).splitlines()[0]
        _label(connection, "damage", [f"{file}: cannot be read ({reason}); delete it and run `dvc repro`"])
    else:
        connection.execute("commit")


def _has(file: Path | None, column: str) -> bool:
    """Whether a table has a column that came later than others."""
    return file is not None and column in pq.read_schema(file).names


def _label(connection: duckdb.DuckDBPyConnection, kind: str, names: Sequence[str]) -> None:
    for code, name in enumerate(names):
        connection.execute("insert into labels values (?, ?, ?)", [kind, code, name])


def _parts(file: Path) -> Iterator[tuple[str, str | None, int]]:
    """Cut a table, which is sorted by path id, into parts at its row groups (`PART_ROWS`, `PART_BYTES`).

    Yields:
        The first path id of a part, that of the next part, and the part's number of rows.
    """
    parts: list[tuple[str, int]] = []
    rows = size = 0
    with pq.ParquetFile(file) as parquet:
        names = parquet.schema_arrow.names
        key, text = names.index("path_id"), names.index("text")
        for number in range(parquet.num_row_groups):
            group = parquet.metadata.row_group(number)
            if not group.num_rows:
                continue
            text_bytes = group.column(text).total_uncompressed_size
            if not parts or rows + group.num_rows > PART_ROWS or size + text_bytes > PART_BYTES:
                parts.append((group.column(key).statistics.min, 0))
                rows = size = 0
            rows, size = rows + group.num_rows, size + text_bytes
            parts[-1] = (parts[-1][0], rows)
    ends = [first for first, _ in parts[1:]] + [None]
    yield from ((first, end, count) for (first, count), end in zip(parts, ends, strict=True))
