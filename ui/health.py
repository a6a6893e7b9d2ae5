"""Whether the server lives, whether it should be sent visitors, and how it stops.

    /healthz    200 as long as the process answers
    /readyz     200; 503 when it is about to stop, or the store is out of reach

Told to stop (SIGTERM), it is not ready any more and takes no new files, but pages stay until what is being read is
read, or HEADROOM_DRAIN_SECONDS are over. Told again, it stops at once.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from intake.service import Intake
from planner.errors import StoreError
from store.runs import Store, default_root

REMEMBERED, PATIENCE = 5.0, 10.0
"""Time for which an answer of the store holds; longest wait for one [s]."""
LOOK = 0.1


async def alive(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "alive"})


class Readiness:
    """Whether visitors should come.

    intake : which takes files, or does not any more
    """

    def __init__(self, intake: Intake) -> None:
        """Nobody asked yet."""
        self._intake, self._when, self._fault = intake, -REMEMBERED, ""
        self._lock = asyncio.Lock()

    async def answer(self, _: Request) -> Response:
        """200, or 503 and why; the store is asked by one at a time, and not more often than it answers anew."""
        if self._intake.closing:
            return JSONResponse({"status": "stopping"}, 503)
        async with self._lock:
            if time.monotonic() - self._when > REMEMBERED:
                self._fault = await _fault()
                self._when = time.monotonic()
        return JSONResponse({"status": self._fault or "ready"}, 503 if self._fault else 200)


async def _fault() -> str:
    """What is wrong with the store, in words without its address; empty if nothing is."""
    try:
        await asyncio.wait_for(asyncio.to_thread(Store(default_root()).check), PATIENCE)
    except TimeoutError:
        return "the store does not answer"
    except StoreError:
        return "the store is out of reach"
    return ""


@contextmanager
def stopping_gently(intake: Intake, seconds: float) -> Iterator[None]:
    """To be entered by the server's loop: puts off the first SIGTERM until nothing is being read.

    seconds : longest time for that [s]
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)
    waiting: list[asyncio.Task[None]] = []

    def stop(number: int, _: FrameType | None) -> None:
        intake.closing = True
        if waiting:
            signal.signal(signal.SIGTERM, before)
            signal.raise_signal(number)
        else:
            loop.call_soon_threadsafe(lambda: waiting.append(loop.create_task(_drained(intake, seconds, before))))

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _drained(intake: Intake, seconds: float, before: Callable[[int, FrameType | None], Any] | int | None) -> None:
    until = time.monotonic() + seconds
    while intake.busy and time.monotonic() < until:
        await asyncio.sleep(LOOK)
    signal.signal(signal.SIGTERM, before)
    signal.raise_signal(signal.SIGTERM)
