"""Names under which the app answers: a request for another one was sent here by a trick, and is refused."""

from __future__ import annotations

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PROBES = ("/healthz", "/readyz", "/metrics")
"""Asked by the machines around, which call this one by its number."""


class Hosts:
    """Refuses requests for other hosts.

    app : what comes behind
    names : of this app; none: any
    """

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        """Checks each request."""
        self._app = app
        self._checked = TrustedHostMiddleware(app, allowed_hosts=list(names) or ["*"], www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        probe = scope["type"] == "http" and scope["path"].endswith(PROBES)
        await (self._app if probe else self._checked)(scope, receive, send)
