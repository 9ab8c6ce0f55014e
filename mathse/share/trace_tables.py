"""What a trace is made of: nodes, the tables it asks, and the models that lie here.

Sample: `Tables(root).rows("paths", "kind, round", "path_id", "40b77e12...")`  ->  `[{"kind": "rollout", "round": 1}]`
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from mathse import layout
from mathse.share import catalogue
from mathse.share.ancestry import made_from, read_lineage
from mathse.tables import views

MOST_MATCHES = 6
LAST = "\U0010ffff"
"""Comes after every character of an id."""


@dataclass(frozen=True)
class Node:
    """A row, table or model on the way.

    Attributes:
        what: `path`, `problem`, `origin`, `verdict`, `feedback`, `prediction`, `mix` or `model`.
        id: Of a row its id, of a table or model its path; empty if it has none of its own.
        role: What it is to the node above: `judged`, `reconsiders`, `trained`, ...
        facts: What its table says of it.
        below: What it leads to.
    """

    what: str
    id: str
    role: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    below: tuple["Node", ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The node and all below it as JSON values."""
        below = [one.as_json() for one in self.below]
        return {"what": self.what, "id": self.id, "role": self.role, **dict(self.facts), "below": below}


class Tables:
    """The tables of a project, closed to everything but reading; those that are not there hold no rows."""

    def __init__(self, root: Path) -> None:
        self._connection = catalogue.connect(root)
        self.names = {row[0] for row in self._connection.execute("show tables").fetchall()}
        found = {view: entry for view, entry in catalogue.catalogue(root).items() if view in self.names}
        self.mixes = {view: entry for view, entry in found.items() if entry.kind in ("mix", "held_out")}
        """What trained a model, and what was held out to measure an ORM, by view."""
        self.feedback = [view for view, entry in found.items() if entry.kind == "feedback"]
        self._root = root

    def place(self, view: str) -> Path:
        """Where a mix lies, relative to the project's root."""
        return self.mixes[view].file.relative_to(self._root)

    def __enter__(self) -> "Tables":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def rows(self, table: str, columns: str, key: str, value: str) -> list[dict[str, Any]]:
        """Rows whose key has a value.

        Raises:
            QueryError: The table cannot be read.
        """
        if table not in self.names:
            return []
        return self._asked(f"select {columns} from {table} where {key} = $value", {"value": value})

    def beginning(self, table: str, key: str, column: str, prefix: str) -> list[str]:
        """Up to six values of a column in rows whose key begins so; as a range, which skips groups of rows.

        Raises:
            QueryError: The table cannot be read.
        """
        if table not in self.names:
            return []
        sql = (
            f"select distinct {column} as one from {table} where {key} >= $first and {key} < $last limit {MOST_MATCHES}"
        )
        return [row["one"] for row in self._asked(sql, {"first": prefix, "last": prefix + LAST})]

    def _asked(self, sql: str, values: dict[str, str]) -> list[dict[str, Any]]:
        try:
            result = self._connection.execute(sql, values)
            columns = [column[0] for column in result.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
        except duckdb.Error as error:
            raise views.QueryError(f"a table cannot be read: {error}") from error


class Models:
    """The models of a project, by what their lineage files say."""

    def __init__(self, root: Path) -> None:
        folders = sorted(folder for folder in (root / layout.MODELS).glob("[!.]*") if folder.is_dir())
        self._lineages = {folder.relative_to(root).as_posix(): read_lineage(folder) for folder in folders}

    def of_fingerprint(self, fingerprint: str) -> str | None:
        """The folder of the model with this fingerprint; None if it does not lie here."""
        return next((path for path, said in self._lineages.items() if said.get("model") == fingerprint), None)

    def node(self, path: str, role: str, down: bool, seen: tuple[str, ...] = ()) -> Node:
        """A model.

        Args:
            path: Its folder.
            role: What it is to the node above.
            down: Lead on to the models that were started from it; else to what it was made from.
            seen: Models above it, which are not followed again.
        """
        said = self._lineages.get(path, {})
        facts = {"fingerprint": said.get("model"), "made_from": list(made_from(said)), "there": path in self._lineages}
        began = [
            other for other, its in self._lineages.items() if path in made_from(its) and other not in (*seen, path)
        ]
        below = [self.node(other, "start of", True, (*seen, path)) for other in began] if down else []
        return Node("model", path, role, facts, tuple(below))
