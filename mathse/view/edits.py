"""What people decide on paths: the answers to requests that write (`mathse view --edit`).

Each answers with what counts of the path now, as it stands below it.
"""

from starlette.responses import HTMLResponse, Response

from mathse.report.text import steps
from mathse.view.decisions import Draft, Wish, body
from mathse.view.site import Site


class Edits:
    """Decisions on the paths of a run."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def decide(self, path_id: str, content: bytes) -> Response:
        """Write down what somebody decides on a path, and show what counts now."""
        row = self.site.path(path_id)
        self.site.decisions.decide(row, self.site.known.label("round", row["step"]), body(content, Wish))
        return self._counting(path_id)

    def undo(self, path_id: str, content: bytes) -> Response:
        """Take back the last thing said of a path, and show what counts now."""
        self.site.path(path_id)
        self.site.decisions.undo(path_id)
        return self._counting(path_id)

    def draft(self, path_id: str, content: bytes) -> Response:
        """A correction as it will be shown."""
        drafted = steps(body(content, Draft).text)
        return HTMLResponse(self.site.templates.get_template("draft.html").render(steps=drafted))

    def _counting(self, path_id: str) -> Response:
        """What counts of a path."""
        said = self.site.decisions.state().standing.said(path_id)
        return HTMLResponse(self.site.templates.get_template("decision.html").render(path_id=path_id, said=said))
