"""The table of changes in a database, to be asked; it reaches the compared files and the project's problems, no more.

Its view `changes` has the columns of the table on disk (`mathse.share.diff.changes`), each column X once more by its
own name (the new value or, of a row that went, the old one), the problem's subject, level, source and split and, where
it is known, `why` a row came or went.

Sample condition: `where kind = 'rollout' and old_status = 'WRONG' and new_status = 'CORRECT'`
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from mathse import layout
from mathse.share.diff.changes import NEW, OLD
from mathse.share.diff.reasons import Whys
from mathse.share.diff.sides import Columns, DiffError, Side
from mathse.tables import views

OF_PROBLEM = ("subject", "level", "source", "split")
_CLAUSES = ("where", "order", "limit", "qualify", "using")


class Asked:
    """The changes, all of them or those that a condition chooses.

    Args:
        changes: The table of changes.
        sides: The earlier and the later table.
        columns: How their columns relate.
        project: The project whose problems explain them; None if there is none.
        whys: Why rows came and went; None if it is not known.
        condition: What chooses among them, in SQL; the word `where` may be left out.

    Raises:
        DiffError: The condition cannot be run.
    """

    def __init__(
        self,
        changes: Path,
        sides: tuple[Side, Side],
        columns: Columns,
        project: Path | None,
        whys: Whys | None = None,
        condition: str = "",
    ) -> None:
        tables = {"written": changes, "old_table": sides[0].file, "new_table": sides[1].file}
        problems = project / layout.PROBLEMS if project else None
        if problems and problems.is_file():
            tables["known_problems"] = problems
        self.columns = columns
        self.connection = views.connect(tables)
        self.stored = [str(row[0]) for row in self.ask("describe written")]
        joined = self._joined("known_problems" in tables)
        if whys is not None:
            self.connection.register("whys", whys.rows)
            self.stored.append("why")
            # A source row may be rejected for several reasons.
            why = f"(select string_agg(why, '; ' order by why) from whys where id = {whys.key} and side = change)"
            joined = joined.replace("written.*", f"written.*, {why} as why", 1)
        self.connection.execute(f"create view everything as {joined}")
        self.names = [str(row[0]) for row in self.ask("describe everything")]
        self._choose(condition)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows that a query returns."""
        return list(views.query(self.connection, sql).rows)

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    def compared(self, *names: str) -> bool:
        """Whether both tables have these columns."""
        return all({OLD + name, NEW + name} <= set(self.stored) for name in names)

    def _mixable(self, name: str) -> bool:
        """Whether a column can stand under its own name: both tables have it, with one type, and the name is free."""
        return self.compared(name) and name not in self.stored and name not in self.columns.retyped

    def _joined(self, with_problems: bool) -> str:
        plain = [name.removeprefix(NEW) for name in self.stored if name.startswith(NEW)]
        own = [name for name in plain if self._mixable(name)]
        quoted = views.identifier
        chosen = ["written.*"]
        for name in own:
            chosen.append(f"if(change = 'removed', {quoted(OLD + name)}, {quoted(NEW + name)}) as {quoted(name)}")
        if not with_problems or not {"problem_id"} & {*self.columns.key, *own} or "subject" in own:
            return f"select {', '.join(chosen)} from written"
        chosen += [f"problem.{name}" for name in OF_PROBLEM if name not in own and name not in self.stored]
        given = "written.problem_id" if "problem_id" in self.columns.key else "coalesce(new_problem_id, old_problem_id)"
        join = f"left join known_problems problem on problem.problem_id = {given}"
        return f"select {', '.join(chosen)} from written {join}"

    def _choose(self, condition: str) -> None:
        clause = condition.strip().rstrip(";")
        if clause and not clause.lower().startswith(_CLAUSES):
            clause = f"where {clause}"
        sql = f"select * from everything\n{clause}"
        with self._explained():
            if len(duckdb.extract_statements(sql)) != 1:
                raise DiffError("--sql: one condition is expected, without a semicolon")
            # What a condition chooses is looked at many times, so it is worked out once.
            kind = "table" if clause else "view"
            self.connection.execute(f"create {kind} changes as {sql}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            raise DiffError(f"--sql: {error}\nthe columns are {', '.join(self.names)}") from error
