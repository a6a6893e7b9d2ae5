"""An OpenID provider of the tests: it believes whoever it is told to, and signs like a real one."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, PASSWORD = "headroom", "a password of the app"


@dataclass
class Issuer:
    """Answers as the person named in `who`, with these groups."""

    address: str
    who: str = "ann"
    groups: list[str] = field(default_factory=list)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k"}, private=True))
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.metadata),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/keys", self.keys),
        ]

    async def metadata(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "code_challenge_methods_supported": ["S256"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def authorize(self, request: Request) -> Response:
        asked, code = request.query_params, secrets.token_urlsafe(8)
        told = {"sub": self.who, "name": self.who.title(), "groups": self.groups, "nonce": asked["nonce"]}
        self.codes[code] = {"iss": self.address, "aud": asked["client_id"], **told}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    async def token(self, request: Request) -> Response:
        form = await request.form()
        now = int(time.time())
        claims = self.codes.pop(str(form["code"])) | {"iat": now, "exp": now + 600}
        signed = jwt.encode({"alg": "RS256", "kid": "k"}, claims, self.key)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "expires_in": 600, "id_token": signed})

    async def keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})


@contextmanager
def issuing(port: int) -> Iterator[Issuer]:
    """An issuer at a port of this machine."""
    issuer = Issuer(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=issuer.routes()), "127.0.0.1", port, log_level="error", ws="none")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield issuer
    server.should_exit = True
    thread.join(10)
