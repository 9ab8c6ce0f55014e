"""Serve the pages on this machine alone, until Ctrl-C.

In: a project's root and a port. Out: a URL with a token on standard output, and pages at it.
"""

import mimetypes
import secrets
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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
from mathse.view.guard import TOKEN_BYTES, Guard, redirection
from mathse.view.pages import NotThere, Pages
from mathse.view.tables import Unreadable, discover

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
        token = secrets.token_urlsafe(TOKEN_BYTES)
        app = application(root, port, token)
        url = f"http://{HOST}:{port}/?token={token}"
        print(f"{url}\nCtrl-C ends it.", flush=True)
        config = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, lifespan="off", ws="none",
            timeout_graceful_shutdown=WAIT,
        )  # fmt: skip
        with _browser_at(url) if browser else nullcontext():
            uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def _browser_at(url: str) -> Iterator[None]:
    """Have the user's browser open an address, by way of a file that nobody else can read.

    The command line of a browser that starts can be read by everybody on the machine, and the address has the token.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that the file goes then too
    try:
        folder = tempfile.TemporaryDirectory(prefix="mathse-view-", ignore_cleanup_errors=True)
        page = Path(folder.name, "open.html")
        page.touch(mode=0o600)
        page.write_text(redirection(url), encoding="utf-8")
    except OSError:  # no room for it: the address is printed
        yield
        return
    with folder:
        # Some browsers return when they are closed.
        threading.Thread(target=webbrowser.open, args=(page.as_uri(),), daemon=True).start()
        yield


def application(root: Path, port: int, token: str) -> ASGIApp:
    """The pages of a run, behind their guard; builds the index if there is none for these tables."""
    tables = discover(root)
    file = index.ensure(tables)
    pages = Pages(root, tables, file)
    # Every file that a page may need, by its name below `static`: nothing else can be asked for.
    top = resources.files("mathse.view") / "static"
    folders = {"": top, "vendor/": top / "vendor", "vendor/fonts/": top / "vendor" / "fonts"}
    static = {
        prefix + file.name: file.read_bytes()
        for prefix, folder in folders.items()
        for file in folder.iterdir()
        if file.is_file()
    }

    def static_file(request: Request) -> Response:
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
        return pages.message(request, "A table cannot be read", str(error), 503)

    def index_damaged(request: Request, error: Exception) -> Response:
        reason = str(error).partition("\n")[0]
        if isinstance(error, duckdb.OutOfMemoryException):
            return pages.message(request, "This takes too much memory", f"{reason}. Ask for fewer rows.", 503)
        index.remove([file])
        remedy = "End `mathse view` and start it again: the index is then built anew."
        removed = f"{file} is damaged" + (", and cannot be removed: delete it" if file.exists() else ", and is removed")
        return pages.message(request, "The index of these pages is damaged", f"{removed} ({reason}). {remedy}", 503)

    routes = {
        "/": pages.overview, "/paths": pages.paths, "/paths/count": pages.count, "/path/{id}": pages.path,
        "/mixes": pages.mixes, "/mix/{name}": pages.mix, "/rows/{form}": pages.file, "/find": pages.find,
        "/problems": pages.problems, "/problem/{id:path}": pages.problem, "/compare": pages.compare,
        "/predictions": pages.predictions, "/charts": pages.charts, "/image/{id}": pages.image,
        "/static/{name:path}": static_file,
    }  # fmt: skip
    handlers = {404: absent, NotThere: absent, BadFilter: refused, Unreadable: damaged, duckdb.Error: index_damaged}
    app = Starlette(routes=[Route(path, page) for path, page in routes.items()], exception_handlers=handlers)
    return Guard(app, port, token)
