"""A file into the app over its upload route, as the page's box for large files sends it; and what became of it."""

from __future__ import annotations

import asyncio
import time

import httpx

from tools.app_session import AppSession

LOOK = 2.0
"""Between two looks [s]."""


async def upload(client: httpx.AsyncClient, session: AppSession, name: str, content: bytes) -> int:
    """Announces a file and sends it; the status of the first refusal, or of the last answer.

    client : of the address where the session is
    session : has drawn Evidence
    """
    cookie = {"Cookie": session.cookie}
    announced = await client.post(session.uploads, json={"name": name, "size": len(content)}, headers=cookie)
    if announced.status_code != 201:
        return announced.status_code
    place = f"{session.uploads}/{announced.json()['id']}"
    return (await client.put(place, content=content, headers=cookie)).status_code


async def told_of(session: AppSession, name: str, seconds: float) -> str:
    """What Evidence says of a file that was sent; "" where it says nothing within the time.

    seconds : longest wait [s]
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await session.visit("evidence")
        for sentence in session.said:
            if name in sentence:
                return sentence
        await asyncio.sleep(LOOK)
    return ""
