"""The pages: what each asks of the index, and which template shows it.

/                    the steps and models of the run, and what is missing or damaged
/paths  /path/ID     paths that a filter lets through; one path with all that is known of it
/mixes  /mix/NAME    the mixes, and one mix's rows by column
/rows/FORM           what a filter lets through, as a file
/edit/...            what people decide on paths (POST, `mathse view --edit`)
/running             what of the run is going on
/find                the row whose id begins so, or the paths that have these words
/problems  /problem/ID   the same of problems
/compare  /predictions   two rounds, two models, side by side
/charts  /image/ID       the run's charts; an image by its content id
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from mathse.errors import UserError
from mathse.look.catalogue import catalogue
from mathse.report import table
from mathse.report.text import visible
from mathse.tables.schemas import Tag
from mathse.view import charts, filters, index, listing, present, rows, running
from mathse.view.decisions import Decisions, Draft, Wish, body
from mathse.view.filters import BadFilter, Query, Vocabulary
from mathse.view.present import Card
from mathse.view.tables import Tables, image, missing, mix_report, record

COMMON = ("subject", "level", "source")
OF_PATHS = (
    "q", "round", "kind", "verdict", "rule", "agree", "mix", "tag", *COMMON, "problem", "sort", "layout",
    filters.COLUMN, "after", "before",
)  # fmt: skip
OF_PROBLEMS = ("q", "split", "language", *COMMON, "after", "before")
UNMISTAKABLE = 8
"""Digits of an id, as the pages show them, that are hardly a number that somebody looks for."""
OF_PAIRS = ("a", "b", "change", *COMMON, "after")


class NotThere(BadFilter):
    """No row has this id."""


class Pages:
    """Everything that is shown of one run."""

    def __init__(self, root: Path, tables: Tables, file: Path, decisions: Decisions) -> None:
        self.root, self.tables, self.names = root, tables, tables.names
        self.index_file, self.decisions = file, decisions
        self.problem: str | None = None
        """Why the tables, which have changed, cannot be read anew."""
        self._index = index.open_index(file)
        self.known = filters.vocabulary(self._index)
        self._stamps = tables.stamps()
        # By what is asked for alone: each page of a list asks for its count anew.
        self._counted = lru_cache(maxsize=256)(
            lambda conditions, words, phrases: rows.count(self._cursor(), Query({}, conditions, words, phrases))
        )
        self._rids: dict[str, int | None] = {}
        """Of paths that people decided on."""
        self._mix = lru_cache(maxsize=None)(self._mix_facts)
        self._templates = Environment(
            loader=PackageLoader("mathse.view"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, finalize=visible,
        )  # fmt: skip
        self._templates.filters["model_name"] = self.names.title
        self._templates.globals.update(
            heading=lambda step: present.heading(step, self.names), model_name=self.names.title, known=self.known,
            link=_link, present=present, duration=running.duration, tables_id=file.stem,
            editing=decisions.who is not None,
        )  # fmt: skip

    def overview(self, request: Request) -> Response:
        """What there is."""
        query, cursor = self._query(request, ()), self._cursor()
        steps = [{**row, "name": self.known.label("round", row["step"])} for row in rows.steps(cursor)]
        try:
            models = [table.cells(model) for model in table.load(self.root)]
        except UserError:  # nothing is measured yet
            models = []
        shown: dict[str, Any] = {
            "steps": steps,
            "headings": table.HEADINGS,
            "models": models,
            "splits": rows.splits(cursor),
        }
        return self._page("overview.html", request, query, **shown)

    def paths(self, request: Request) -> Response:
        """Paths that a filter lets through."""
        return self._listing(request, self._query(request, OF_PATHS), "cards")

    def mix(self, request: Request) -> Response:
        """A mix: what it is made of, and those of its rows that a filter lets through."""
        name = request.path_params["name"]
        code = self.known.names["mix"].get(name)
        if code is None:
            raise NotThere(
                f"No mix has the name {name[:80]}; there are {', '.join(self.known.options('mix')) or 'none'}"
            )
        allowed = [choice for choice in OF_PATHS if choice != "mix"]
        pairs = [*request.query_params.multi_items(), ("mix", name)]
        query = filters.parse(pairs, [*allowed, "mix"], self._known(), self._cursor())
        return self._listing(request, query, "table", mix=self._mix(name, int(code)))

    def mixes(self, request: Request) -> Response:
        """All mixes."""
        query = self._query(request, ())
        mixes = [self._mix(name, int(code)) for name, code in self.known.names["mix"].items()]
        return self._page("mixes.html", request, query, mixes=mixes)

    def file(self, request: Request) -> Response:
        """All rows that a filter lets through, as a file."""
        form = request.path_params["form"]
        if form not in listing.FORMS:
            raise NotThere(f"No form of file has the name {form[:20]}; there are {', '.join(listing.FORMS)}")
        query = self._query(request, OF_PATHS)
        columns = listing.chosen(query.choices.get(filters.COLUMN, ""))
        content = listing.stream(self._cursor(), query, columns, self.known, self._decided(), form)
        name = f"mix-{query.choices['mix']}" if "mix" in query.choices else "paths"
        headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
        return StreamingResponse(content, media_type=listing.FORMS[form].media, headers=headers)

    def find(self, request: Request) -> Response:
        """The row that has an id, or the paths in which words occur."""
        query = self._query(request, ("q",))
        text = query.choices.get("q", "")
        begin = filters.prefix(text)
        if begin and len(begin) >= UNMISTAKABLE:
            paths, problems = rows.by_prefix(self._cursor(), begin)
            if len(paths) + len(problems) == 1:
                return RedirectResponse(
                    f"/path/{quote(paths[0]['path_id'])}" if paths else f"/problem/{quote(problems[0]['problem_id'])}",
                    303,
                )
        return RedirectResponse(_link("/paths", {"q": text}), 303)

    def count(self, request: Request) -> Response:
        """How many they are: asked for by the page once it stands."""
        query = self._query(request, OF_PATHS)
        number, whole = self._counted(query.conditions, query.words, query.phrases)
        return HTMLResponse(f"{number:,}{'' if whole else ' or more'} {'path' if number == 1 else 'paths'}")

    def path(self, request: Request) -> Response:
        """One path, with the one it reconsiders before it, or the reflections on it behind it."""
        cursor = self._cursor()
        row = self._path(request.path_params["id"])
        problem = rows.problem(cursor, row["problem_id"])
        others = rows.of_problem(cursor, problem["pid"]) if problem else []
        before = [other for other in others if other["path_id"] == row["parent"]]
        after = [other for other in others if other["parent"] == row["path_id"]]
        step = self.known.label("round", row["step"])
        sections = record(self.tables, step, row["path_id"])
        problems = {problem["problem_id"]: problem} if problem else {}
        paths = self._cards([*before, row, *after], problems, present.WHOLE)
        trained = {mix: self.names.models_of(mix) for mix in present.mixes(row, self.known)}
        return self._page(
            "path.html", request, Query({}), row=row, problem=problem, paths=paths, record=sections, trained=trained
        )

    def text(self, request: Request) -> Response:
        """A path as it reads: as somebody corrected it, or as it was written."""
        row = self._path(request.path_params["id"])
        decision = self.decisions.state().current.get(row["path_id"])
        return PlainTextResponse(decision.text if decision and decision.text else row["text"])

    def problems(self, request: Request) -> Response:
        """Problems that a filter lets through."""
        query = self._query(request, OF_PROBLEMS)
        return self._page("problems.html", request, query, page=rows.problem_page(self._cursor(), query))

    def problem(self, request: Request) -> Response:
        """One problem with all that was written to it."""
        cursor = self._cursor()
        problem = rows.problem(cursor, filters.identifier("problem", request.path_params["id"]))
        if problem is None:
            raise NotThere(f"No problem has the id {request.path_params['id']}")
        paths = rows.of_problem(cursor, problem["pid"])
        shown: dict[str, Any] = {
            "problem": problem,
            "groups": present.tree(self._cards(paths, {problem["problem_id"]: problem})),
            "more": len(paths) == rows.OF_A_PROBLEM,
            "most": rows.OF_A_PROBLEM,
            "predictions": rows.answers(cursor, problem["problem_id"]),
        }
        return self._page("problem.html", request, Query({}), **shown)

    def compare(self, request: Request) -> Response:
        """Two rounds side by side."""
        query, cursor = self._query(request, OF_PAIRS), self._cursor()
        order = self.known.options("round")
        rounds = [name for name in order if self.names.asks(name) == "rollout"] or order
        sides = self._sides(query, "round", rounds)
        compared = rows.compare(cursor, query, "round", sides) if sides else None
        asked = rows.problems(cursor, compared.rows) if compared else {}
        problems = [
            (
                asked[row["problem_id"]],
                [self._cards(rows.of_problem(cursor, row["pid"], side), asked) for side in sides or ()],
            )
            for row in (compared.rows if compared else [])
        ]
        names = [self.known.label("round", side) for side in sides or ()]
        return self._page("compare.html", request, query, compared=compared, problems=problems, names=names)

    def predictions(self, request: Request) -> Response:
        """Two models' predictions side by side."""
        query, cursor = self._query(request, OF_PAIRS), self._cursor()
        sides = self._sides(query, "model", self.known.options("model"))
        compared = rows.compare(cursor, query, "model", sides) if sides else None
        problems = rows.problems(cursor, compared.rows) if compared else {}
        names = [self.known.label("model", side) for side in sides or ()]
        return self._page("predictions.html", request, query, compared=compared, problems=problems, names=names)

    def charts(self, request: Request) -> Response:
        """The run's charts."""
        query = self._query(request, ())
        steps = [(self.known.label("round", row["step"]), row) for row in rows.steps(self._cursor())]
        verdicts = [
            {"step": present.heading(step, self.names), "verdict": status, "paths": row[status.lower()]}
            for step, row in steps
            for status in index.STATUSES
            if row[status.lower()]
        ]
        return self._page("charts.html", request, query, figures=charts.figures(self.root, verdicts))

    def image(self, request: Request) -> Response:
        """An image, by its content id."""
        image_id = filters.identifier("image", request.path_params["id"])
        picture = image(self.tables, image_id)
        if picture is None:
            raise NotThere(f"No picture that can be shown has the id {image_id}")
        data, kind = picture
        return Response(data, media_type=kind, headers={"Cache-Control": "private, max-age=86400, immutable"})

    def running(self, request: Request) -> Response:
        """What of the run is going on; asked for by each page again and again, with the tables that it shows."""
        shown = request.query_params.get("tables", "")
        text = self._templates.get_template("running.html").render(
            stages=running.running(self.root), changed=shown != self.index_file.stem, stale=self.are_stale()
        )
        headers = {"HX-Trigger": "tables-changed"} if shown != self.index_file.stem else {}
        return HTMLResponse(text, headers=headers)

    def decide(self, path_id: str, content: bytes) -> Response:
        """Write down what somebody decides on a path, and show what counts now."""
        row = self._path(path_id)
        self.decisions.decide(row, self.known.label("round", row["step"]), body(content, Wish))
        return self.decision(path_id)

    def undo(self, path_id: str, content: bytes) -> Response:
        """Take back the last decision on a path, and show what counts now."""
        self._path(path_id)
        if not self.decisions.undo(path_id):
            raise BadFilter("there is nothing to take back")
        return self.decision(path_id)

    def decision(self, path_id: str) -> Response:
        """What counts of a path."""
        decision = self.decisions.state().current.get(path_id)
        text = self._templates.get_template("decision.html").render(path_id=path_id, decision=decision)
        return HTMLResponse(text)

    def draft(self, path_id: str, content: bytes) -> Response:
        """A correction as it will be shown."""
        steps = present.steps(body(content, Draft).text)
        return HTMLResponse(self._templates.get_template("draft.html").render(steps=steps))

    def are_stale(self) -> bool:
        """Whether a table was made, remade or removed since the index was built."""
        return [*catalogue(self.root, self.names)] != [*self.tables.all] or self.tables.stamps() != self._stamps

    def message(self, request: Request, title: str, text: str, status: int) -> Response:
        """A page that says what is wrong."""
        return self._page("message.html", request, Query({}), status=status, title=title, text=text)

    def _path(self, path_id: str) -> rows.Row:
        row = rows.path(self._cursor(), filters.identifier("path", path_id))
        if row is None:
            raise NotThere(f"No path has the id {path_id}")
        return row

    def _cursor(self) -> filters.Connection:
        """A connection of its own for each request: they come at the same time."""
        return self._index.cursor()

    def _query(self, request: Request, allowed: Sequence[str]) -> Query:
        return filters.parse(request.query_params.multi_items(), allowed, self._known(), self._cursor())

    def _known(self) -> Vocabulary:
        """The names of the run, with the rows that people decided on by now."""
        current = self.decisions.state().current
        if unknown := [path_id for path_id in current if path_id not in self._rids]:
            self._rids |= dict.fromkeys(unknown) | rows.numbers(self._cursor(), unknown)
        decided: dict[str, list[int]] = {tag.value: [] for tag in Tag}
        for path_id, decision in current.items():
            if (rid := self._rids[path_id]) is not None:
                decided[decision.tag.value].append(rid)
        return replace(self.known, decided=decided)

    def _sides(self, query: Query, kind: str, order: Sequence[str]) -> tuple[int, int] | None:
        """Two rounds or models: those asked for, or the first and the last; None if there are none."""
        for side in ("a", "b"):
            if side in query.choices:
                filters.code(kind, query.choices[side], self.known)
        if not order:
            return None
        names = query.choices.get("a", order[0]), query.choices.get("b", order[-1])
        a, b = (int(filters.code(kind, name, self.known)) for name in names)
        return a, b

    def _cards(
        self, paths: Iterable[rows.Row], problems: Mapping[str, rows.Row], most: int = present.BRIEF
    ) -> list[Card]:
        current = self.decisions.state().current
        return [
            present.card(
                row, self.known, self.names, problems.get(row["problem_id"]), current.get(row["path_id"]), most
            )
            for row in paths
        ]

    def _listing(self, request: Request, query: Query, layout: str, **shown: Any) -> Response:
        """Rows as cards or by column, the form that chooses among them, and rows whose id is searched for."""
        cursor, layout = self._cursor(), query.choices.get("layout", layout)
        columns = listing.chosen(query.choices.get(filters.COLUMN, ""))
        begin = filters.prefix(query.choices.get("q", ""))
        page = rows.page(cursor, query)
        shown |= {"page": page, "layout": layout, "columns": columns, "listing": listing, "sorts": filters.SORTS}
        shown["choices"] = {
            name: value for name, value in query.choices.items() if name != "mix" or not shown.get("mix")
        }
        shown["tags"] = [tag.value for tag in Tag] if self.decisions.who or self._decided() else []
        shown["named"] = rows.by_prefix(cursor, begin) if begin else ([], [])
        if layout == "table":
            rids = [row["rid"] for row in page.rows]
            shown["decisions"] = self.decisions.state().current
            shown["cells"] = listing.cells(cursor, rids, columns, self.known, self._decided())
        else:
            problems = rows.problems(cursor, page.rows)
            shown |= {"problems": problems, "paths": self._cards(page.rows, problems)}
        return self._page("paths.html", request, query, **{"mix": None, **shown})

    def _mix_facts(self, name: str, code: int) -> dict[str, Any]:
        """What a mix is made of, and what its query left out, by reason."""
        parts = rows.composition(self._cursor(), code)
        return {
            "name": name,
            "parts": parts,
            "rows": sum(part["paths"] for part in parts),
            "noise": sum(part["noise"] for part in parts),
            "models": self.names.models_of(name),
            "report": mix_report(self.root, name),
        }

    def _decided(self) -> listing.Decided:
        current = self.decisions.state().current
        return [(path_id, decision.tag.value, decision.note) for path_id, decision in current.items()]

    def _page(self, template: str, request: Request, query: Query, status: int = 200, **shown: Any) -> Response:
        problems = (self.problem, self.decisions.state().problem)
        damaged = [*self.tables.problems, *self.known.options("damage"), *(problem for problem in problems if problem)]
        text = self._templates.get_template(template).render(
            query=query, here=request.url.path, absent=missing(self.root), damaged=damaged, **shown
        )
        return HTMLResponse(text, status)


def _link(path: str, choices: dict[str, str], **changed: object) -> str:
    """An address with these choices; those that are None are left out."""
    chosen = {name: value for name, value in {**choices, **changed}.items() if value not in (None, "")}
    return path + (f"?{urlencode(chosen)}" if chosen else "")
