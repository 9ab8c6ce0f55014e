"""Follow a row: up to who wrote it, what was said of it and whose problem it solves, down to every model it trained.

A row is named by its id, or the first digits of it: a problem, or a path (and with it every training row made of it);
any row, a prediction or a verdict too, by its `row_hash`. Of a table DuckDB reads the few columns that are asked for,
and of those that are sorted by id only the groups of rows that can hold it.

    Node("path", "40b77e12...", "", {"kind": "reflection", "round": 2, "author": "figure-solver", ...}, (
        Node("verdict", "", "judged", {"status": "CORRECT", ...}),
        Node("path", "81c0a2d4...", "reconsiders", {...}, (...)),
        Node("problem", "3fa1...", "answers", {"source": "figures", "licence": "Apache-2.0", ...}),
        Node("mix", "data/mix/final.parquet", "in", {}, (Node("model", "models/final", "trained", {...}),))))
"""

from pathlib import Path
from typing import Any

from mathse import layout
from mathse.errors import UserError
from mathse.share.trace_tables import Models, Node, Tables

SHOWN_MATCHES = 5
_PATH = (
    "step, path_id, problem_id, kind, round, sample_idx, author, prompt_id, seed, answer, finish_reason, parent_path_id"
)
_VERDICT = "author, prompt_id, status, error_step, error_analysis, undecided_reason, rule_status, rule_reason"
_FEEDBACK = "author, prompt_id, status, error_step, error_analysis"
_PROBLEM = "source, source_id, licence, split, subject, level, language, question, answer"
_PREDICTION = "row_hash, model_name, problem_id, author, prompt_id, status, reason, answer"


class RowNotFound(UserError):
    """No row has an id that begins so, or more than one."""


def trace(root: Path, row: str) -> Node:
    """Follow a row up and down.

    Args:
        root: Folder of the project.
        row: Its id, or the first digits of it.

    Raises:
        RowNotFound: No row's id, or that of more than one, begins so; lists them.
        QueryError: A table cannot be read.
    """
    with Tables(root) as tables:
        kind, found = _find(tables, row)
        tracer = _Tracer(tables, Models(root))
        if kind == "prediction":
            return tracer.prediction(found)
        return tracer.problem(found) if kind == "problem" else tracer.path(found)


def _find(tables: Tables, prefix: str) -> tuple[str, str]:
    """Kind and id of the one row whose id begins so; of a row hash, those of what it says."""
    ids = [("problem", "problems", "problem_id"), *(("path", table, "path_id") for table in ("paths", *tables.mixes))]
    found = {(kind, one) for kind, table, column in ids for one in tables.beginning(table, column, column, prefix)}
    if not found:
        hashed = [("path", table, "path_id") for table in ("paths", "verdicts", *tables.mixes)]
        hashed += [("problem", "problems", "problem_id"), ("prediction", "predictions", "row_hash")]
        found = {
            (kind, one) for kind, *place in hashed for one in tables.beginning(place[0], "row_hash", place[1], prefix)
        }
    exact = {(kind, one) for kind, one in found if one == prefix}
    if len(exact or found) == 1:
        return next(iter(exact or found))
    if not tables.names:
        raise RowNotFound("there are no tables here yet; `dvc repro` makes them, `dvc pull` fetches them from a remote")
    if not found:
        raise RowNotFound(f"no row's id begins with {prefix!r}; `mathse query 'select path_id from paths'` lists some")
    listed = [f"{kind} {one}" for kind, one in sorted(found)]
    first = "\n  ".join(listed[:SHOWN_MATCHES])
    more = "" if len(listed) <= SHOWN_MATCHES else "\n  ..."
    raise RowNotFound(f"more than one id begins with {prefix!r}; give more digits:\n  {first}{more}")


class _Tracer:
    """Gathers what the tables say, from one row on; no path is followed twice."""

    def __init__(self, tables: Tables, models: Models) -> None:
        self._tables, self._models = tables, models
        self._seen: set[str] = set()

    def path(self, path_id: str, role: str = "", with_problem: bool = True) -> Node:
        """A path: its author, what was said of it, what it reconsiders, and what it trained."""
        self._seen.add(path_id)
        told = self._tables.rows("paths", _PATH, "path_id", path_id)
        mixes = [mix for mix in self._tables.mixes if self._tables.rows(mix, "path_id", "path_id", path_id)]
        if not told and mixes:  # the table it came from is not there
            told = self._tables.rows(mixes[0], "path_id, problem_id, kind, round", "path_id", path_id)
        facts = told[0] if told else {}
        below = [*self._author(facts), *self._said(path_id), *self._related(path_id, facts)]
        if with_problem and "problem_id" in facts:
            below.append(self.problem(facts["problem_id"], "answers", whole=False))
        below += [self._mix(mix) for mix in mixes]
        return Node("path", path_id, role, {key: facts[key] for key in facts if key != "path_id"}, tuple(below))

    def problem(self, problem_id: str, role: str = "", whole: bool = True) -> Node:
        """A problem with its origins; the whole of it with every path and prediction."""
        told = self._tables.rows("problems", _PROBLEM, "problem_id", problem_id)
        origins = self._tables.rows("origins", "source, source_id, licence, split", "problem_id", problem_id)
        below = [Node("origin", f"{one['source']} {one['source_id']}", "came from", one) for one in origins]
        if whole:
            paths = self._tables.rows("paths", "step, kind, sample_idx, path_id", "problem_id", problem_id)
            below += [
                self.path(one["path_id"], "has", with_problem=False)
                for one in sorted(paths, key=lambda one: (one["kind"], one["step"], one["sample_idx"], one["path_id"]))
                if one["path_id"] not in self._seen
            ]
            predicted = self._tables.rows("predictions", _PREDICTION, "problem_id", problem_id)
            below += [self._predicted(one, "has") for one in predicted]
        return Node("problem", problem_id, role, told[0] if told else {}, tuple(below))

    def prediction(self, row_hash: str) -> Node:
        """A prediction: the model that made it, and its problem."""
        facts = self._tables.rows("predictions", _PREDICTION, "row_hash", row_hash)[0]
        node = self._predicted(facts, "")
        problem = self.problem(facts["problem_id"], "answers", whole=False)
        return Node(node.what, node.id, "", node.facts, (*node.below, problem))

    def _predicted(self, facts: dict[str, Any], role: str) -> Node:
        return Node("prediction", facts["row_hash"], role, facts, tuple(self._author(facts)))

    def _author(self, facts: dict[str, Any]) -> list[Node]:
        """The model that wrote a row, if it lies here: a teacher has no folder."""
        known = self._models.of_fingerprint(facts.get("author", ""))
        return [self._models.node(known, "written by", down=False)] if known else []

    def _said(self, path_id: str) -> list[Node]:
        verdicts = self._tables.rows("verdicts", _VERDICT, "path_id", path_id)
        views = self._tables.feedback
        feedback = [row for view in views for row in self._tables.rows(view, _FEEDBACK, "path_id", path_id)]
        named = [{**one, "judge_folder": self._models.of_fingerprint(one["author"])} for one in verdicts]
        return [
            *(Node("verdict", "", "judged", one) for one in named),
            *(Node("feedback", "", "marked", one) for one in feedback),
        ]

    def _related(self, path_id: str, facts: dict[str, Any]) -> list[Node]:
        """The path that a reflection reconsiders, and the reflections on a path."""
        parent = facts.get("parent_path_id")
        children = self._tables.rows("paths", "path_id", "parent_path_id", path_id)
        related = [(parent, "reconsiders")] if parent else []
        related += [(one["path_id"], "reconsidered by") for one in children]
        return [self.path(one, role, with_problem=False) for one, role in related if one not in self._seen]

    def _mix(self, view: str) -> Node:
        mix, place = self._tables.mixes[view], self._tables.place(view).as_posix()
        if mix.kind == "held_out":  # it measures the ORM
            return Node("mix", place, "in", {})
        below = (self._models.node(layout.model(mix.of).as_posix(), "trained", down=True),)
        return Node("mix", place, "in", {}, below)
