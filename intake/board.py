"""What is known of a job, kept beside the runs of its workspace: every copy of the app and every worker sees it.

    jobs/<job>/head.json           name, names of its tasks, and who does them
               <task>.begun.<n>    the n-th attempt at a task has begun
               <task>.told.json    how far it is, and when that was
               <task>.ended.json   its outcomes
               cancel              somebody wants it to stop
         <owner>.alive             when a process that does jobs last said that it lives (heart.py)

Each file has one writer at a time and is written whole; what is known follows from which files there are. A job without
its head is one that was deleted: who works at it stops.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Container, Iterable
from contextlib import suppress
from dataclasses import astuple, dataclass
from typing import Any

from intake.imports import Imported, Known, Outcome, Refused
from planner.errors import JobNotFound, StoreError
from planner.quantities import MINUTE
from store.files import reason
from store.places import JOBS
from store.runs import Store

HEAD, CANCEL, FILES, ALIVE = "head.json", "cancel", "files", ".alive"
SILENT = 2 * MINUTE
"""Time without a word after which nobody works at a task that began, or will at one that waits [s]."""
_JOB = re.compile(r"[0-9a-f]{16}")
_BEGUN = re.compile(r"(\d+)\.begun\.\d+")
_OWNER = re.compile(rf"[0-9a-f]{{16}}{re.escape(ALIVE)}")
_ENDED = re.compile(r"(\d+)\.ended\.json")
OUTCOMES: dict[str, type[Imported] | type[Known] | type[Refused]] = {
    kind.__name__: kind for kind in (Imported, Known, Refused)
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    name : of what is imported
    tasks, begun, ended : how many
    done : share of the tasks that are at work, each from 0 to 1, added up
    heard : when it last gave a word [s] since 1970
    cancelled : whether it is to stop
    vouched : when it, or who does it, last gave a word [s] since 1970
    sent : whether a cluster does it, which may outlive the process that sent it there
    """

    name: str
    tasks: int
    begun: int
    ended: int
    done: float
    heard: float
    cancelled: bool
    vouched: float
    sent: bool

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.ended == self.tasks

    @property
    def lost(self) -> bool:
        """Whether those who worked at it, or were to, are gone; of one that waits for a cluster, nobody knows.

        What a worker of a cluster began before it died waits for another, as long as who sent it there does.
        """
        nobody = _silent(self.vouched) and (self.begun > self.ended or not self.sent)
        return not self.over and _silent(self.heard) and (nobody or self.cancelled)

    @property
    def forsaken(self) -> bool:
        """Whether it waits for a cluster that may be gone, as who sent it there is."""
        return not self.over and not self.lost and _silent(self.vouched)

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, (self.ended + self.done) / max(self.tasks, 1))


@dataclass(frozen=True, slots=True)
class Board:
    """A job's place in a store.

    store : of the workspace
    job : its id
    """

    store: Store
    job: str

    def __post_init__(self) -> None:
        """What a link or a session says never becomes a path unseen."""
        if not _JOB.fullmatch(self.job):
            raise JobNotFound(f'"{self.job[:40]}" is no job.')

    def open(self, name: str, tasks: Iterable[str], owner: str, sent: bool) -> None:
        """Makes the job known."""
        self._write(HEAD, {"name": name, "tasks": list(tasks), "when": time.time(), "owner": owner, "sent": sent})

    def begin(self, task: int) -> int:
        """Notes an attempt at a task; returns which it is, 1 the first."""
        attempt = 1 + len(self.store.shelf.notes(self._folder, f"{task}.begun."))
        self._write(f"{task}.begun.{attempt}", {})
        self.tell(task, 0.0)
        return attempt

    def tell(self, task: int, done: float) -> None:
        """Notes how far a task is, from 0 to 1."""
        self._write(f"{task}.told.json", {"done": done, "when": time.time()})

    def end(self, task: int, outcomes: Iterable[Outcome]) -> None:
        """Notes what became of a task; of a job that was deleted, nothing."""
        if not self.stopped:
            self._write(f"{task}.ended.json", [[type(one).__name__, *astuple(one)] for one in outcomes])

    def cancel(self) -> None:
        """Asks whoever works at the job to stop; one that was deleted is not there again for it."""
        if not self.stopped:
            self._write(CANCEL, {})

    def remove(self) -> None:
        """Forgets the job; who works at it stops."""
        self.store.shelf.drop_notes(self._folder)

    def drop_files(self) -> None:
        """Removes the files that were sent here to be read."""
        self.store.shelf.drop_notes(f"{self._folder}/{FILES}")

    @property
    def stopped(self) -> bool:
        """Whether the job was deleted."""
        return HEAD not in self.store.shelf.notes(self._folder, HEAD)

    @property
    def unwanted(self) -> bool:
        """Whether the job was cancelled or deleted."""
        return bool(self.store.shelf.notes(self._folder, CANCEL)) or self.stopped

    def progress(self) -> Progress:
        """How far it is.

        raises : JobNotFound, StoreError
        """
        names = self.store.shelf.notes(self._folder)
        head = self._read(HEAD)
        begun, ended = ({match[1] for name in names if (match := kind.fullmatch(name))} for kind in (_BEGUN, _ENDED))
        told = [self._read(f"{task}.told.json") for task in begun - ended]
        heard = max([head["when"], *(one.get("when", 0.0) for one in told)])
        done = sum(one.get("done", 0.0) for one in told)
        vouched = max(heard, _word(self.store, head.get("owner", ""))) if _silent(heard) else heard
        counts = len(head["tasks"]), len(begun), len(ended)
        return Progress(head["name"], *counts, done, heard, CANCEL in names, vouched, head.get("sent", False))

    def outcomes(self, known: Container[int] = ()) -> dict[int, tuple[Outcome, ...]]:
        """What became of each task that ended, but for those that are known.

        raises : StoreError
        """
        names = self.store.shelf.notes(self._folder)
        ended = sorted(int(match[1]) for name in names if (match := _ENDED.fullmatch(name)))
        return {task: self._outcomes(task) for task in ended if task not in known}

    def _outcomes(self, task: int) -> tuple[Outcome, ...]:
        return tuple(OUTCOMES[kind](*cells) for kind, *cells in self._read(f"{task}.ended.json"))

    @property
    def _folder(self) -> str:
        return f"{JOBS}/{self.job}"

    def _write(self, name: str, content: object) -> None:
        try:
            self.store.shelf.keep_note(self._folder, name, json.dumps(content).encode())
        except OSError as error:
            raise StoreError(f"Job {self.job} cannot be noted: {reason(error)}. Make room in the store.") from error

    def _read(self, name: str) -> Any:
        try:
            return json.loads(self.store.shelf.note(self._folder, name).read())
        except FileNotFoundError as error:
            if name == HEAD:
                raise JobNotFound(f"Job {self.job} is over, or was deleted.") from error
            return {}


def new_job(store: Store, name: str, tasks: Iterable[str], owner: str = "", sent: bool = False) -> Board:
    """A job with an id that nobody can guess.

    owner : says regularly that it lives, and the job with it
    sent : whether a cluster does it
    """
    board = Board(store, secrets.token_hex(8))
    board.open(name, tasks, owner, sent)
    return board


def vouch(store: Store, owner: str) -> None:
    """Notes that who does jobs of this store lives.

    raises : StoreError, OSError
    """
    store.shelf.keep_note(JOBS, f"{owner}{ALIVE}", json.dumps({"when": time.time()}).encode())


def unvouch(store: Store, owner: str) -> None:
    """Takes that back: none of its jobs is left here.

    raises : StoreError, OSError
    """
    store.shelf.drop_note(JOBS, f"{owner}{ALIVE}")


def jobs(store: Store) -> list[Board]:
    """The jobs of a workspace.

    raises : StoreError
    """
    return _jobs(store, store.shelf.notes(JOBS))


def sweep(store: Store, age: float) -> None:
    """Forgets jobs, and who did them, that gave no word for long.

    age : [s]
    """
    names = store.shelf.notes(JOBS)
    for owner in (name.removesuffix(ALIVE) for name in names if _OWNER.fullmatch(name)):
        with suppress(StoreError):
            if time.time() - _word(store, owner) > age:
                unvouch(store, owner)
    for board in _jobs(store, names):
        with suppress(StoreError):
            if _old(board, age):
                board.remove()


def _old(board: Board, age: float) -> bool:
    """Whether a job gave no word for long, or is what a worker left that learned too late that it was deleted."""
    try:
        return time.time() - board.progress().heard > age
    except JobNotFound:
        return True


def _jobs(store: Store, names: Iterable[str]) -> list[Board]:
    return [Board(store, name) for name in sorted(names) if _JOB.fullmatch(name)]


def _word(store: Store, owner: str) -> float:
    """When an owner last said that it lives [s] since 1970."""
    with suppress(FileNotFoundError):
        return float(json.loads(store.shelf.note(JOBS, f"{owner}{ALIVE}").read())["when"])
    return 0.0


def _silent(since: float) -> bool:
    return time.time() - since > SILENT
