"""Serve the pages on this machine alone, until Ctrl-C.

In: a project's root and a port. Out: a URL with a token on standard output, and pages at it.
"""

import mimetypes
import socket
import webbrowser
from importlib import resources
from pathlib import Path

import duckdb
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mathse.errors import UserError
from mathse.view import index
from mathse.view.filters import BadFilter
from mathse.view.guard import Guard, new_token
from mathse.view.pages import NotThere, Pages
from mathse.view.tables import discover

HOST = "127.0.0.1"
WAIT = 1
"""Seconds that open connections have when it ends."""


def serve(root: Path, port: int, browser: bool) -> None:
    """Serve the pages until interrupted, at a free port if it is 0.

    Raises:
        UserError: The port is taken, or the index cannot be built.
    """
    if not root.is_dir():
        raise UserError(f"{root}: not a folder; --root names the project's")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()
        except OSError as error:
            raise UserError(f"port {port}: {error.strerror}; --port N takes another, --port 0 any free one") from error
        port = listening.getsockname()[1]
        token = new_token()
        app = application(root, port, token)
        url = f"http://{HOST}:{port}/?token={token}"
        print(f"{url}\nCtrl-C ends it.", flush=True)
        if browser:
            webbrowser.open(url)
        config = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, lifespan="off", ws="none",
            timeout_graceful_shutdown=WAIT,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listening])


def application(root: Path, port: int, token: str) -> ASGIApp:
    """The pages of a run, behind their guard; builds the index if there is none for these tables."""
    tables = discover(root)
    pages = Pages(root, tables, index.ensure(tables))
    # Every file that a page may need, by its name below `static`: nothing else can be asked for.
    top = resources.files("mathse.view") / "static"
    folders = {"": top, "vendor/": top / "vendor", "vendor/fonts/": top / "vendor" / "fonts"}
    static = {
        prefix + file.name: file.read_bytes()
        for prefix, folder in folders.items()
        for file in folder.iterdir()
        if file.is_file()
    }

    def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in static:
            raise NotThere(f"There is no file {name[:80]!r}")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(static[name], media_type=kind, headers={"Cache-Control": "private, max-age=600"})

    def absent(request: Request, error: Exception) -> Response:
        return pages.message(request, "Not here", str(error) if isinstance(error, NotThere) else "No such page", 404)

    def refused(request: Request, error: Exception) -> Response:
        return pages.message(request, "This filter cannot be used", str(error), 400)

    def damaged(request: Request, error: Exception) -> Response:
        reason = str(error).splitlines()[0]
        remedy = "End `mathse view`, remake the table with `dvc repro`, and start again."
        return pages.message(request, "A table cannot be read", f"{reason} {remedy}", 503)

    routes = {
        "/": pages.overview, "/paths": pages.paths, "/paths/count": pages.count, "/path/{id}": pages.path,
        "/problems": pages.problems, "/problem/{id:path}": pages.problem, "/compare": pages.compare,
        "/predictions": pages.predictions, "/charts": pages.charts, "/image/{id}": pages.image,
        "/static/{name:path}": file,
    }  # fmt: skip
    handlers = {404: absent, NotThere: absent, BadFilter: refused, duckdb.Error: damaged}
    app = Starlette(routes=[Route(path, page) for path, page in routes.items()], exception_handlers=handlers)
    return Guard(app, port, token)
