"""A record of each request: an id, how long, how it ended; as a line of the log and as figures for Prometheus.

Neither has user data: of an address only the kind of place is told, never a token, a run, a name or a query.
"""

from __future__ import annotations

import logging
import re
import secrets
import time

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PLACES = ("upload", "media", "static", "auth", "oauth2callback", "component", "healthz", "readyz", "metrics")
CORE = ("stream", "upload_file", "health")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
"""Told by name; all others are "other", so that nobody can fill the memory with names."""
HEADER = "X-Request-ID"
ABORTED = 499
"""Status of a request whose answer never began."""
_ID = re.compile(r"[\w-]{8,64}", re.ASCII)
REQUESTS = Counter("headroom_requests", "Requests by place, method and status", ["place", "method", "status"])
SECONDS = Histogram("headroom_request_seconds", "Time of a request [s]", ["place"])
SESSIONS = Gauge("headroom_sessions", "Pages that are open now")
log = logging.getLogger(__name__)


class Records:
    """Notes each request.

    app : what comes behind
    base : path before all places, as "/headroom"
    """

    def __init__(self, app: ASGIApp, base: str = "") -> None:
        """Nothing was asked yet."""
        self._app, self._base = app, base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one page for as long as it is open."""
        if scope["type"] == "websocket":
            with SESSIONS.track_inprogress():
                await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._noted(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _noted(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id, status, start = _request_id(scope), ABORTED, time.perf_counter()

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, told)
        except Exception:
            status = 500
            raise
        finally:
            self._note(scope, request_id, status, time.perf_counter() - start)

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        found = place(scope["path"].removeprefix(self._base))
        method = scope["method"] if scope["method"] in METHODS else "other"
        REQUESTS.labels(found, method, status).inc()
        SECONDS.labels(found).observe(seconds)
        told = {"request": request_id, "method": method, "place": found, "status": status, "seconds": round(seconds, 4)}
        log.info("request", extra={"told": told})


def place(path: str) -> str:
    """The kind of place that a path leads to.

    >>> place("/upload/secret-token/x"), place("/_stcore/stream"), place("/evidence"), place("/../etc")
    ('upload', '_stcore/stream', 'page', 'page')
    """
    first, *rest = path.strip("/").split("/")
    if first == "_stcore":
        return f"_stcore/{rest[0]}" if rest and rest[0] in CORE else "_stcore"
    return first if first in PLACES else "page"


async def metrics(_: Request) -> Response:
    """All figures of this process, as Prometheus reads them."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


def _request_id(scope: Scope) -> str:
    """The id that a proxy gave, so that its log and ours can be laid side by side, or a new one."""
    given = Headers(scope=scope).get(HEADER, "")
    return given if _ID.fullmatch(given) else secrets.token_hex(8)
