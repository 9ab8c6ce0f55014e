"""The pages: what each asks of the index, and which template shows it.

/                    the steps and models of the run, and what is missing or damaged
/paths  /path/ID     paths that a filter lets through; one path with all that is known of it
/problems  /problem/ID   the same of problems
/compare  /predictions   two rounds, two models, side by side
/charts  /image/ID       the run's charts; an image by its content id
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from mathse.share.catalogue import catalogue
from mathse.share.view import charts, details, filters, index, pairs, present, rows
from mathse.share.view.filters import Ask, BadFilter
from mathse.share.view.tables import Tables, missing
from mathse.tables import views

COMMON = ("subject", "level", "source")
OF_PATHS = ("q", "round", "kind", "verdict", "rule", "agree", *COMMON, "problem", "after", "before")
OF_PROBLEMS = ("q", "split", "language", *COMMON, "after", "before")
OF_PAIRS = ("a", "b", "change", *COMMON, "after")


class NotThere(BadFilter):
    """No row has this id."""


class Pages:
    """Everything that is shown of one run.

    Args:
        root: The project's root.
        tables: Its tables.
        file: Their index.
    """

    def __init__(self, root: Path, tables: Tables, file: Path) -> None:
        self.root, self.tables, self.names = root, tables, tables.names
        self._index, self._source = index.open_index(file), views.connect(tables.good)
        self.known = filters.vocabulary(self._index)
        self._stamps = tables.stamps()
        self._names = list(tables.found)
        self._counted = lru_cache(maxsize=256)(self._count)
        self._templates = Environment(
            loader=PackageLoader("mathse.share.view"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.globals.update(heading=self._heading, model_name=self.names.title, known=self.known, link=_link)

    def overview(self, request: Request) -> Response:
        """What there is."""
        ask = self._ask(request, ())
        cursor = self._index.cursor()
        steps = details.steps(cursor, self.known)
        counts = details.counts(cursor)
        return self._page("overview.html", request, ask, steps=steps, counts=counts, scores=details.scores(self.root))

    def paths(self, request: Request) -> Response:
        """Paths that a filter lets through."""
        ask = self._ask(request, OF_PATHS)
        cursor = self._index.cursor()
        page = rows.page(cursor, ask)
        shown = [present.path(row, self.known, self.names) for row in page.rows]
        problems = rows.problems(cursor, page.rows)
        return self._page("paths.html", request, ask, page=page, paths=shown, problems=problems)

    def count(self, request: Request) -> Response:
        """How many they are: asked for by the page once it stands."""
        ask = self._ask(request, OF_PATHS)
        number, whole = self._counted(ask.conditions, ask.words, ask.phrases)
        return HTMLResponse(f"{number:,}{'' if whole else ' or more'} {'path' if number == 1 else 'paths'}")

    def path(self, request: Request) -> Response:
        """One path."""
        cursor = self._index.cursor()
        row = rows.path(cursor, filters.identifier("path", request.path_params["id"]))
        if row is None:
            raise NotThere(f"No path has the id {request.path_params['id']}")
        problem = rows.problem(cursor, row["problem_id"])
        family = rows.of_problem(cursor, problem["pid"]) if problem else []
        related = details.related(row, family)
        more = details.of_path(
            self._source.cursor(), self.tables, self.known.label("round", row["step"]), row["path_id"]
        )
        shown = [present.path(one, self.known, self.names, present.WHOLE) for one in related]
        return self._page("path.html", request, Ask({}), row=row, problem=problem, paths=shown, more=more)

    def problems(self, request: Request) -> Response:
        """Problems that a filter lets through."""
        ask = self._ask(request, OF_PROBLEMS)
        return self._page("problems.html", request, ask, page=rows.problem_page(self._index.cursor(), ask))

    def problem(self, request: Request) -> Response:
        """One problem with all that was written to it."""
        cursor = self._index.cursor()
        found = rows.problem(cursor, filters.identifier("problem", request.path_params["id"]))
        if found is None:
            raise NotThere(f"No problem has the id {request.path_params['id']}")
        written = rows.of_problem(cursor, found["pid"])
        groups = present.tree(written, self.known, self.names)
        said = rows.answers(cursor, found["problem_id"])
        more = len(written) == rows.OF_A_PROBLEM
        return self._page("problem.html", request, Ask({}), problem=found, groups=groups, said=said, more=more)

    def compare(self, request: Request) -> Response:
        """Two rounds side by side."""
        ask = self._ask(request, OF_PAIRS)
        a, b = self._sides(ask, "round")
        cursor = self._index.cursor()
        compared = pairs.rounds(cursor, ask, a, b) if a is not None and b is not None else None
        sides = []
        for row in compared.rows if compared else []:
            both = (rows.of_problem(cursor, row["pid"], side) for side in (a, b))
            written = [[present.path(one, self.known, self.names) for one in paths] for paths in both]
            sides.append((rows.problem(cursor, row["problem_id"]), written))
        names = (self.known.label("round", a), self.known.label("round", b))
        return self._page("compare.html", request, ask, compared=compared, sides=sides, names=names)

    def predictions(self, request: Request) -> Response:
        """Two models' predictions side by side."""
        ask = self._ask(request, OF_PAIRS)
        a, b = self._sides(ask, "model")
        cursor = self._index.cursor()
        compared = pairs.models(cursor, ask, a, b) if a is not None and b is not None else None
        names = (self.known.label("model", a), self.known.label("model", b))
        problems = rows.problems(cursor, compared.rows) if compared else {}
        return self._page("predictions.html", request, ask, compared=compared, problems=problems, names=names)

    def charts(self, request: Request) -> Response:
        """The run's charts."""
        ask = self._ask(request, ())
        return self._page(
            "charts.html", request, ask, charts=charts.charts(self.root, self._index.cursor(), self.known, self.names)
        )

    def charts_data(self, request: Request) -> Response:
        """The same as data for the script that draws them."""
        drawn = charts.charts(self.root, self._index.cursor(), self.known, self.names)
        return JSONResponse({chart.name: {**chart.spec, "data": {"values": chart.rows}} for chart in drawn})

    def image(self, request: Request) -> Response:
        """An image, by its content id."""
        image_id = filters.identifier("image", request.path_params["id"])
        found = details.image(self._source.cursor(), self.tables, image_id)
        if found is None:
            raise NotThere(f"No picture that can be shown has the id {image_id}")
        return Response(found[0], media_type=found[1], headers={"Cache-Control": "private, max-age=86400, immutable"})

    def message(self, request: Request, title: str, text: str, status: int) -> Response:
        """A page that says what is wrong."""
        return self._page("message.html", request, Ask({}), status=status, title=title, text=text)

    def _ask(self, request: Request, allowed: Sequence[str]) -> Ask:
        known = self.known
        return filters.parse(request.query_params.multi_items(), allowed, known, self._index.cursor())

    def _sides(self, ask: Ask, kind: str) -> tuple[int | None, int | None]:
        """Two rounds or models: those asked for, or the first and the last."""
        names = self.known.names[kind]
        for side in ("a", "b"):
            if side in ask.said and ask.said[side] not in names:
                raise BadFilter(f"unknown {kind} {ask.said[side][:40]!r}; there are {', '.join(names) or 'none'}")
        order = list(names)
        if kind == "round":
            order = [name for name in order if self.names.asks(name) == "rollout"] or order
        if not order:
            return None, None
        first, last = ask.said.get("a", order[0]), ask.said.get("b", order[-1])
        return int(names[first]), int(names[last])

    def _count(self, conditions: Any, words: tuple[str, ...], phrases: tuple[str, ...]) -> tuple[int, bool]:
        return rows.count(self._index.cursor(), Ask({}, conditions, words, phrases))

    def _page(self, template: str, request: Request, ask: Ask, status: int = 200, **shown: Any) -> Response:
        notices = [*missing(self.root), *self.tables.problems, *self.known.options("damage")]
        text = self._templates.get_template(template).render(
            ask=ask, here=request.url.path, notices=notices, stale=self._stale(), present=present, **shown
        )
        return HTMLResponse(text, status)

    def _stale(self) -> bool:
        """Whether a table was made, remade or removed since the index was built."""
        return list(catalogue(self.root, self.names)) != self._names or self.tables.stamps() != self._stamps

    def _heading(self, step: str) -> str:
        return present.heading(step, self.names)


def _link(path: str, said: dict[str, str], **changed: object) -> str:
    """An address with these choices; those that are None are left out."""
    chosen = {name: value for name, value in {**said, **changed}.items() if value not in (None, "")}
    return path + (f"?{urlencode(chosen)}" if chosen else "")
