"""Clusters for tests: a scheduler and workers, each a real process, which share nothing with this one but a store."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from intake import cluster
from tools.running_app import ROOT, free_port


@contextmanager
def started(folder: Path, *words: str) -> Iterator[subprocess.Popen]:
    with (folder / f"{words[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@dataclass
class Running:
    """A scheduler and workers, each a process of its own.

    stack : ends them
    """

    folder: Path
    stack: ExitStack
    words: tuple[str, ...] = ()
    workers: list[subprocess.Popen] = field(default_factory=list)
    address: str = field(default_factory=lambda: f"tcp://127.0.0.1:{free_port()}")

    def __post_init__(self) -> None:
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", self.address.rsplit(":", 1)[1])

    def grow(self, count: int) -> None:
        own = ("--nthreads", "1", "--local-directory", str(self.folder), "--no-nanny", *self.words)
        self.workers += [self._start("worker", self.address, *own) for _ in range(count)]
        cluster.client(self.address).wait_for_workers(self.alive, timeout=60)

    def kill_when_busy(self) -> None:
        """Kills every worker as soon as one is at work."""
        until(lambda: any(cluster.client(self.address).processing().values()))
        for worker in self.workers:
            worker.kill()

    @property
    def alive(self) -> int:
        return sum(worker.poll() is None for worker in self.workers)

    def _start(self, *words: str) -> subprocess.Popen:
        return self.stack.enter_context(started(self.folder, *words, "--no-dashboard"))


@contextmanager
def running(folder: Path, *words: str) -> Iterator[Running]:
    """A cluster with two workers.

    words : more options of each worker
    """
    with ExitStack() as stack:
        made = Running(folder, stack, words)
        made.grow(2)
        yield made
        cluster.client(made.address).close()
        cluster._connected.cache_clear()


def until(happened: Callable[[], bool]) -> None:
    latest = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < latest
        time.sleep(0.1)
