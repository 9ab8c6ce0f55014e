"""Rows of two tables matched by key and told apart; those that changed, came or went as one table on disk.

Rows that share a key are matched in the order in which they stand: the first with the first, the second with the
second; what is left over came or went. A null key matches a null key, NaN matches NaN. Two missing values are equal, a
missing and a present one are not. In columns of numbers NaN is a missing value too, and 1 equals 1.0; where a column is
text in one table and something else in the other, both are compared as text.

Grain of the table: one row per row that changed, came or went, in this order, each in the order of its table.

    change           changed
    path_id          0a51...                    the key
    changed_columns  ["status"]                 empty for rows that came or went
    old_status       WRONG                      null for rows that came
    new_status       CORRECT                    null for rows that went
    ...                                         the same for every other column, the stored hashes among them

A full join in DuckDB finds these rows. Where stored hashes can be trusted, it reads hashes alone: a million rows take a
quarter of a second, and only the rows that differ are read in full. What does not fit in memory is spilled to the disk.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathse.diff.document import Counts
from mathse.diff.sides import ROW_HASH, Columns, DiffError, Side
from mathse.tables import views
from mathse.tables.views import identifier, literal

CHANGE, WHICH = "change", "changed_columns"
OLD, NEW = "old_", "new_"
THREADS = 2
PART_ROWS = 8192
NUMBERS = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
    "FLOAT", "DOUBLE", "DECIMAL",
)  # fmt: skip
TEXTS = ("VARCHAR", "ENUM")


class Changes:
    """The rows of two tables that changed, came or went, found when it is made; closed after a `with` block.

    In every statement the old table is `o` and the new one `n`; `#place` is a row's number in its file.
    """

    def __init__(self, old: Side, new: Side, columns: Columns) -> None:
        """Find them.

        Raises:
            DiffError: They cannot be compared by this key.
        """
        self.old, self.new, self.columns = old, new, columns
        files = {"old_file": old.file, "new_file": new.file}
        self._database = views.connect(files, threads=THREADS, unverified=files)
        with self._explained():
            types = self._open("o", old), self._open("n", new)
            self._keys = {name: _comparable(name, *types, key=True) for name in columns.key}
            self._values = {name: _comparable(name, *types) for name in columns.common}
            # A table of this project has every key once: `mathse.tables.store` refuses a second row of it.
            self._repeated = (0, 0) if columns.unique else (self._repeated_keys("o", 0), self._repeated_keys("n", 1))
            self._match()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def counts(self) -> Counts:
        """How many they are; where stored hashes tell rows apart, no values are read for it."""
        ((both, added, removed),) = self._database.sql(
            "select count(old_place + new_place), count(*) - count(old_place), count(*) - count(new_place) from pairs"
        ).fetchall()
        return self._counts(both, added, removed, {})

    def write(self, file: Path) -> Counts:
        """Write the table of changes, and count its rows.

        Args:
            file: Where; overwritten.

        Raises:
            DiffError: A key column has a name that this table needs for its own.
        """
        schema = self._schema()
        kinds, columns = Counter[str](), Counter[str]()
        with self._explained(), pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for table, place, side in (("o", "old_place", self.old), ("n", "new_place", self.new)):
                # Of both files these rows alone are read in full, so that the tables joined below are small.
                self._database.execute(
                    f'create temp table {place}s as select "#place", {_list(self._read(side))} from {table} '
                    f'semi join pairs on "#place" = {place}'
                )
            for batch in self._database.sql(self._select(schema)).to_arrow_reader(PART_ROWS):
                writer.write_batch(batch.cast(schema))
                kinds.update(_tally(batch[CHANGE]))
                columns.update(_tally(batch[WHICH].flatten()))
        by_column = {name: columns[name] for name in self.columns.common if columns[name]}
        return self._counts(kinds["changed"], kinds["added"], kinds["removed"], by_column)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            self._database.close()
            names = f"{self.old.label}, {self.new.label}"
            raise DiffError(f"{names}: cannot be compared by {', '.join(self.columns.key)}: {error}") from error

    def _counts(self, changed: int, added: int, removed: int, by_column: dict[str, int]) -> Counts:
        unchanged = self.old.rows - removed - changed
        return Counts(self.old.rows, self.new.rows, changed, added, removed, unchanged, self._repeated, by_column)

    def _open(self, table: str, side: Side) -> dict[str, str]:
        """Make a view of a table, its rows with their places; returns the columns' types by name."""
        source = f"read_parquet({literal(str(side.file.resolve()))}, file_row_number = true)"
        self._database.execute(
            f'create view {table} as select * exclude (file_row_number), file_row_number as "#place" from {source}'
        )
        columns = dict(self._database.sql(f"select column_name, column_type from (describe {table})").fetchall())
        if unlike := [name for name in side.schema.names if name not in columns]:
            raise DiffError(f"{side.label}: column {unlike[0]} has the name of another one but for its case; rename it")
        return columns

    def _repeated_keys(self, table: str, side: int) -> int:
        """Rows that repeat another one's key."""
        key = ", ".join(pair[side] for pair in self._keys.values())
        ((count,),) = self._database.sql(f"select count(*) - count(distinct row({key})) from {table}").fetchall()
        return int(count)

    def _match(self) -> None:
        """Make the table `pairs`: the places of rows that differ, in both tables, or in the one that has the row."""
        values = {ROW_HASH: (f"o.{ROW_HASH}", f"n.{ROW_HASH}")} if self.columns.hashed else self._values
        by_hash = self.columns.hashed and self.columns.unique
        if by_hash:
            # A row's hash covers its key: where both tables have it, the row is the same, and its key is not read.
            self._database.execute(
                'create temp table rest as select o."#place" as old_place, n."#place" as new_place '
                f"from o full join n on o.{ROW_HASH} = n.{ROW_HASH} "
                'where o."#place" is null or n."#place" is null'
            )
        sides = []
        for side, (table, place) in enumerate((("o", "old_place"), ("n", "new_place"))):
            key = ", ".join(pair[side] for pair in self._keys.values())
            rank = f'row_number() over (partition by {key} order by "#place")' if any(self._repeated) else "1"
            read = _list(dict.fromkeys([*self._keys, *values]))
            rows = f'{table} semi join rest on "#place" = {place}' if by_hash else table
            sides.append(f'(select {read}, {rank} as "#rank", "#place" from {rows}) {table}')
        matched = [f"{old} is not distinct from {new}" for old, new in self._keys.values()]
        differing = [f"{old} is distinct from {new}" for old, new in values.values()]
        self._database.execute(
            f'create temp table pairs as select o."#place" as old_place, n."#place" as new_place '
            f'from {sides[0]} full join {sides[1]} on {" and ".join(matched)} and o."#rank" = n."#rank" '
            "where " + " or ".join(['o."#place" is null', 'n."#place" is null', *differing])
        )

    def _select(self, schema: pa.Schema) -> str:
        """The SELECT that makes the table of changes."""
        differing = ", ".join(
            f"if({old} is distinct from {new}, {literal(name)}, null)" for name, (old, new) in self._values.items()
        )
        forms = {
            CHANGE: "case when new_place is null then 'removed' when old_place is null then 'added' else 'changed' end",
            WHICH: (
                "case when old_place is null or new_place is null then [] "
                f"else list_filter([{differing}], lambda name: name is not null) end"
            ),
        }
        forms |= {name: f"coalesce({old}, {new})" for name, (old, new) in self._keys.items()}
        for prefix, table in ((OLD, "o"), (NEW, "n")):
            forms |= {prefix + name: f"{table}.{identifier(name)}" for name in self._read(self.old, self.new)}
        chosen = ", ".join(f"{forms[name]} as {identifier(name)}" for name in schema.names)
        return (
            f"select {_list(schema.names)} from (select {chosen}, old_place, new_place from pairs "
            'left join old_places o on o."#place" = old_place left join new_places n on n."#place" = new_place) '
            f"where {CHANGE} <> 'changed' or len({WHICH}) > 0 "
            "order by new_place is null, old_place is null, coalesce(old_place, new_place)"
        )

    def _read(self, *sides: Side) -> list[str]:
        """The columns that are read of the rows that differ."""
        return [name for side in sides for name in side.schema.names if name not in self.columns.unread]

    def _schema(self) -> pa.Schema:
        """Of the table of changes; the old value of a column stands before the new one."""
        sides = {OLD: self.old, NEW: self.new}
        both = [name for name in self._read(self.new) if name not in self._keys] + [*self.columns.only_old]
        keys = []
        for name in self._keys:
            types = [side.schema.field(name).type for side in (self.old, self.new)]
            numbers = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in types)
            keys.append(pa.field(name, types[0] if types[0] == types[1] else pa.float64() if numbers else pa.string()))
        values = [
            pa.field(prefix + name, side.schema.field(name).type)
            for name in both
            for prefix, side in sides.items()
            if name in side.schema.names
        ]
        fields = [pa.field(CHANGE, pa.string()), *keys, pa.field(WHICH, pa.list_(pa.string())), *values]
        names = [field.name for field in fields]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DiffError(
                f"{self.new.label}: column {twice[0]} has a name that the table of changes uses itself; rename it"
            )
        return pa.schema(fields)


def _comparable(name: str, old: dict[str, str], new: dict[str, str], key: bool = False) -> tuple[str, str]:
    """A column of both tables in SQL, so that values that are equal compare as equal."""
    forms, types = (f"o.{identifier(name)}", f"n.{identifier(name)}"), (old[name], new[name])
    if all(kind.startswith(NUMBERS) for kind in types):
        if key:
            return forms
        floats = [kind in ("FLOAT", "DOUBLE") for kind in types]
        old_form, new_form = (
            f"if(isnan({form}), null, {form})" if is_float else form
            for form, is_float in zip(forms, floats, strict=True)
        )
        return old_form, new_form
    if types[0] == types[1]:
        return forms
    if key or any(kind.startswith(TEXTS) for kind in types):
        return f"{forms[0]}::varchar", f"{forms[1]}::varchar"
    # Neither can be read as the other: they are the same only where both are missing.
    return f"if({forms[0]} is null, null, 'old')", f"if({forms[1]} is null, null, 'new')"


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(identifier, names))


def _tally(values: pa.Array) -> dict[str, int]:
    return {row["values"]: row["counts"] for row in pc.value_counts(values).to_pylist()}
