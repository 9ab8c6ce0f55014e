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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mathse.errors import UserError
from mathse.view import folder, index
from mathse.view.decisions import Decisions
from mathse.view.filters import BadFilter
from mathse.view.guard import EDIT_ROUTES, TOKEN_BYTES, Guard, redirection
from mathse.view.live import Live
from mathse.view.site import NotThere
from mathse.view.tables import Unreadable

HOST = "127.0.0.1"
PAGES = {
    "/": "overview", "/paths": "paths", "/paths/count": "count", "/path/{id}": "path", "/text/{id}": "text",
    "/mixes": "mixes", "/mix/{name}": "mix", "/rows/{form}": "file", "/find": "find", "/problems": "problems",
    "/problem/{id:path}": "problem", "/charts": "charts", "/running": "running", "/image/{id}": "image",
}  # fmt: skip
CHANGES = {
    "/compare": "compare", "/predictions": "predictions", "/story": "story", "/revisions": "revisions",
    "/revisions/difference": "difference",
}  # fmt: skip
"""Addresses, and the method of `Pages` and `Changes` that answers each."""
WAIT = 1
"""Seconds that open connections have when it ends."""


def serve(root: Path, port: int, browser: bool, who: str | None = None, page: str = "/") -> None:
    """Serve the pages until interrupted, at a free port if it is 0.

    Args:
        root: A project's, or a folder that `mathse export` wrote.
        who: The person who decides on paths; None: they can only be read.
        page: The address that is printed, and opened, without host.

    Raises:
        UserError: The port is taken, or the index cannot be built.
    """
    if not root.is_dir():
        raise UserError(f"{root}: not a folder; --root names the project's")
    if folder.is_export(root):
        if who is not None:
            raise UserError(f"{root}: an export is not edited in the browser; `mathse import` takes it in")
        _end_on_sigterm()
        with tempfile.TemporaryDirectory(prefix="mathse-view-", ignore_cleanup_errors=True) as scratch:
            notes = folder.unpack(root, Path(scratch))
            _serve(Path(scratch), port, browser, None, None, [f"This is {root.absolute()}, an export.", *notes])
        return
    _serve(root, port, browser, who, None if who is None else secrets.token_urlsafe(TOKEN_BYTES), page=page)


def _serve(
    root: Path,
    port: int,
    browser: bool,
    who: str | None,
    edit_token: str | None,
    notes: Sequence[str] = (),
    page: str = "/",
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()
        except OSError as error:
            raise UserError(f"port {port}: {error.strerror}; without --port any free one is taken") from error
        port = listening.getsockname()[1]
        token = secrets.token_urlsafe(TOKEN_BYTES)
        app = application(root, port, token, edit_token, who, notes)
        url = f"http://{HOST}:{port}{page}?token={token}" + (f"#edit={edit_token}" if edit_token else "")
        print(f"{url}\nCtrl-C ends it.", flush=True)
        config = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, lifespan="off", ws="none",
            timeout_graceful_shutdown=WAIT,
        )  # fmt: skip
        with _browser_at(url) if browser else nullcontext():
            uvicorn.Server(config).run(sockets=[listening])


def _end_on_sigterm() -> None:
    """Let SIGTERM end this process as an error does, so that its temporary files go too."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


@contextmanager
def _browser_at(url: str) -> Iterator[None]:
    """Have the user's browser open an address, by way of a file that nobody else can read.

    The command line of a browser that starts can be read by everybody on the machine, and the address has the token.
    """
    _end_on_sigterm()
    try:
        place = tempfile.TemporaryDirectory(prefix="mathse-view-", ignore_cleanup_errors=True)
        page = Path(place.name, "open.html")
        page.touch(mode=0o600)
        page.write_text(redirection(url), encoding="utf-8")
    except OSError:  # no room for it: the address is printed
        yield
        return
    with place:
        # Some browsers return when they are closed.
        threading.Thread(target=webbrowser.open, args=(page.as_uri(),), daemon=True).start()
        yield


def application(
    root: Path,
    port: int,
    token: str,
    edit_token: str | None = None,
    who: str | None = None,
    notes: Sequence[str] = (),
) -> ASGIApp:
    """The pages of a run, behind their guard; builds the index if there is none for these tables.

    Args:
        edit_token: Whoever knows it may decide on paths, as the person `who`; None: nobody may.
        notes: Sentences that stand above every page.
    """
    live = Live(root, Decisions(root, None if edit_token is None else who), notes)
    static = _static()

    def static_file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in static:
            raise NotThere(f"There is no file {name[:80]!r}")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(static[name], media_type=kind, headers={"Cache-Control": "private, max-age=600"})

    def page(part: str, name: str) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            response: Response = getattr(getattr(live.run, part), name)(request)
            return response

        return answer

    async def edited(request: Request) -> Response:
        """What somebody decides, or a draft of it."""
        content = await request.body()  # the guard has seen its length
        edits, act = live.run.edits, request.path_params["act"]
        acts = {"draft": edits.draft, "decide": edits.decide, "undo": edits.undo}
        if act not in acts:
            raise NotThere(f"Nothing is called {act[:20]!r}; there are {', '.join(acts)}")
        try:
            return await run_in_threadpool(acts[act], request.path_params["id"], content)
        except BadFilter:
            raise
        except UserError as error:  # the disk is full, the file damaged
            return PlainTextResponse(str(error), 507)

    parts = {"pages": PAGES, "changes": CHANGES}
    routes = [Route(path, page(part, name)) for part, names in parts.items() for path, name in names.items()]
    routes.append(Route("/static/{name:path}", static_file))
    if edit_token is not None:
        routes.append(Route(f"{EDIT_ROUTES}{{act}}/{{id}}", edited, methods=["POST"]))
    app = Starlette(routes=routes, exception_handlers=_handlers(live))
    return Guard(app, port, token, edit_token)


def _static() -> dict[str, bytes]:
    """Every file that a page may need, by its name below `static`: nothing else can be asked for."""
    top = resources.files("mathse.view") / "static"
    folders = {"": top, "vendor/": top / "vendor", "vendor/fonts/": top / "vendor" / "fonts"}
    return {
        prefix + file.name: file.read_bytes()
        for prefix, folder in folders.items()
        for file in folder.iterdir()
        if file.is_file()
    }


def _handlers(live: Live) -> Mapping[Any, Callable[[Request, Exception], Response]]:
    """Pages that say what is wrong; of a request that writes the words alone, which the page that sent it shows."""

    def message(request: Request, title: str, text: str, status: int) -> Response:
        if request.method == "POST":
            return PlainTextResponse(text, status)
        return live.run.site.message(request, title, text, status)

    def absent(request: Request, error: Exception) -> Response:
        text = str(error) if isinstance(error, NotThere) else "No such page"
        return message(request, "Not here", text, 404)

    def refused(request: Request, error: Exception) -> Response:
        return message(request, "This filter cannot be used", str(error), 400)

    def damaged(request: Request, error: Exception) -> Response:
        return message(request, "A table cannot be read", str(error), 503)

    def index_damaged(request: Request, error: Exception) -> Response:
        site, reason = live.run.site, str(error).partition("\n")[0]
        if isinstance(error, duckdb.OutOfMemoryException):
            return message(request, "This takes too much memory", f"{reason}. Ask for fewer rows.", 503)
        index.remove([site.index_file])
        gone = ", and cannot be removed: delete it" if site.index_file.exists() else ", and is removed"
        remedy = "End `mathse view` and start it again: the index is then built anew."
        text = f"{site.index_file} is damaged{gone} ({reason}). {remedy}"
        return message(request, "The index of these pages is damaged", text, 503)

    return {404: absent, NotThere: absent, BadFilter: refused, Unreadable: damaged, duckdb.Error: index_damaged}
