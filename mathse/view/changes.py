"""What is different between two of a kind: steps, models, mixes, and a table at two git revisions.

/compare  /predictions   two steps, two models, side by side
/story                   what changed between two steps, and whether it helped; a part of the first page
/revisions               a table at two git revisions, and /revisions/difference, which takes a while
"""

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import duckdb
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mathse.diff.text import cell, difference, last_message, plain
from mathse.errors import UserError
from mathse.look.story import text
from mathse.look.story.telling import story
from mathse.view import filters, revisions, rows
from mathse.view.filters import BadFilter, Query
from mathse.view.site import COMMON, Site

OF_PAIRS = ("a", "b", "change", *COMMON, "after")
OF_REVISIONS = ("table", "a", "b")
COMPARED = ("paths", "verdicts", "mix", "predictions", "remaining", "problems")
"""Kinds of tables that people compare at two revisions."""
_ONE_AT_A_TIME = threading.Lock()
"""What is asked for takes seconds and gigabytes; who asks for the same meanwhile gets the answer of the first."""
_FAILURES = (UserError, duckdb.Error, MemoryError)
"""Of what reads the tables themselves; the index is as it was."""
NO_MEMORY = "This takes more memory than there is."


class Changes:
    """Pages that compare."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._differences = lru_cache(maxsize=32)(lambda *choices: revisions.comparison(site.root, *choices))
        # It tells of decisions too, which change while the tables do not.
        self._stories = lru_cache(maxsize=32)(lambda stamp, *steps: story(site.root, *steps))

    def compare(self, request: Request) -> Response:
        """Two rounds side by side."""
        query, cursor = self.site.query(request, OF_PAIRS), self.site.cursor()
        order = self.site.known.options("round")
        rounds = [name for name in order if self.site.names.asks(name) == "rollout"] or order
        sides = self._sides(query, "round", rounds)
        compared = rows.compare(cursor, query, "round", sides) if sides else None
        by_id = rows.problems(cursor, compared.rows) if compared else {}
        paths = rows.of_sides(cursor, [row["pid"] for row in compared.rows], sides) if compared and sides else {}
        problems = [
            (
                by_id[row["problem_id"]],
                [self.site.cards(paths.get((row["pid"], side), []), by_id) for side in sides or ()],
            )
            for row in (compared.rows if compared else [])
        ]
        names = [self.site.known.label("round", side) for side in sides or ()]
        return self.site.page("compare.html", request, query, compared=compared, problems=problems, names=names)

    def predictions(self, request: Request) -> Response:
        """Two models' predictions side by side."""
        query, cursor = self.site.query(request, OF_PAIRS), self.site.cursor()
        sides = self._sides(query, "model", self.site.known.options("model"))
        compared = rows.compare(cursor, query, "model", sides) if sides else None
        problems = rows.problems(cursor, compared.rows) if compared else {}
        names = [self.site.known.label("model", side) for side in sides or ()]
        return self.site.page("predictions.html", request, query, compared=compared, problems=problems, names=names)

    def revisions(self, request: Request) -> Response:
        """A table at two git revisions: what can be compared, and what was chosen."""
        query = self.site.query(request, OF_REVISIONS)
        choices = revisions.revisions(self.site.root)
        old, new, table = self._revisions(query) if "a" in query.choices else ("", None, "")
        if choices and not old:  # the last run that was committed, beside what lies here
            old = choices[0].name
        tables = [entry.entry.short for entry in self.site.tables.all.values() if entry.entry.kind in COMPARED]
        content: dict[str, Any] = {
            "choices": choices,
            "old": old,
            "new": new,
            "tables": tables,
            "is_chosen": bool(table),
        }
        return self.site.page("revisions.html", request, query, table=table or (tables or [""])[-1], **content)

    def difference(self, request: Request) -> Response:
        """What is different between them; a part of a page, as it takes a while."""
        old, new, table = self._revisions(self.site.query(request, OF_REVISIONS))
        try:
            with _ONE_AT_A_TIME:
                content: dict[str, Any] = {"document": self._differences(table, old, new), "problem": None}
        except _FAILURES as error:
            content = {"problem": str(error) or NO_MEMORY}
        template = self.site.templates.get_template("difference.html")
        return HTMLResponse(
            template.render(cell=cell, difference=difference, plain=plain, message_of=last_message, **content)
        )

    def story(self, request: Request) -> Response:
        """What changed from one step to another, and whether it helped; a part, as it takes a while."""
        query = self.site.query(request, ("a", "b"))
        try:
            stamp = self.site.decisions.state().stamp
            with _ONE_AT_A_TIME:
                document = self._stories(stamp, query.choices.get("a"), query.choices.get("b"))
            content: dict[str, Any] = {
                "title": text.title(document),
                "facts": text.facts(document),
                "cells": text.cells(document),
            }
            content |= {"headings": text.HEADINGS, "note": text.NOTE, "problem": None}
        except _FAILURES as error:
            content = {"problem": str(error) or NO_MEMORY}
        return HTMLResponse(self.site.templates.get_template("story.html").render(**content))

    def _sides(self, query: Query, kind: str, order: Sequence[str]) -> tuple[int, int] | None:
        """Two rounds or models: those asked for, or the first and the last; None if there are none."""
        for side in ("a", "b"):
            if side in query.choices:
                filters.code(kind, query.choices[side], self.site.known)
        if not order:
            return None
        names = query.choices.get("a", order[0]), query.choices.get("b", order[-1])
        a, b = (int(filters.code(kind, name, self.site.known)) for name in names)
        return a, b

    def _revisions(self, query: Query) -> tuple[str, str | None, str]:
        """Two commits, the second none for what lies there now, and the table that is compared."""
        table = query.choices.get("table", "")
        if table not in (there := [entry.entry.short for entry in self.site.tables.all.values()]):
            raise BadFilter(f"unknown table {table[:40]!r}; there are {', '.join(there) or 'none'}")
        new = query.choices.get("b")
        old = revisions.commit(self.site.root, query.choices.get("a", ""))
        return old, revisions.commit(self.site.root, new) if new else None, table
