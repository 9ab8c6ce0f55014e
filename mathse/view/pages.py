"""The lists and single rows: what each page asks of the index, and which template shows it.

/                        the steps and models of the run, and what is missing or damaged
/paths  /path/ID         paths that a filter lets through, /paths/count of them; one path with all that is known of it
/text/ID                 a path as it reads, for its correction
/mixes  /mix/NAME        the mixes, and one mix's rows by column
/rows/FORM               what a filter lets through, as a file
/find                    the row whose id begins so, or the paths that have these words
/problems  /problem/ID   problems that a filter lets through; one with all that was written to it
/charts  /image/ID       the run's charts; an image by its content id
/running                 what of the run is going on
"""

from functools import lru_cache
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from mathse.errors import UserError
from mathse.report import table
from mathse.tables.schemas import Tag
from mathse.view import charts, filters, index, listing, present, rows, running
from mathse.view.filters import Query
from mathse.view.site import COMMON, NotThere, Site, link
from mathse.view.tables import image, mix_report, record

OF_PATHS = (
    "q", "round", "kind", "verdict", "rule", "agree", "mix", "tag", *COMMON, "problem", "sort", "layout",
    filters.COLUMN, "after", "before",
)  # fmt: skip
OF_PROBLEMS = ("q", "split", "language", *COMMON, "after", "before")
UNMISTAKABLE = 8
"""Digits of an id, as the pages show them, that are hardly a number that somebody looks for."""


class Pages:
    """The lists and single rows of a run."""

    def __init__(self, site: Site) -> None:
        self.site = site
        # By what is asked for alone: each page of a list asks for its count anew.
        self._counted = lru_cache(maxsize=256)(
            lambda conditions, words, phrases: rows.count(site.cursor(), Query({}, conditions, words, phrases))
        )
        self._mix = lru_cache(maxsize=None)(self._mix_facts)

    def overview(self, request: Request) -> Response:
        """What there is."""
        query, cursor = self.site.query(request, ()), self.site.cursor()
        steps = [{**row, "name": self.site.known.label("round", row["step"])} for row in rows.steps(cursor)]
        try:
            models = [table.cells(model) for model in table.load(self.site.root)]
        except UserError:  # nothing is measured yet
            models = []
        content: dict[str, Any] = {
            "steps": steps,
            "headings": table.HEADINGS,
            "models": models,
            "splits": rows.splits(cursor),
            "chapters": [name for name in self.site.known.options("mix") if self.site.names.asks(name)],
        }
        return self.site.page("overview.html", request, query, **content)

    def paths(self, request: Request) -> Response:
        """Paths that a filter lets through."""
        return self._listing(request, self.site.query(request, OF_PATHS), "cards")

    def mix(self, request: Request) -> Response:
        """A mix: what it is made of, and those of its rows that a filter lets through."""
        name = request.path_params["name"]
        code = self.site.known.names["mix"].get(name)
        if code is None:
            raise NotThere(
                f"No mix has the name {name[:80]}; there are {', '.join(self.site.known.options('mix')) or 'none'}"
            )
        allowed = [choice for choice in OF_PATHS if choice != "mix"]
        pairs = [*request.query_params.multi_items(), ("mix", name)]
        query = filters.parse(pairs, [*allowed, "mix"], self.site.vocabulary(), self.site.cursor())
        return self._listing(request, query, "table", mix=self._mix(name, int(code)))

    def mixes(self, request: Request) -> Response:
        """All mixes."""
        query = self.site.query(request, ())
        mixes = [self._mix(name, int(code)) for name, code in self.site.known.names["mix"].items()]
        return self.site.page("mixes.html", request, query, mixes=mixes)

    def file(self, request: Request) -> Response:
        """All rows that a filter lets through, as a file."""
        form = request.path_params["form"]
        if form not in listing.FORMS:
            raise NotThere(f"No form of file has the name {form[:20]}; there are {', '.join(listing.FORMS)}")
        query = self.site.query(request, OF_PATHS)
        columns = listing.chosen(query.choices.get(filters.COLUMN, ""))
        content = listing.stream(self.site.cursor(), query, columns, self.site.known, self.site.decided(), form)
        name = f"mix-{query.choices['mix']}" if "mix" in query.choices else "paths"
        headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
        return StreamingResponse(content, media_type=listing.FORMS[form].media, headers=headers)

    def find(self, request: Request) -> Response:
        """The row that has an id, or the paths in which words occur."""
        query = self.site.query(request, ("q",))
        text = query.choices.get("q", "")
        begin = filters.prefix(text)
        if begin and len(begin) >= UNMISTAKABLE:
            paths, problems = rows.by_prefix(self.site.cursor(), begin)
            if len(paths) + len(problems) == 1:
                return RedirectResponse(
                    f"/path/{quote(paths[0]['path_id'])}" if paths else f"/problem/{quote(problems[0]['problem_id'])}",
                    303,
                )
        return RedirectResponse(link("/paths", {"q": text}), 303)

    def count(self, request: Request) -> Response:
        """How many they are: asked for by the page once it stands."""
        query = self.site.query(request, OF_PATHS)
        number, whole = self._counted(query.conditions, query.words, query.phrases)
        return HTMLResponse(f"{number:,}{'' if whole else ' or more'} {'path' if number == 1 else 'paths'}")

    def path(self, request: Request) -> Response:
        """One path, with the one it reconsiders before it, or the reflections on it behind it."""
        cursor = self.site.cursor()
        row = self.site.path(request.path_params["id"])
        problem = rows.problem(cursor, row["problem_id"])
        others = rows.of_problem(cursor, problem["pid"]) if problem else []
        before = [other for other in others if other["path_id"] == row["parent"]]
        after = [other for other in others if other["parent"] == row["path_id"]]
        step = self.site.known.label("round", row["step"])
        sections = record(self.site.tables, step, row["path_id"])
        problems = {problem["problem_id"]: problem} if problem else {}
        paths = self.site.cards([*before, row, *after], problems, present.WHOLE)
        trained = {mix: self.site.names.models_of(mix) for mix in present.mixes(row, self.site.known)}
        return self.site.page(
            "path.html", request, Query({}), row=row, problem=problem, paths=paths, record=sections, trained=trained
        )

    def text(self, request: Request) -> Response:
        """A path as it reads, corrected or as it was written, and the note of the decision that counts."""
        row = self.site.path(request.path_params["id"])
        decision = self.site.decisions.state().standing.counting.get(row["path_id"])
        text, note = (decision.text, decision.note) if decision and decision.tag is not Tag.NOTE else ("", "")
        return JSONResponse({"text": text or row["text"], "note": note})

    def problems(self, request: Request) -> Response:
        """Problems that a filter lets through."""
        query = self.site.query(request, OF_PROBLEMS)
        return self.site.page("problems.html", request, query, page=rows.problem_page(self.site.cursor(), query))

    def problem(self, request: Request) -> Response:
        """One problem with all that was written to it."""
        cursor = self.site.cursor()
        problem = rows.problem(cursor, filters.identifier("problem", request.path_params["id"]))
        if problem is None:
            raise NotThere(f"No problem has the id {request.path_params['id']}")
        paths = rows.of_problem(cursor, problem["pid"])
        content: dict[str, Any] = {
            "problem": problem,
            "groups": present.tree(self.site.cards(paths, {problem["problem_id"]: problem})),
            "more": len(paths) == rows.OF_A_PROBLEM,
            "most": rows.OF_A_PROBLEM,
            "predictions": rows.answers(cursor, problem["problem_id"]),
        }
        return self.site.page("problem.html", request, Query({}), **content)

    def charts(self, request: Request) -> Response:
        """The run's charts."""
        query = self.site.query(request, ())
        steps = [(self.site.known.label("round", row["step"]), row) for row in rows.steps(self.site.cursor())]
        verdicts = [
            {"step": present.heading(step, self.site.names), "verdict": status, "paths": row[status.lower()]}
            for step, row in steps
            for status in index.STATUSES
            if row[status.lower()]
        ]
        return self.site.page("charts.html", request, query, figures=charts.figures(self.site.root, verdicts))

    def image(self, request: Request) -> Response:
        """An image, by its content id."""
        image_id = filters.identifier("image", request.path_params["id"])
        picture = image(self.site.tables, image_id)
        if picture is None:
            raise NotThere(f"No picture that can be shown has the id {image_id}")
        data, kind = picture
        return Response(data, media_type=kind, headers={"Cache-Control": "private, max-age=86400, immutable"})

    def running(self, request: Request) -> Response:
        """What of the run is going on; asked for by each page again and again, with the tables that it shows."""
        changed = request.query_params.get("tables", "") != self.site.index_file.stem
        template = self.site.templates.get_template("running.html")
        text = template.render(stages=running.running(self.site.root), changed=changed, stale=self.site.are_stale())
        headers = {"HX-Trigger": "tables-changed"} if changed else {}
        return HTMLResponse(text, headers=headers)

    def _listing(self, request: Request, query: Query, layout: str, **content: Any) -> Response:
        """Rows as cards or by column, the form that chooses among them, and rows whose id is searched for."""
        cursor, layout = self.site.cursor(), query.choices.get("layout", layout)
        columns = listing.chosen(query.choices.get(filters.COLUMN, ""))
        begin = filters.prefix(query.choices.get("q", ""))
        matches = rows.by_prefix(cursor, begin) if begin else ([], [])
        is_id = begin is not None and len(begin) >= UNMISTAKABLE and any(matches)
        page = rows.Page([]) if is_id else rows.page(cursor, query)
        content |= {"page": page, "layout": layout, "columns": columns, "listing": listing, "sorts": filters.SORTS}
        content["choices"] = {
            name: value for name, value in query.choices.items() if name != "mix" or not content.get("mix")
        }
        content["tags"] = [tag.value for tag in Tag] if self.site.decisions.who or self.site.decided() else []
        content["matches"] = matches
        if layout == "table":
            rids = [row["rid"] for row in page.rows]
            content["decisions"] = self.site.decisions.state().standing.counting
            content["cells"] = listing.cells(cursor, rids, columns, self.site.known, self.site.decided())
        else:
            problems = rows.problems(cursor, page.rows)
            content |= {"problems": problems, "paths": self.site.cards(page.rows, problems)}
        return self.site.page("paths.html", request, query, **{"mix": None, **content})

    def _mix_facts(self, name: str, code: int) -> dict[str, Any]:
        """What a mix is made of, and what its query left out, by reason."""
        parts = rows.composition(self.site.cursor(), code)
        return {
            "name": name,
            "parts": parts,
            "rows": sum(part["paths"] for part in parts),
            "noise": sum(part["noise"] for part in parts),
            "models": self.site.names.models_of(name),
            "report": mix_report(self.site.root, name),
        }
