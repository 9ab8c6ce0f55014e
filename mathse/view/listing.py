"""Rows of a list by column: as a page shows them, and all that a filter lets through as a file.

One definition per column serves both. A file is written as it is sent, a batch in memory, in the page's order.

Sample of `rows.csv`: `path_id,step,kind,verdict,rule,characters` then `000c4d0a...,1,rollout,CORRECT,CORRECT,143`
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from mathse.tables.views import dicts, literal
from mathse.view import rows
from mathse.view.filters import BadFilter, Connection, Query, Vocabulary, sort_key
from mathse.view.index import KINDS, STATUSES

BATCH = 1 << 14
"""Rows of a file that are in memory at once."""


class Column(NamedTuple):
    """A column of the list.

    Attributes:
        title: What its heading says.
        sql: Its value, of a row `r`, its problem `p` and what people decided on it, `d`.
        number: Whether it holds numbers.
    """

    title: str
    sql: str
    number: bool = False

    @property
    def text(self) -> bool:
        """Whether it holds texts of models, with mathematics in them."""
        return self.title in ("question", "answer", "gold", "ORM's analysis", "text")


def _of(names: Sequence[str], column: str) -> str:
    return f"[{', '.join(map(literal, names))}][r.{column}]"


def _label(kind: str, code: str) -> str:
    return f"(select name from labels where kind = '{kind}' and code = {code})"


COLUMNS = {
    "path_id": Column("path", "r.path_id"),
    "step": Column("step", _label("step", "r.step")),
    "kind": Column("kind", _of(KINDS, "kind")),
    "sample": Column("sample", "r.sample", True),
    "verdict": Column("ORM", _of(STATUSES, "status")),
    "confidence": Column("confidence", "r.confidence", True),
    "rule": Column("rule", _of(STATUSES, "rule")),
    "rule_reason": Column("rule's reason", "r.rule_reason"),
    "error_step": Column("wrong step", "r.error_step"),
    "error_analysis": Column("ORM's analysis", "r.analysis"),
    "subject": Column("subject", _label("subject", "r.subject")),
    "level": Column("level", "r.level", True),
    "source": Column("source", _label("source", "r.source")),
    "problem_id": Column("problem", "r.problem_id"),
    "question": Column("question", "p.question"),
    "answer": Column("answer", "r.answer"),
    "gold": Column("gold", "p.answer"),
    "characters": Column("characters", "r.characters", True),
    "tokens": Column("tokens", "r.tokens", True),
    "finish_reason": Column("ended by", "r.finish"),
    "author": Column("author", "r.author"),
    "mixes": Column("in mixes", "{mixes}"),
    "tag": Column("tag", "d.tag"),
    "note": Column("note", "d.note"),
    "text": Column("text", "r.text"),
}
"""What can be shown of a row, in the order in which it is."""
FIRST = ("path_id", "step", "verdict", "rule", "subject", "level", "answer", "gold", "characters", "text")
"""Shown where nobody has chosen."""
Decided = Sequence[tuple[str, str, str]]
"""Path, tag and note of what people decided on."""


def chosen(text: str) -> tuple[str, ...]:
    """The columns that a request asks for, in the list's order.

    Raises:
        BadFilter: There is no such column.
    """
    names = [name for name in text.split(",") if name]
    if unknown := [name for name in names if name not in COLUMNS]:
        raise BadFilter(f"unknown column {unknown[0][:40]!r}; there are {', '.join(COLUMNS)}")
    return tuple(name for name in COLUMNS if name in names) or FIRST


def cells(
    connection: Connection, rids: Sequence[int], columns: Sequence[str], known: Vocabulary, decided: Decided
) -> list[dict[str, Any]]:
    """The columns of listed rows, in the list's order, and their problems' options."""
    if not rids:
        return []
    part = "rid in (select unnest(?::integer[]))", [list(rids)]
    matches = dicts(connection.execute(*_select(("path_id", *columns), known, decided, *part, "r.rid", "p.choices")))
    place = {rid: number for number, rid in enumerate(rids)}
    return sorted(matches, key=lambda row: place[row["rid"]])


def stream(
    connection: Connection, query: Query, columns: Sequence[str], known: Vocabulary, decided: Decided, form: str
) -> Iterator[bytes]:
    """All rows that a request asks for, as a file of the form, in pieces as they are read."""

    def tables() -> Iterator[pa.Table]:
        for where, bound, order in _parts(connection, query):
            sql, values = _select(columns, known, decided, where, bound)
            yield connection.sql(f"{sql} order by {order}", params=values).to_arrow_table()

    return FORMS[form].write(tables())


def _parts(connection: Connection, query: Query) -> Iterator[tuple[str, list[Any], str]]:
    """Conditions, what is bound to them, and an order: parts of what a request asks for, the first of them empty."""
    yield "false", [], "r.rid"
    matching = query.in_texts()
    if query.sorted_by is None:
        within = f"rid between ? and ? and {matching.where}"
        for low in range(0, rows.last(connection) + 1, BATCH):
            yield within, [low, low + BATCH - 1, *matching.values], "r.rid"
        return
    name, largest_first = query.sorted_by
    direction = "desc" if largest_first else "asc"
    sql = f"select rid from rows where {matching.where} order by {sort_key(name)} {direction}, rid"
    rids = connection.execute(sql, matching.values).fetchnumpy()["rid"]
    for start in range(0, len(rids), BATCH):
        part = rids[start : start + BATCH].tolist()
        yield "rid in (select unnest(?::integer[]))", [part], f"{sort_key(name, 'r.')} {direction}, r.rid"


def _select(
    columns: Sequence[str], known: Vocabulary, decided: Decided, where: str, bound: list[Any], *more: str
) -> tuple[str, list[Any]]:
    """The list's statement without its order, and what is bound to it.

    The rows are found by their narrow columns first; what belongs to them is joined to these alone.

    Args:
        where: Conditions on `rows`, to which `bound` is bound.
        more: Expressions beside the columns.
    """
    flags = ", ".join(
        f"case when get_bit(r.mixes, {int(code)}) = 1 then {literal(name)} end"
        for name, code in known.names["mix"].items()
    )
    mixes = f"nullif(concat_ws(' ', {flags}), '')" if flags else "null::varchar"
    expressions = [f"{COLUMNS[name].sql.format(mixes=mixes)} as {name}" for name in dict.fromkeys(columns)]
    people = "(select unnest(?::varchar[]) as path_id, unnest(?::varchar[]) as tag, unnest(?::varchar[]) as note)"
    sql = f"""
        with listed as materialized (
            select * from rows where rowid in (select rowid from rows where {where})
        ), answered as materialized (
            select * from problems
            where rowid in (select rowid from problems where pid in (select pid from listed))
        )
        select {", ".join([*more, *expressions])} from listed r left join answered p on p.pid = r.pid
        left join {people} d on d.path_id = r.path_id
    """
    people_say = [list(part) for part in zip(*decided, strict=True)] or [[], [], []]
    return sql, [*bound, *people_say]


class Form(NamedTuple):
    """A form of file.

    Attributes:
        title: What people call it.
        media: Its media type.
        write: The file's bytes, of its rows in parts, the first of them empty.
    """

    title: str
    media: str
    write: Callable[[Iterator[pa.Table]], Iterator[bytes]]


def _csv(tables: Iterator[pa.Table]) -> Iterator[bytes]:
    for place, table in enumerate(tables):
        written = io.StringIO(newline="")
        writer = csv.writer(written)
        if not place:
            writer.writerow(table.column_names)
        writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
        yield written.getvalue().encode()


def _jsonl(tables: Iterator[pa.Table]) -> Iterator[bytes]:
    for table in tables:
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist()).encode()


def _parquet(tables: Iterator[pa.Table]) -> Iterator[bytes]:
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), next(tables).schema, compression="zstd") as writer:
        for table in tables:
            if table.num_rows:
                writer.write_table(table)
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """Collects what is written until it is taken, and says how much it was in all."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._total = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._total

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._total += len(self._parts[-1])
        return len(self._parts[-1])

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


FORMS = {
    "csv": Form("CSV", "text/csv; charset=utf-8", _csv),
    "jsonl": Form("JSON Lines", "application/x-ndjson", _jsonl),
    "parquet": Form("Parquet", "application/vnd.apache.parquet", _parquet),
}
