"""Who does the tasks: threads of this process, each with a child of its own, or the workers of a Dask cluster."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from intake.board import Board
from intake.cluster import client, closing_told
from intake.heart import Heart
from intake.limits import Limits
from intake.work import Task, do
from planner.errors import PlannerError, StoreError

log = logging.getLogger(__name__)


class Here:
    """Threads of this process.

    limits : how many at once
    heart : says that they live
    """

    def __init__(self, limits: Limits, heart: Heart) -> None:
        """Idle."""
        self._heart = heart
        self._pool = ThreadPoolExecutor(limits.at_once, thread_name_prefix="reading")
        self._going: dict[Future[None], Task] = {}
        self._lock = threading.Lock()

    def start(self, task: Task, after: Callable[[], None] | None = None) -> None:
        """In turn.

        after : called when all is over, whatever happened
        """
        future = self._pool.submit(_done, task, after)
        self._heart.hold(task.store)
        future.add_done_callback(lambda _: self._heart.release(task.store))
        with self._lock:
            self._going = {one: other for one, other in self._going.items() if not one.done()} | {future: task}
        future.add_done_callback(_log_fault)

    @property
    def busy(self) -> bool:
        """Whether anything is done, or waits for it."""
        return any(not one.done() for one in self._going)

    def close(self) -> None:
        """Cancels the jobs that it works at, and waits until they ended."""
        for future, task in self._going.items():
            if not future.done():
                with suppress(StoreError):
                    Board(task.store, task.job).cancel()
        self._pool.shutdown(wait=True)


class Cluster:
    """Workers of dask.distributed, which have the same store and this code.

    A worker that dies has its tasks done by others; Dask gives up on a task that lay on several workers that died,
    its own fault or not, so it is given back: how often a task itself went wrong is told by its board.

    address : of the scheduler
    heart : says that who sent a task there lives
    """

    def __init__(self, address: str, heart: Heart) -> None:
        """Connects."""
        self._client, self._address, self._heart = client(address), address, heart

    def start(self, task: Task) -> None:
        """On whatever worker is free; it goes on if this process ends.

        raises : ClusterError
        """
        from distributed import fire_and_forget  # noqa: PLC0415 - optional

        key = f"{task.job}-{task.number}-{secrets.token_hex(4)}"
        with closing_told(self._address):
            future = self._client.submit(do, task, key=key, pure=False)
        fire_and_forget(future)
        self._heart.hold(task.store)
        future.add_done_callback(lambda done: self._look(done, task))

    def _look(self, done: Any, task: Task) -> None:
        from distributed import KilledWorker  # noqa: PLC0415 - optional

        fault = done.exception() if done.status == "error" else None
        try:
            if isinstance(fault, KilledWorker):
                self.start(task)
            elif fault:
                log.error("a task failed on the cluster: %s", type(fault).__name__)
        finally:
            self._heart.release(task.store)


def _done(task: Task, after: Callable[[], None] | None) -> None:
    try:
        do(task)
    finally:
        if after:
            after()


def _log_fault(done: Future[None]) -> None:
    if done.cancelled() or not (fault := done.exception()):
        return
    if isinstance(fault, PlannerError):
        log.warning("what became of a task could not be told: %s", type(fault).__name__)
    else:
        log.error("a bug while following a process that reads a file", exc_info=fault)
