"""Follow a row: up to who wrote it, what was said of it and whose problem it solves, down to every model it trained.

A row is named by its id (`mathse.look.ids`): a problem, or a path and with it every training row made of it. All is
read by SELECT from the views of `mathse query`.

    path 40b77e12  reflection 0, round 2, by figure-solver with reflect@1
    ├── judged CORRECT by models/orm with judge-brief@1; rule CORRECT (same value)
    ├── reconsiders path 81c0a2d4  rollout 1, round 2, by models/1 with solve-brief@1
    ├── answers problem 3fa1b2c3  figures 312, Apache-2.0, train, angles, level 2
    └── in data/mix/final.parquet
        └── trained models/final aa8e3619
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from rich.text import Text
from rich.tree import Tree

from mathse import layout
from mathse.look import catalogue, ids
from mathse.look.lineage import read_lineage
from mathse.report import names
from mathse.tables import views
from mathse.tables.schemas import Tag

SHORT = 8
LONGEST = 200
"""Characters shown of a line."""
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Node:
    """A row, table or model on the way.

    Attributes:
        what: `path`, `problem`, `origin`, `verdict`, `feedback`, `decision`, `prediction`, `mix` or `model`.
        id: Of a row its id, of a table or model its path; empty if it has none of its own.
        role: What it is to the node above: `judged`, `reconsiders`, `trained`, ...
        facts: The row, or what is known of the model.
        below: What it leads to.
    """

    what: str
    id: str
    role: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    below: tuple["Node", ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The node and all below it as JSON values."""
        below = [node.as_json() for node in self.below]
        return {"what": self.what, "id": self.id, "role": self.role, **dict(self.facts), "below": below}


def trace(root: Path, row: str) -> Node:
    """Follow a row up and down.

    Args:
        row: Its id, or the first digits of it.

    Raises:
        RowNotFound: No row's id, or that of more than one, begins so; lists them.
        QueryError: A table cannot be read.
    """
    with catalogue.connect(root) as connection:
        tracer = _Tracer(connection, root)
        try:
            match = ids.find(connection, row)
            if match.kind == "prediction":
                return tracer.prediction(match.id)
            return tracer.path(match.id) if match.kind == "path" else tracer.problem(match.id)
        except duckdb.Error as error:
            raise views.QueryError(f"a table cannot be read: {error}") from error


class _Tracer:
    """Gathers what the tables say, from one row on; no path is followed twice."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, root: Path) -> None:
        self._connection = connection
        self._views = {row[0] for row in connection.execute("show tables").fetchall()}
        folders = sorted(folder for folder in (root / layout.MODELS).glob("[!.]*") if folder.is_dir())
        self._names = names.of(root)
        self._models = {folder.relative_to(root).as_posix(): read_lineage(folder) for folder in folders}
        self._seen: set[str] = set()

    def _rows(self, view: str, key: str, value: str, order: str = "") -> list[dict[str, Any]]:
        """Rows of a view whose key has a value; none of a view that is not there."""
        if view not in self._views:
            return []
        sql = f"from {view} where {key} = $value {f'order by {order}' if order else ''}"
        return views.dicts(self._connection.execute(sql, {"value": value}))

    def path(self, path_id: str, role: str = "", with_problem: bool = True) -> Node:
        """A path: its author, what was said of it, what it reconsiders, and what it trained."""
        self._seen.add(path_id)
        held_out, mixes = (self._rows(view, "path_id", path_id) for view in ("held_out", "mix"))
        # Where the table of a path is not there, the row of a mix made of it says a part.
        parts = [*held_out, *({key: value for key, value in mixed.items() if key != "step"} for mixed in mixes)]
        row = next(iter([*self._rows("paths", "path_id", path_id), *parts]), {})
        below = [*self._author(row)]
        for verdict in self._rows("verdicts", "path_id", path_id):
            below.append(Node("verdict", "", "judged", verdict | {"judge_folder": self._folder(verdict["author"])}))
        below += [Node("feedback", "", "marked", marked) for marked in self._rows("feedback", "path_id", path_id)]
        decided = [taken for taken in self._rows("curation", "path_id", path_id) if taken["tag"] != Tag.NOTE]
        for taken in [*decided, *self._rows("notes", "path_id", path_id, '"at", row_hash')]:
            note = f": {taken['note']}" if taken["note"] else ""
            below.append(Node("decision", f"{taken['tag']} by {taken['who']}{note}", "tagged", taken))
        # The path that a reflection reconsiders or an edited one corrects, and those that were made of a path.
        verb = {"edited": "correct"}
        related = []
        if row.get("parent_path_id"):
            related = [(row["parent_path_id"], f"{verb.get(row['kind'], 'reconsider')}s")]
        for child in self._rows("paths", "parent_path_id", path_id):
            related.append((child["path_id"], f"{verb.get(child['kind'], 'reconsider')}ed by"))
        below += [self.path(other, role, with_problem=False) for other, role in related if other not in self._seen]
        if with_problem and row:
            below.append(self.problem(row["problem_id"], "answers", whole=False))
        below += [Node("mix", layout.orm_held_out(mixed["orm"]).as_posix(), "in") for mixed in held_out]
        for mixed in mixes:
            mix = layout.mix(mixed["step"]).as_posix()
            trained = {layout.model(name).as_posix() for name in self._names.models_of(mixed["step"])}
            trained |= {folder for folder, lineage in self._models.items() if mix in made_from(lineage)}
            models = tuple(self._model(folder, "trained", down=True) for folder in sorted(trained))
            below.append(Node("mix", mix, "in", {}, models))
        facts = {key: value for key, value in row.items() if key not in ("path_id", "orm")}
        return Node("path", path_id, role, facts, tuple(below))

    def problem(self, problem_id: str, role: str = "", whole: bool = True) -> Node:
        """A problem with its origins; the whole of it with every path and prediction."""
        rows = self._rows("problems", "problem_id", problem_id)
        below = [
            Node("origin", f"{origin['source']} {origin['source_id']}", "came from", origin)
            for origin in self._rows("origins", "problem_id", problem_id)
        ]
        if whole:
            for path in self._rows("paths", "problem_id", problem_id, "kind, step, sample_idx, path_id"):
                if path["path_id"] not in self._seen:
                    below.append(self.path(path["path_id"], "has", with_problem=False))
            for row in self._rows("predictions", "problem_id", problem_id):
                below.append(Node("prediction", row["row_hash"], "has", row, tuple(self._author(row))))
        return Node("problem", problem_id, role, rows[0] if rows else {}, tuple(below))

    def prediction(self, row_hash: str) -> Node:
        """A prediction: the model that made it, and its problem."""
        row = self._rows("predictions", "row_hash", row_hash)[0]
        below = (*self._author(row), self.problem(row["problem_id"], "answers", whole=False))
        return Node("prediction", row_hash, "", row, below)

    def _author(self, row: Mapping[str, Any]) -> Iterator[Node]:
        """The model that wrote a row, if it lies here: a teacher has no folder."""
        if folder := self._folder(row.get("author", "")):
            yield self._model(folder, "written by", down=False)

    def _folder(self, fingerprint: str) -> str | None:
        return next((path for path, lineage in self._models.items() if lineage.get("model") == fingerprint), None)

    def _model(self, path: str, role: str, down: bool, seen: tuple[str, ...] = ()) -> Node:
        """A model; `down` leads on to the models that were started from it."""
        lineage = self._models.get(path, {})
        facts = {"fingerprint": lineage.get("model"), "made_from": made_from(lineage), "there": path in self._models}
        started = [
            other for other in self._models if path in made_from(self._models[other]) and other not in (*seen, path)
        ]
        below = tuple(self._model(other, "start of", True, (*seen, path)) for other in started) if down else ()
        return Node("model", path, role, facts, below)


def made_from(lineage: Mapping[str, Any]) -> list[str]:
    """Where the mix and the start model of a model lie, as its lineage file has it."""
    parts = ((lineage.get("mix"), "file"), (lineage.get("start"), "folder"))
    places = [part.get(key) for part, key in parts if isinstance(part, dict)]
    return [place for place in places if isinstance(place, str)]


def tree(node: Node, above: Tree | None = None) -> Tree:
    """The trace as a tree for the terminal; no text of a row can change how the terminal behaves."""
    match node.what:
        case "mix" | "model" | "origin" | "decision":
            name = _plain(node.id)
        case "verdict" | "feedback":
            name = str(node.facts["status"])
        case _:
            name = f"{node.what} {_plain(node.id if not node.role else node.id[:SHORT])}"
    about = _plain(_about(node))
    label = Text.assemble((f"{node.role} " if node.role else "", "dim"), (name, "bold"), f"  {about}" if about else "")
    branch = Tree(label) if above is None else above.add(label)
    for below in node.below:
        tree(below, branch)
    return branch


def _about(node: Node) -> str:
    """What the line of a node says after its name."""
    facts = node.facts
    author = facts.get("author", "")
    author = author[:SHORT] if _FINGERPRINT.fullmatch(author) else author
    by = f"by {author} with {facts['prompt_id']}" if author else ""
    at_step = f"at {facts['error_step']}: {facts['error_analysis']}" if facts.get("error_step") else ""
    match node.what:
        case "path" | "problem" if not facts:
            return "its row is not there"
        case "path":
            number = f" {facts['sample_idx']}" if "sample_idx" in facts else ""
            return f"{facts['kind']}{number}, round {facts['round']}{f', {by}' if by else ''}"
        case "problem":
            about = ", ".join(str(facts[name]) for name in ("licence", "split", "subject"))
            return f"{facts['source']} {facts['source_id']}, {about}, level {facts['level']}: {facts['question']}"
        case "verdict":
            why = facts["undecided_reason"] or at_step
            judge = f"by {facts['judge_folder']} with {facts['prompt_id']}" if facts["judge_folder"] else by
            return f"{f'{why}; ' if why else ''}{judge}; rule {facts['rule_status']} ({facts['rule_reason']})"
        case "feedback":
            return f"{f'{at_step}; ' if at_step else ''}{by}"
        case "prediction":
            model = layout.model(facts["model_name"]).as_posix()
            return f"{facts['status']} ({facts['reason']}), by {model} with {facts['prompt_id']}"
        case "model" if not facts["there"]:
            return "not made yet"
        case "model":
            source = ", ".join(facts["made_from"])
            return f"{str(facts['fingerprint'])[:SHORT]}{f', from {source}' if source else ''}"
        case "origin":
            return f"{facts['licence']}, {facts['split']}"
    return ""


def _plain(text: str) -> str:
    """One line without control characters, and no longer than is read at a glance."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
