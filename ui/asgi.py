"""What the app's server has beside Streamlit: routes, middleware, and a limit on Streamlit's own uploader.

Streamlit keeps each file of its uploader in memory twice, takes them without the page that has the uploader, and keeps
those of readers who left. So its endpoint is limited here: bytes of one session and of all, and requests at once.
Files of readers who left go first.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import Runtime, get_instance

from intake.owners import session_of
from intake.service import intake
from planner.quantities import MIB
from settings import Settings, settings
from store.runs import default_root
from ui.headers import SecurityHeaders
from ui.health import Readiness, alive, stopping_gently
from ui.hosts import Hosts
from ui.login import secrets
from ui.logs import set_up
from ui.records import Records, metrics
from ui.uploader import NO_FILES, may_send
from ui.warm import warm_up

ENDPOINT = "/_stcore/upload_file/"
SESSION, TOTAL = 64 * MIB, 512 * MIB
"""Bytes in memory of one session's small uploads, and of all [B]."""
AT_ONCE = 8


class UploaderLimit:
    """Refuses small uploads that would fill the memory.

    app : what comes behind
    """

    def __init__(self, app: ASGIApp) -> None:
        """Nothing is on its way yet."""
        self._app = app
        self._coming: Counter[str] = Counter()
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["method"] != "PUT" or ENDPOINT not in scope["path"]:
            await self._app(scope, receive, send)
            return
        session = scope["path"].split(ENDPOINT, 1)[1].split("/", 1)[0]
        size = _promised(scope)
        if not may_send(session):
            await PlainTextResponse(NO_FILES, 403, {"Connection": "close"})(scope, receive, send)
            return
        if refusal := self._refusal(session, size):
            await PlainTextResponse(refusal, 413, {"Connection": "close"})(scope, receive, send)
            return
        self._requests += 1
        self._coming[session] += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._requests -= 1
            self._coming[session] -= size
            self._coming += Counter()  # forgets the sessions that have none left

    def _refusal(self, session: str, size: int) -> str | None:
        runtime = get_instance()
        held = _held(runtime)
        if held.total() + self._coming.total() + size > TOTAL:
            for gone in [one for one in held if not runtime.is_active_session(one)]:
                runtime.uploaded_file_mgr.remove_session_files(gone)
            held = _held(runtime)
        if self._requests >= AT_ONCE or held.total() + self._coming.total() + size > TOTAL:
            return "Too many files are on their way in. Try again in a minute."
        if held[session] + self._coming[session] + size > SESSION:
            return f"Your files here have {SESSION // MIB} MiB already. Remove some, or use the upload for large files."
        return None


def parts() -> dict[str, Any]:
    """What st.App takes: routes, middleware, login, and the time in which they serve.

    raises : BadSetting
    """
    told = settings()
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    base = f"/{base}" if base else ""
    return {
        "routes": routes(base),
        "middleware": middleware(told, base),
        "secrets": secrets(told),
        "lifespan": _serving,
    }


def routes(base: str) -> list[Route]:
    """What is served beside the pages.

    base : path before them, as "/headroom"
    """
    return [
        *intake().routes(_is_here, base),
        Route(f"{base}/healthz", alive),
        Route(f"{base}/readyz", Readiness(intake()).answer),
        Route(f"{base}/metrics", metrics),
    ]


def middleware(told: Settings, base: str) -> list[Middleware]:
    """What each request goes through, in this order, before Streamlit."""
    return [
        Middleware(Records, base=base),  # first: what the others refuse is noted too
        Middleware(SecurityHeaders),
        Middleware(Hosts, names=told.hosts),
        Middleware(UploaderLimit),
    ]


@asynccontextmanager
async def _serving(_: Any) -> AsyncIterator[None]:
    told = settings()
    set_up(told.log)
    await asyncio.to_thread(warm_up)
    with stopping_gently(intake(), told.drain_seconds):
        async with intake().serve(default_root()):
            yield


def _is_here(owner: str) -> bool:
    return get_instance().is_active_session(session_of(owner))


def _held(runtime: Runtime) -> Counter[str]:
    """Bytes of each session in the memory of Streamlit's uploader, which tells them to nobody but in this dict."""
    storage: dict[str, dict[str, Any]] = runtime.uploaded_file_mgr.file_storage
    return Counter(
        {session: sum(len(file.data) for file in list(files.values())) for session, files in list(storage.items())}
    )


def _promised(scope: Scope) -> int:
    told = dict(scope["headers"]).get(b"content-length", b"")
    return int(told) if told.isdigit() else int(st.get_option("server.maxUploadSize")) * MIB
