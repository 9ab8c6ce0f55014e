"""Who may ask, and what a browser may do with the answer.

The page shows a run's data to the person who started it and to nobody else on the machine or the web: the printed URL
has a random token, which a cookie then carries; requests under another host name (DNS rebinding) are refused, and those
by any method but GET and HEAD, save as below; scripts, styles, fonts and images come from this server alone.

A browser sends a cookie to every port of a machine, so that whoever serves a page on another one may come to read it.
Writing (`mathse view --edit`) therefore takes a second token, which is in no cookie and no page: it comes behind the
`#` of the printed URL, which browsers send to nobody, stays in the storage of this origin, and is sent as a header by
this page's script. A request that writes also has to come from this origin, and to be JSON of a bounded size.

Storage, service workers and cached pages belong to an origin, whichever program answers at its port: who served pages
on the port before could have left a script there. So each start takes a free port unless the user names one.
"""

import html
import secrets
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_BYTES = 32
EDIT_HEADER = "x-mathse-edit"
EDIT_ROUTES = "/edit/"
"""What all routes begin with that may be asked by POST."""
MOST_BYTES = 1 << 19
"""Of a request that writes."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Stands before the pages.

    Args:
        token: Who knows it may ask.
        edit_token: Who knows it too may write; None: nobody may.
    """

    def __init__(self, app: ASGIApp, port: int, token: str, edit_token: str | None = None) -> None:
        self._app, self._token, self._edit_token = app, token, edit_token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._cookie = f"mathse-view-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "http":
            refusal = self._refusal(scope)
            await (refusal or self._app)(scope, receive, _with_headers(send))
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        writes = scope["method"] == "POST" and self._edit_token is not None and scope["path"].startswith(EDIT_ROUTES)
        if scope["method"] not in ("GET", "HEAD") and not writes:
            return PlainTextResponse("This page can only be read.\n", 405, {"Allow": "GET, HEAD"})
        if headers.get("host") not in self._hosts:
            return PlainTextResponse("Open the page at the address that `mathse view` printed.\n", 421)
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if writes and (refusal := self._refusal_to_write(headers)):
            return refusal
        if tokens := [value for name, value in pairs if name == "token"]:
            if writes or not _same(tokens[0], self._token):
                return PlainTextResponse("This token is not, or no longer, the right one.\n", 403)
            # The token moves into a cookie, and out of the address.
            rest = urlencode([pair for pair in pairs if pair[0] != "token"])
            address = "/" + scope["path"].lstrip("/\\") + (f"?{rest}" if rest else "")
            response: Response = RedirectResponse(address, 303)
            if headers.get("sec-fetch-site") == "cross-site":
                # From a file or another page: a strict cookie comes back only with what this page itself asks for.
                response = HTMLResponse(redirection(address, by_script=True))
            response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
            return response
        # Programs on other ports set cookies too, of any form, and of this name: theirs must not hide the right one.
        cookies = [cookie.strip() for header in headers.getlist("cookie") for cookie in header.split(";")]
        if not any(_same(cookie, f"{self._cookie}={self._token}") for cookie in cookies):
            return PlainTextResponse("Open the address with its token, as `mathse view` printed it.\n", 403)
        return None

    def _refusal_to_write(self, headers: Headers) -> Response | None:
        """Refuse what another site, another program of this machine, or a form could send."""
        if headers.get("origin") != f"http://{headers['host']}":
            return PlainTextResponse("Only the page itself may write.\n", 403)
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return PlainTextResponse("Only the page itself may write.\n", 403)
        if not _same(headers.get(EDIT_HEADER, ""), self._edit_token or ""):
            return PlainTextResponse("To edit, open the address that `mathse view --edit` printed.\n", 403)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return PlainTextResponse("A request that writes is JSON.\n", 415)
        length = headers.get("content-length", "")
        if "transfer-encoding" in headers or not (length.isascii() and length.isdecimal()):
            return PlainTextResponse("A request that writes says how long it is.\n", 411)
        if len(length) > 9 or int(length) > MOST_BYTES:
            return PlainTextResponse(f"At most {MOST_BYTES} bytes can be written at once.\n", 413)
        return None


def _same(token: str, right: str) -> bool:
    return secrets.compare_digest(token.encode(), right.encode())


def redirection(address: str, by_script: bool = False) -> str:
    """A page that leads to an address at once.

    Args:
        by_script: Take along what is behind the `#` of this page's own address; without scripts it leads on too.
    """
    escaped = html.escape(address)
    refresh = f'<meta http-equiv="refresh" content="0; url={escaped}">'
    script = '<script src="/static/enter.js" defer></script>' if by_script else ""
    lead = f"{script}<noscript>{refresh}</noscript>" if by_script else refresh
    return f'<!doctype html><meta charset="utf-8"><title>MathSE</title>{lead}<a href="{escaped}">To the pages</a>\n'


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
