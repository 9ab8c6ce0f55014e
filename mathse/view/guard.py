"""Who may ask, and what a browser may do with the answer.

The page shows a run's data to the person who started it and to nobody else on the machine or the web: the printed URL
has a random token, which a cookie then carries; requests under another host name (DNS rebinding) and by any method but
GET and HEAD are refused; scripts, styles, fonts and images come from this server alone.
"""

import html
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_BYTES = 32
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
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app, self._token = app, token
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
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("This page can only be read.\n", 405, {"Allow": "GET, HEAD"})
        if headers.get("host") not in self._hosts:
            return PlainTextResponse("Open the page at the address that `mathse view` printed.\n", 421)
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if tokens := [value for name, value in pairs if name == "token"]:
            if not self._is_right(tokens[0]):
                return PlainTextResponse("This token is not, or no longer, the right one.\n", 403)
            # The token moves into a cookie, and out of the address.
            rest = urlencode([pair for pair in pairs if pair[0] != "token"])
            address = "/" + scope["path"].lstrip("/\\") + (f"?{rest}" if rest else "")
            response: Response = RedirectResponse(address, 303)
            if headers.get("sec-fetch-site") == "cross-site":
                # From a file or another page: a strict cookie comes back only with what this page itself asks for.
                response = HTMLResponse(redirection(address))
            response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
            return response
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            cookies = SimpleCookie()
        if self._cookie not in cookies or not self._is_right(cookies[self._cookie].value):
            return PlainTextResponse("Open the address with its token, as `mathse view` printed it.\n", 403)
        return None

    def _is_right(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self._token.encode())


def redirection(address: str) -> str:
    """A page that leads to an address at once."""
    escaped = html.escape(address)
    refresh = f'<meta http-equiv="refresh" content="0; url={escaped}">'
    return f'<!doctype html><meta charset="utf-8"><title>MathSE</title>{refresh}<a href="{escaped}">To the pages</a>\n'


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
