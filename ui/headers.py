"""What each answer tells the browser not to do, so that a name that slipped through as HTML still can do nothing.

| source           | allowed                  | because                                                             |
| ---------------- | ------------------------ | ------------------------------------------------------------------- |
| scripts, workers | our own, and blob:       | Streamlit starts components and workers from blobs; no inline, eval |
| styles           | our own, inline too      | Streamlit's Emotion and Vega set styles at run time; a style can    |
|                  |                          | neither run nor fetch from elsewhere: all other sources are our own |
| pictures, media  | our own, data:, blob:    | charts become pictures in the browser before they are saved         |
| connections      | our own                  | pages, uploads and the WebSocket are on one address                 |
| frames           | none in, none of others  | nothing is embedded, and nobody may lay us under a page of theirs   |

Two things of Streamlit stay blocked, and nothing misses them: the one inline script of its index.html, which tells
crawlers to wait, and the WebAssembly that its Protocol Buffers would use for 64-bit numbers, which has plain JavaScript
to fall back on.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = {
    "default-src": "'none'",
    "script-src": "'self' blob:",
    "worker-src": "'self' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'self'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{source} {allowed}" for source, allowed in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # a link carries the whole question; other sites do not need to know it
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the headers to each answer.

    app : what comes behind
    """

    def __init__(self, app: ASGIApp) -> None:
        """Nothing was asked yet."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, told if scope["type"] == "http" else send)
