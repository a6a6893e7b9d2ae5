"""Files read in processes of their own, which may die of what they read: this process and its pages live on.

| the child                        | becomes                                                    |
| -------------------------------- | ---------------------------------------------------------- |
| tells of a run, or of a refusal  | `Imported`, `Refused`                                      |
| asks for more memory than it may | Refused, TooLarge                                          |
| takes more time than it may      | Refused, TooLarge                                          |
| crashes                          | Refused, MalformedFile: the file makes a library fall over |
| is killed from outside           | Refused, TooLarge: the system's way when memory is short   |
| meets a bug of ours              | Refused, with the place; its text, which may quote the file, stays in the child |
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any

from intake.child import ENVIRONMENT
from intake.imports import Imported, Known, Outcome, Refused
from intake.limits import Limits
from planner.errors import MalformedFile, PlannerError, StoreError, TooLarge
from planner.quantities import GIB, MINUTE
from settings.variables import SECRETS, variables
from store.leases import leased
from store.runs import Store

ROOT = Path(__file__).parents[1]
GRACE = 3.0
"""Time that a cancelled child has to take back what it wrote [s]."""
LONGEST_LINE, MOST_OUTCOMES = 2**16, 10_000
MODULE = "intake.child"
OUTCOMES: dict[str, type[Imported] | type[Known] | type[Refused]] = {
    kind.__name__: kind for kind in (Imported, Known, Refused)
}
_NOTHING: tuple[int, int | None] = (0, None)
HIDDEN = tuple(one.name for one in variables() if one.kind in SECRETS)
log = logging.getLogger(__name__)


class State(StrEnum):
    """Where a file is on its way."""

    WAITING = "waiting"
    READING = "reading"
    ENDED = "ended"
    CANCELLED = "cancelled"


class Reading:
    """One file on its way into the store; looked at from any thread.

    name : of the file
    state : see State
    told : how far it is: done, and of how much, if that is known
    outcomes : of its files, imported and refused ones
    """

    def __init__(self, name: str) -> None:
        """A file that nobody reads yet."""
        self.name, self.state, self.told = name, State.WAITING, _NOTHING
        self.outcomes: tuple[Outcome, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self._late, self._began = False, 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def cancel(self) -> None:
        """Stops it; a child that reads takes back what it wrote, or is killed."""
        with self._lock:
            if self.state in (State.WAITING, State.READING):
                self.state = State.CANCELLED
            process = self._process
        if process is not None:
            _stop(process)

    @property
    def seconds(self) -> float:
        """How long a child has been at it [s]."""
        return time.monotonic() - self._began if self._began else 0.0

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it ended, after some time at most [s]."""
        return self._ended.wait(seconds)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self._ended.is_set()

    def run(self, path: Path, store: Store, limits: Limits) -> None:
        """Reads the file into a store; returns when all is over, and raises nothing of the file.

        path : of the file, which stays in place
        """
        try:
            if self.state is State.WAITING:
                self._follow(path, store, limits)
        except OSError as error:
            self._refuse(StoreError(f"{self.name}: no process could be started to read it: {error.strerror}."))
        finally:
            self._end()

    def _follow(self, path: Path, store: Store, limits: Limits) -> None:
        with leased(limits.folder) as scratch, _child(scratch) as process:
            with self._lock:
                if self.state is State.CANCELLED:
                    process.kill()
                    return
                self._process, self.state, self._began = process, State.READING, time.monotonic()
            timer = threading.Timer(limits.seconds, self._time_out, [process])
            timer.start()
            try:
                whole = self._listen(process, _request(path, store, limits))
                self._judge(whole, process.wait(), limits)
            finally:
                timer.cancel()
            if not whole:
                with suppress(StoreError):
                    store.sweep()

    def _listen(self, process: subprocess.Popen[bytes], request: bytes) -> bool:
        """Follows the child's events to their end; whether it said that this is all."""
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018, S101 - both are pipes
        with suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(request)
        while line := process.stdout.readline(LONGEST_LINE):
            with suppress(ValueError, TypeError, KeyError):
                if self._heard(json.loads(line)):
                    return True
        return False

    def _heard(self, event: Any) -> bool:
        if not isinstance(event, dict):
            raise TypeError("an event is an object")
        if "progress" in event:
            done, total = event["progress"]
            self.told = (int(done), int(total) if total else None)
        elif kind := event.keys() & OUTCOMES.keys():
            name = kind.pop()
            self._add(OUTCOMES[name](*map(str, event[name])))
        elif "bug" in event:
            error, place = event["bug"]
            log.error("a bug while reading a file: %s at %s", error, place)
            self._refuse(PlannerError(f"{self.name}: a fault of ours, {error} at {place}. Please report it."))
        return "end" in event

    def _judge(self, whole: bool, status: int, limits: Limits) -> None:
        if whole or self.state is State.CANCELLED:
            return
        log.warning("a process that read a file ended with status %s", status)
        if self._late or -status == signal.SIGXCPU:
            self._refuse(
                TooLarge(f"{self.name}: reading it took more than {limits.seconds / MINUTE:g} minutes. {_ELSEWHERE}")
            )
        elif -status in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE):
            self._refuse(
                MalformedFile(f"{self.name}: the process that read it crashed. The file is damaged, or made to harm.")
            )
        elif status < 0:
            self._refuse(
                TooLarge(
                    f"{self.name}: reading it was stopped by the system, most likely because it took more than the "
                    f"{limits.memory / GIB:g} GiB of memory that it may. {_ELSEWHERE}"
                )
            )

    def _refuse(self, error: PlannerError) -> None:
        self._add(Refused(self.name, type(error).__name__, str(error)))

    def _add(self, outcome: Outcome) -> None:
        if len(self.outcomes) < MOST_OUTCOMES:
            self.outcomes += (outcome,)

    def _time_out(self, process: subprocess.Popen[bytes]) -> None:
        self._late = True
        _stop(process)

    def _end(self) -> None:
        with self._lock:
            self._process = None
            if self.state is not State.CANCELLED:
                self.state = State.ENDED
                if not self.outcomes:
                    self._refuse(PlannerError(f"{self.name}: reading it ended without a word. Please report it."))
        self._ended.set()


_ELSEWHERE = (
    "Import it with `python cli.py import` where there is more of it, or send what "
    "`python cli.py import FILE --summary OUT` makes of it."
)


def _request(path: Path, store: Store, limits: Limits) -> bytes:
    wanted = {
        "path": str(path.absolute()),
        "store": str(store.root) if "://" in str(store.root) else str(Path(store.root).absolute()),
        "rules": asdict(store.rules),
        "cpu_seconds": limits.cpu_seconds,
        "file_bytes": limits.written,
        "memory_bytes": limits.memory,
    }
    return json.dumps(wanted).encode() + b"\n"


@contextmanager
def _child(scratch: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A new process, dead at the end of the block, whose temporary files are in a folder of ours."""
    kept = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", MODULE],
        cwd=ROOT,
        env={**kept, **ENVIRONMENT, "TMPDIR": str(scratch)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    killer = threading.Timer(GRACE, process.kill)
    killer.daemon = True
    killer.start()
