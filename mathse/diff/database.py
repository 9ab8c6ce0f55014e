"""The table of changes in a database; queries reach the compared files and the project's problems, and no more.

Its view `changes` has the columns of the table on disk (`mathse.diff.changes`), each column X once more by its own name
(the new value or, of a row that went, the old one), the problem's subject, level, source and split and, where it is
known, `why` a row came or went.

Sample condition: `where kind = 'rollout' and old_status = 'WRONG' and new_status = 'CORRECT'`
"""

from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from mathse import layout
from mathse.diff.changes import NEW, OLD, PART_ROWS
from mathse.diff.reasons import Reasons
from mathse.diff.sides import Columns, DiffError, Side
from mathse.limits import bounded_memory
from mathse.tables import views
from mathse.tables.files import replaced
from mathse.tables.views import identifier

OF_PROBLEM = ("subject", "level", "source", "split")
CLAUSES = ("where", "order", "limit", "qualify", "using")


class Database:
    """The changes, all of them or those that a condition chooses; closed after a `with` block."""

    def __init__(
        self, changes: Path, sides: tuple[Side, Side], columns: Columns, project: Path | None,
        reasons: Reasons | None = None, condition: str = "",
    ) -> None:  # fmt: skip
        """Open the table of changes.

        Args:
            project: The project whose problems explain them; None if there is none.
            reasons: Why rows came and went; None if it is not known.
            condition: What chooses among them, in SQL; the word `where` may be left out.

        Raises:
            DiffError: The condition cannot be run.
        """
        tables = {"written": changes, "old_table": sides[0].file, "new_table": sides[1].file}
        problems = project / layout.PROBLEMS if project else None
        if problems and problems.is_file():
            tables["known_problems"] = problems
        self._file, self._key, self._retyped = changes, columns.key, columns.retyped
        self._connection = views.connect(tables, unverified=("written", "old_table", "new_table"))
        self.stored = [str(row[0]) for row in self.select("describe written")]
        self._connection.execute(f"create view everything as {self._everything('known_problems' in tables, reasons)}")
        self.names = [str(row[0]) for row in self.select("describe everything")]

        clause = condition.strip().rstrip(";")
        if clause and not clause.lower().startswith(CLAUSES):
            clause = f"where {clause}"
        sql = f"select * from everything\n{clause}"
        try:
            if len(duckdb.extract_statements(sql)) != 1:
                raise DiffError("--sql: one condition is expected, without a semicolon")
            # What a condition chooses is looked at many times, so it is worked out once.
            with bounded_memory():
                self._connection.execute(f"create {'table' if clause else 'view'} changes as {sql}")
        except duckdb.Error as error:
            raise DiffError(f"--sql: {error}\nthe columns are {', '.join(self.names)}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows that a query returns."""
        return list(views.query(self._connection, sql).rows)

    def compared(self, *names: str) -> bool:
        """Whether both tables have these columns."""
        return all({OLD + name, NEW + name} <= set(self.stored) for name in names)

    def save(self, target: Path) -> None:
        """Save the table of changes, or those rows of it that were chosen.

        Raises:
            CannotWrite: The disk refuses.
        """
        schema = pq.read_schema(self._file)
        if "why" in self.stored:
            schema = schema.append(pa.field("why", pa.string()))
        selection = self._connection.sql(f"select {', '.join(map(identifier, self.stored))} from changes")
        with replaced(target) as fresh, pq.ParquetWriter(fresh, schema, compression="zstd") as writer:
            for batch in selection.to_arrow_reader(PART_ROWS):
                writer.write_batch(batch.cast(schema))

    def _everything(self, with_problems: bool, reasons: Reasons | None) -> str:
        """The SELECT of all changes, with what else is known of each."""
        plain = [name.removeprefix(NEW) for name in self.stored if name.startswith(NEW)]
        # A column can stand under its own name where both tables have it, with one type, and the name is free.
        own = [name for name in plain if self.compared(name) and name not in self.stored and name not in self._retyped]
        columns = ["written.*"]
        if reasons is not None:
            self._connection.register("reasons", reasons.rows)
            self.stored.append("why")
            # A source row may be rejected for several reasons.
            columns.append(
                "(select string_agg(why, '; ' order by why) from reasons "
                f"where id = {reasons.key} and side = change) as why"
            )
        for name in own:
            values = identifier(OLD + name), identifier(NEW + name)
            columns.append(f"if(change = 'removed', {values[0]}, {values[1]}) as {identifier(name)}")
        if not with_problems or "problem_id" not in (*self._key, *own) or "subject" in own:
            return f"select {', '.join(columns)} from written"
        columns += [f"problem.{name}" for name in OF_PROBLEM if name not in own and name not in self.stored]
        problem_id = "written.problem_id" if "problem_id" in self._key else "coalesce(new_problem_id, old_problem_id)"
        join = f"left join known_problems problem on problem.problem_id = {problem_id}"
        return f"select {', '.join(columns)} from written {join}"
