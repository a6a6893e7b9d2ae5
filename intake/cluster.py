"""A cluster of dask.distributed as this process knows it: its connection, and an executor of Python's own kind.

| what happens there                                   | the ClusterError of a future here says |
| ---------------------------------------------------- | -------------------------------------- |
| a piece of work lay on worker after worker that died | that workers died over it              |
| the scheduler is gone                                | that the cluster went away             |
| for ALONE there is no worker                         | that there is none                     |
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import Any

from planner.errors import ClusterError

PATIENCE = "10s"
ALONE = 30.0
"""Time without a worker after which nobody waits for one any more [s]."""
LOOK = 1.0
"""Between two looks at whether anybody is there [s]."""


def client(address: str) -> Any:
    """The connection of this process to a cluster; a new one where the old one broke.

    raises : ClusterError
    """
    if _connected(address).status == "closed":
        _connected.cache_clear()
    return _connected(address)


def executor(address: str) -> Executor:
    """A cluster as an executor, for a search.

    raises : ClusterError
    """
    return Workers(client(address), address)


class Workers(Executor):
    """Whatever workers the cluster has.

    cluster : the connection
    address : of the scheduler, for messages
    """

    def __init__(self, cluster: Any, address: str) -> None:
        """Nothing is asked of them yet."""
        self._cluster, self._pool, self._address = cluster, cluster.get_executor(pure=False), address
        self._waiting: set[Future[Any]] = set()
        self._lock, self._watched = threading.Lock(), False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As every executor does it."""
        here: Future[Any] = Future()
        with closing_told(self._address):
            there = self._pool.submit(fn, *args, **kwargs)
        self._wait_for(here)
        here.add_done_callback(partial(self._over, there))
        there.add_done_callback(partial(self._pass_on, here))
        return here

    def _pass_on(self, here: Future[Any], there: Future[Any]) -> None:
        with suppress(InvalidStateError):  # who waited has cancelled it, or was told that nobody is there
            fault = _gone(self._address) if there.cancelled() else self._named(there.exception())
            if fault:
                here.set_exception(fault)
            else:
                here.set_result(there.result())

    def _over(self, there: Future[Any], here: Future[Any]) -> None:
        there.cancel()
        with self._lock:
            self._waiting.discard(here)

    def _wait_for(self, here: Future[Any]) -> None:
        with self._lock:
            self._waiting.add(here)
            watched, self._watched = self._watched, True
        if not watched:
            threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """As long as anything is waited for: somebody must be there to do it."""
        alone, pause = 0.0, threading.Event()
        while self._still():
            alone = 0.0 if self._anybody() else alone + LOOK
            if alone > ALONE:
                self._give_up()
            pause.wait(LOOK)

    def _still(self) -> bool:
        with self._lock:
            self._watched = bool(self._waiting)
            return self._watched

    def _anybody(self) -> bool:
        with suppress(OSError, RuntimeError):
            return self._cluster.status == "running" and bool(self._cluster.scheduler_info(n_workers=1).get("workers"))
        return False

    def _give_up(self) -> None:
        fault = self._lonely() if self._cluster.status == "running" else _gone(self._address)
        with self._lock:
            waiting = tuple(self._waiting)
        for here in waiting:
            with suppress(InvalidStateError):
                here.set_exception(fault)

    def _named(self, fault: BaseException | None) -> BaseException | None:
        from distributed import KilledWorker  # noqa: PLC0415 - optional
        from distributed.comm.core import CommClosedError  # noqa: PLC0415

        if isinstance(fault, KilledWorker):
            return ClusterError(
                f"Workers of the cluster at {self._address} died over this, one after the other, most likely for want "
                "of memory. Give them more, their logs say why they died, and ask again."
            )
        return _gone(self._address) if isinstance(fault, ConnectionError | TimeoutError | CommClosedError) else fault

    def _lonely(self) -> ClusterError:
        return ClusterError(
            f"The cluster at {self._address} has no worker. Start one: dask worker {self._address}. Then ask again."
        )


@contextmanager
def closing_told(address: str) -> Iterator[None]:
    """What is asked over a connection that was closed meanwhile has its name.

    raises : ClusterError
    """
    from distributed.client import ClosedClientError  # noqa: PLC0415 - optional

    try:
        yield
    except ClosedClientError as error:
        raise _gone(address) from error


def _gone(address: str) -> ClusterError:
    return ClusterError(
        f"The cluster at {address} went away in the middle. Start its scheduler and workers, or take HEADROOM_DASK "
        "away so that this machine does the work, and ask again."
    )


@cache
def _connected(address: str) -> Any:
    try:
        from distributed import Client  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ClusterError("A cluster needs dask.distributed: pip install -r requirements-cluster.txt.") from error
    try:
        return Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"No cluster answers at {address}. Start its scheduler, or correct HEADROOM_DASK."
        ) from error
