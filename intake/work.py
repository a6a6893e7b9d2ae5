"""One task of a job, done wherever there is a worker: the file is fetched, read in a child process, told of, forgotten.

An attempt is noted before it begins. A worker that dies leaves the note and no end, so whoever tries next sees how
often it went wrong: after ATTEMPTS the file is in quarantine, and is refused for as long as it is the same.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import fsspec

from intake.board import Board
from intake.desk import label
from intake.imports import Outcome, Refused
from intake.limits import Limits
from intake.notes import note
from intake.reading import Reading, State
from planner.errors import Quarantined, StoreError
from store.files import reached, reason
from store.leases import leased
from store.places import QUARANTINE
from store.runs import Store

ATTEMPTS = 2
LOOK = 1.0
"""Between two looks at whether the task is still wanted, and two words of how far it is [s]."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import.

    address : a path of this machine, or a URL that fsspec knows
    name : below the folder that was given
    size : [B]
    mark : changes with its content
    """

    address: str
    name: str
    size: int
    mark: str = ""

    @property
    def key(self) -> str:
        """Names the file as long as it is the same."""
        return hashlib.sha256(json.dumps([self.address, self.size, self.mark]).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Task:
    """Files that may be of one run, to be read into a store.

    store : of the workspace
    job, number : of which job, and which of its tasks
    name : for people
    sources : the files
    limits : of the process that reads
    sent : whether the sources were put beside the board, to be removed when they are read
    """

    store: Store
    job: str
    number: int
    name: str
    sources: tuple[Source, ...]
    limits: Limits
    sent: bool = False

    @property
    def key(self) -> str:
        """Names what is read as long as it is the same."""
        return hashlib.sha256("".join(source.key for source in self.sources).encode()).hexdigest()[:32]


def do(task: Task) -> None:
    """Does a task: at the end its outcomes are on the board.

    raises : StoreError where the store cannot be reached
    """
    board = Board(task.store, task.job)
    if board.unwanted:
        board.end(task.number, [_refused(task, "Cancelled", "cancelled before it began.")])
        return
    if board.begin(task.number) > ATTEMPTS:
        _lock_away(task)
    began = time.monotonic()
    outcomes = _outcomes(task, board)
    board.end(task.number, outcomes)
    note(time.monotonic() - began, outcomes)
    if task.sent:
        board.drop_files()


def release(store: Store) -> int:
    """Lets every file out of quarantine; how many."""
    locked = store.shelf.notes(QUARANTINE)
    store.shelf.drop_notes(QUARANTINE)
    return len(locked)


def _outcomes(task: Task, board: Board) -> list[Outcome]:
    if task.store.shelf.notes(QUARANTINE, task.key):
        return [
            _refused(
                task, Quarantined.__name__,
                f"in quarantine, since reading it killed {ATTEMPTS} workers. Try it on a machine apart.",
            )
        ]  # fmt: skip
    try:
        with _fetched(task) as path:
            return _read(task, path, board)
    except StoreError as error:
        return [_refused(task, type(error).__name__, str(error))]


def _read(task: Task, path: Path, board: Board) -> list[Outcome]:
    reading, over = Reading(task.name), threading.Event()
    watch = threading.Thread(target=_watch, args=(reading, task, board, over), daemon=True)
    watch.start()
    try:
        reading.run(path, task.store, task.limits)
    finally:
        over.set()
        watch.join()
    if reading.state is State.CANCELLED:
        return [_refused(task, "Cancelled", "cancelled, nothing of it was kept.")]
    return list(reading.outcomes)


def _watch(reading: Reading, task: Task, board: Board, over: threading.Event) -> None:
    """Tells how far a reading is; cancels it when it is not wanted any more."""
    while not over.wait(LOOK):
        with suppress(StoreError):
            if board.unwanted:
                reading.cancel()
            else:
                done, total = reading.told
                board.tell(task.number, done / total if total else 0.0)


@contextmanager
def _fetched(task: Task) -> Iterator[Path]:
    """The files where a process can read them: one as it is, several as a folder; removed if they were fetched.

    raises : StoreError
    """
    first = task.sources[0]
    if len(task.sources) == 1 and "://" not in first.address:
        yield Path(first.address)
        return
    with leased(task.limits.folder) as folder:
        for source in task.sources:
            path = folder.joinpath("files", *map(label, Path(source.name).parts))
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with reached():
                    files, where = fsspec.core.url_to_fs(source.address)
                    files.get_file(where, str(path))
            except (FileNotFoundError, ValueError, ImportError) as error:
                raise StoreError(f"{source.name}: cannot be fetched: {reason(error)}.") from error
        yield path if len(task.sources) == 1 else folder / "files"


def _lock_away(task: Task) -> None:
    task.store.shelf.keep_note(QUARANTINE, task.key, json.dumps({"name": task.name}).encode())


def _refused(task: Task, error: str, what: str) -> Refused:
    return Refused(task.name, error, f"{task.name}: {what}")
