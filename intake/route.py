"""The upload route: a file streams from the browser to the disk, never whole in memory.

    POST   /upload/{token}        {"name": ..., "size": ...} -> 201 {"id": ...}: room is reserved, or why not
    PUT    /upload/{token}/{id}   the bytes -> 201; anything but exactly `size` bytes, or too slow: the file is gone
    GET    /upload/{token}        the session's uploads, with bytes received
    DELETE /upload/{token}/{id}   the file is gone

| refused because                                          | status |
| -------------------------------------------------------- | ------ |
| the token is not ours, old, or of a session that is gone | 403    |
| the file is too large                                    | 413    |
| a quota is full; no such upload; other bytes than told   | 409    |
| the request is none of these                             | 400    |
| the bytes come too slowly                                | 408    |

Each answer but 201 has {"error": a sentence}. Announcing first lets a refusal be read before gigabytes travel.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from intake.desk import Desk, State, Upload, room
from intake.tokens import BadToken, Tokens
from planner.errors import TooLarge, UploadRefused
from planner.quantities import KIB, MIB

CHUNK = MIB
"""Bytes gathered before a thread writes them [B]."""
STALL, SLOWEST = 30.0, 32 * KIB
"""Longest wait for the next bytes [s]; slowest mean rate after that [B/s]."""
LONGEST_BODY = 4 * KIB
Answer = Callable[[Request], Awaitable[Response]]


class TooSlow(UploadRefused):
    """Bytes that come so slowly that they hold a place for others."""


def routes(desk: Desk, tokens: Tokens, alive: Callable[[str], bool], base: str = "") -> list[Route]:
    """The routes of an ASGI server.

    alive : whether a session is one of this server's, and there
    base : path before them, as "/headroom"
    """
    here = _Door(desk, tokens, alive)
    return [
        Route(f"{base}/upload/{{token}}", _answered(here.announce), methods=["POST"]),
        Route(f"{base}/upload/{{token}}", _answered(here.show), methods=["GET"]),
        Route(f"{base}/upload/{{token}}/{{upload}}", _answered(here.receive), methods=["PUT"]),
        Route(f"{base}/upload/{{token}}/{{upload}}", _answered(here.remove), methods=["DELETE"]),
    ]


@dataclass(frozen=True, slots=True)
class _Door:
    desk: Desk
    tokens: Tokens
    alive: Callable[[str], bool]

    async def announce(self, request: Request) -> Response:
        session, largest = self._session(request)
        name, size = _announced(await _small_body(request))
        if size > largest:
            raise TooLarge(f"The file has {size / MIB:.0f} MiB; at most {largest / MIB:.0f} MiB are taken here.")
        return JSONResponse({"id": self.desk.expect(session, name, size).id}, 201)

    async def receive(self, request: Request) -> Response:
        upload = self.desk.begin(self._session(request)[0], request.path_params["upload"])
        try:
            with room(upload.name):
                await _stream(request, upload)
            self.desk.end(upload)
        except BaseException:
            self.desk.drop(upload)
            raise
        return JSONResponse({"id": upload.id, "received": upload.received}, 201)

    async def show(self, request: Request) -> Response:
        found = self.desk.of_session(self._session(request)[0])
        return JSONResponse(
            [{"id": one.id, "name": one.name, "size": one.size, "received": one.received} for one in found]
        )

    async def remove(self, request: Request) -> Response:
        for upload in self.desk.of_session(self._session(request)[0]):
            if upload.id == request.path_params["upload"]:
                self.desk.drop(upload)
        return Response(status_code=204)

    def _session(self, request: Request) -> tuple[str, int]:
        session, largest = self.tokens.session(request.path_params["token"])
        if not self.alive(session):
            raise BadToken(
                "The page of this upload is gone, or another copy of the app serves it. Reload the page; behind a "
                "proxy, sessions must stay with their copy."
            )
        return session, largest


async def _stream(request: Request, upload: Upload) -> None:
    """Writes a body to the disk, in a thread, so that no page waits for it.

    raises : UploadRefused, TooSlow, ClientDisconnect
    """
    loop = asyncio.get_running_loop()
    latest = loop.time() + STALL + upload.size / SLOWEST
    chunks = request.stream()
    held = bytearray()
    with upload.path.open("xb") as file:
        while chunk := await _next(chunks, min(STALL, latest - loop.time())):
            if upload.state is State.DROPPED:
                raise UploadRefused(f"{upload.name}: this upload was cancelled.")
            held += chunk
            if upload.received + len(held) > upload.size:
                raise UploadRefused(f"{upload.name}: more bytes came than the {upload.size} that were announced.")
            if len(held) >= CHUNK:
                await to_thread.run_sync(file.write, bytes(held))
                upload.grown(len(held))
                held.clear()
        file.write(held)
        upload.grown(len(held))
    if upload.received != upload.size:
        raise UploadRefused(f"{upload.name}: {upload.received} bytes came of the {upload.size} that were announced.")


async def _next(chunks: AsyncIterator[bytes], seconds: float) -> bytes:
    try:
        return await asyncio.wait_for(anext(chunks, b""), max(0.0, seconds))
    except TimeoutError as error:
        raise TooSlow("The file came too slowly. Try again where the connection is better.") from error


async def _small_body(request: Request) -> bytes:
    body = b""
    chunks = request.stream()
    while (chunk := await _next(chunks, STALL)) and len(body) <= LONGEST_BODY:
        body += chunk
    return body


def _announced(body: bytes) -> tuple[str, int]:
    try:
        told: Any = json.loads(body)
        name, size = told["name"], told["size"]
    except (ValueError, LookupError, TypeError, RecursionError):
        name = size = None
    if not isinstance(name, str) or not isinstance(size, int) or isinstance(size, bool):
        raise ValueError("an announcement has a name and a size")
    return name, size


STATUS: Mapping[type[Exception], int] = {
    TooLarge: 413,
    TooSlow: 408,
    BadToken: 403,
    UploadRefused: 409,
    ClientDisconnect: 400,
    ValueError: 400,
}


def _answered(act: Answer) -> Answer:
    """Turns what is refused into a status and a sentence."""

    async def answer(request: Request) -> Response:
        try:
            return await act(request)
        except tuple(STATUS) as error:
            status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
            return JSONResponse({"error": str(error)}, status, {"Connection": "close"})

    return answer
