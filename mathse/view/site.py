"""What all pages of a run share: its index, its names, what people decided, and the templates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mathse.look.catalogue import catalogue
from mathse.look.story.text import number_of, percent
from mathse.report.text import visible
from mathse.tables.schemas import Tag
from mathse.view import filters, index, listing, present, rows, running
from mathse.view.decisions import Decisions
from mathse.view.filters import BadFilter, Query, Vocabulary
from mathse.view.present import Card
from mathse.view.tables import Tables, missing

COMMON = ("subject", "level", "source")
"""Choices that every list has."""


class NotThere(BadFilter):
    """No row has this id."""


class Site:
    """One run as it was when its index was built.

    Args:
        file: The index of these tables.
        decisions: What people say of its paths.
        notes: Sentences that stand above every page.
    """

    def __init__(self, root: Path, tables: Tables, file: Path, decisions: Decisions, notes: Sequence[str] = ()) -> None:
        self.notes = notes
        self.root, self.tables, self.names = root, tables, tables.names
        self.index_file, self.decisions = file, decisions
        self.problem: str | None = None
        """Why the tables, which have changed, cannot be read anew."""
        self._index = index.open_index(file)
        self.known = filters.vocabulary(self._index)
        self._stamps = tables.stamps()
        self._rids: dict[str, int | None] = {}
        """Of paths that people decided on."""
        self.templates = Environment(
            loader=PackageLoader("mathse.view"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, finalize=visible,
        )  # fmt: skip
        self.templates.filters["model_name"] = self.names.title
        self.templates.globals.update(
            heading=lambda step: present.heading(step, self.names), model_name=self.names.title, known=self.known,
            link=link, present=present, duration=running.duration, tables_id=file.stem,
            editing=decisions.who is not None, percent=percent, number_of=number_of,
        )  # fmt: skip

    def query(self, request: Request, allowed: Sequence[str]) -> Query:
        """What a request asks for, of the choices that are allowed.

        Raises:
            BadFilter: It asks for something else.
        """
        return filters.parse(request.query_params.multi_items(), allowed, self.vocabulary(), self.cursor())

    def vocabulary(self) -> Vocabulary:
        """The names of the run, with the rows that people decided on by now."""
        current = self.decisions.state().standing.counting
        if unknown := [path_id for path_id in current if path_id not in self._rids]:
            self._rids |= dict.fromkeys(unknown) | rows.numbers(self.cursor(), unknown)
        decided: dict[str, list[int]] = {tag.value: [] for tag in Tag}
        for path_id, decision in current.items():
            if (rid := self._rids[path_id]) is not None:
                decided[decision.tag.value].append(rid)
        return replace(self.known, decided=decided)

    def cursor(self) -> filters.Connection:
        """A connection to the index, of its own for each request: they come at the same time."""
        return self._index.cursor()

    def path(self, path_id: str) -> rows.Row:
        """A path by its id.

        Raises:
            NotThere: There is none.
        """
        row = rows.path(self.cursor(), filters.identifier("path", path_id))
        if row is None:
            raise NotThere(f"No path has the id {path_id}")
        return row

    def cards(
        self, paths: Iterable[rows.Row], problems: Mapping[str, rows.Row], most: int = present.BRIEF
    ) -> list[Card]:
        """Paths as the pages show them, of their texts the first `most` characters; problems by id."""
        standing = self.decisions.state().standing
        return [
            present.card(
                row, self.known, self.names, problems.get(row["problem_id"]), standing.said(row["path_id"]), most
            )
            for row in paths
        ]

    def decided(self) -> listing.Decided:
        """What people say, as lists show it."""
        standing = self.decisions.state().standing
        return [
            (path_id, decision.tag.value, "\n".join(line.note for line in standing.said(path_id) if line.note))
            for path_id, decision in standing.counting.items()
        ]

    def are_stale(self) -> bool:
        """Whether a table was made, remade or removed since the index was built."""
        return [*catalogue(self.root, self.names)] != [*self.tables.all] or self.tables.stamps() != self._stamps

    def page(self, template: str, request: Request, query: Query, status: int = 200, **content: Any) -> Response:
        """A whole page, with what is missing or damaged above it."""
        problems = (self.problem, self.decisions.state().problem)
        damaged = [*self.tables.problems, *self.known.options("damage"), *(problem for problem in problems if problem)]
        text = self.templates.get_template(template).render(
            query=query, here=request.url.path, absent=[*self.notes, *missing(self.root)], damaged=damaged, **content
        )
        return HTMLResponse(text, status)

    def message(self, request: Request, title: str, text: str, status: int) -> Response:
        """A page that says what is wrong."""
        return self.page("message.html", request, Query({}), status=status, title=title, text=text)


def link(path: str, choices: dict[str, str], **changed: object) -> str:
    """An address with these choices; those that are None are left out."""
    pairs = {name: value for name, value in {**choices, **changed}.items() if value not in (None, "")}
    return path + (f"?{urlencode(pairs)}" if pairs else "")
