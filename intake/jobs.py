"""Heavy work off the page: a job is started here, done by a crew, and looked at, or cancelled, from anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

from intake import board
from intake.board import FILES, Board, Progress, new_job
from intake.crew import Cluster, Here
from intake.heart import Heart
from intake.imports import Outcome, Refused
from intake.limits import Limits
from intake.sources import Group
from intake.work import Source, Task
from planner.errors import JobNotFound, PlannerError, StoreError
from planner.quantities import HOUR
from store.files import reached
from store.places import JOBS
from store.runs import Store

KEPT = 24 * HOUR
"""Time for which a job that is over is known [s]."""
LOOK, GLANCE = 0.5, 0.1
"""Between two looks of who follows a job, and of a page that waits for a small file [s]."""
GONE = "the server or worker that read it, or was to, is gone. Import it again."
Telling = Callable[[int, int | None], None]


class Jobs:
    """Starts jobs.

    limits : of the processes that read
    cluster : address of a scheduler; None: this process
    """

    def __init__(self, limits: Limits, cluster: str | None = None) -> None:
        """Nothing is done yet; a cluster is not asked before the first job."""
        self._limits, self._cluster = replace(limits, secret=""), cluster
        self._heart = Heart()
        self._here = Here(limits, self._heart)

    def start(self, store: Store, name: str, groups: Sequence[Group]) -> Board:
        """Imports files that every worker can reach.

        raises : StoreError, ClusterError
        """
        with suppress(StoreError):
            board.sweep(store, KEPT)
        crew = Cluster(self._cluster, self._heart) if self._cluster else self._here
        made = self._new(store, name, [one for one, _ in groups])
        with _handed_on(made):
            for number, (one, sources) in enumerate(groups):
                crew.start(Task(store, made.job, number, one, sources, self._limits))
        return made

    def start_upload(self, store: Store, name: str, path: Path, drop: Callable[[], None]) -> Board:
        """Imports a file or folder of this machine, which is dropped when it is read, or sent to where workers see it.

        raises : StoreError, ClusterError
        """
        if self._cluster is None:
            try:
                made = self._new(store, name, [name])
            except StoreError:
                drop()
                raise
            task = Task(store, made.job, 0, name, (Source(str(path), name, 0),), self._limits)
            self._here.start(task, drop)
            return made
        try:
            crew, made = Cluster(self._cluster, self._heart), self._new(store, name, [name])
            with _handed_on(made):
                crew.start(Task(store, made.job, 0, name, _sent(store, made, path), self._limits, sent=True))
        finally:
            drop()
        return made

    @property
    def busy(self) -> bool:
        """Whether this process reads anything, or is about to."""
        return self._here.busy

    def cancel(self, store: Store, patience: float) -> None:
        """Cancels all jobs of a workspace; returns when they are over, or after some time [s].

        raises : StoreError
        """
        going = [one for one in board.jobs(store) if not _over(one)]
        for one in going:
            one.cancel()
        until = time.monotonic() + patience
        while not all(map(_over, going)) and time.monotonic() < until:
            time.sleep(LOOK)

    def close(self) -> None:
        """Stops what this process does; a cluster goes on."""
        self._here.close()
        self._heart.close()

    def _new(self, store: Store, name: str, tasks: Sequence[str]) -> Board:
        return new_job(store, name, tasks, self._heart.name, sent=self._cluster is not None)


def wait(job: Board, seconds: float) -> bool:
    """Whether a job was over after some time at most [s].

    raises : StoreError
    """
    until = time.monotonic() + seconds
    while not _over(job):
        if time.monotonic() > until:
            return False
        time.sleep(GLANCE)
    return True


def followed(job: Board, progress: Telling | None = None) -> Iterator[Outcome]:
    """Outcomes of a job as its tasks end; of one that is lost or forsaken, that too; one not followed is cancelled.

    progress : hears of each look: tasks that ended, and all
    raises : StoreError
    """
    known, over, gone = set[int](), False, False
    try:
        while not (over or gone):
            found = job.progress()
            over, gone = found.over or found.lost, found.lost or found.forsaken
            if progress:
                progress(found.ended, found.tasks)
            if found.ended > len(known):
                new = job.outcomes(known)
                known |= new.keys()
                yield from chain.from_iterable(new.values())
            if gone:
                yield lost(found)
            elif not over:
                time.sleep(LOOK)
    finally:
        if over:
            job.remove()
        else:
            job.cancel()


def lost(found: Progress) -> Refused:
    """What is told of a job that nobody will end."""
    why = "cancelled." if found.cancelled else GONE
    return Refused(found.name, "Lost", f"{found.name}: {why}")


def _over(job: Board) -> bool:
    """Whether nothing more will happen, as with one that was deleted."""
    try:
        found = job.progress()
    except JobNotFound:
        return True
    return found.over or found.lost


@contextmanager
def _handed_on(job: Board) -> Iterator[None]:
    """A job whose tasks cannot all be handed on is none, and leaves no file."""
    try:
        yield
    except PlannerError:
        with suppress(StoreError):
            job.remove()
        raise


def _sent(store: Store, job: Board, path: Path) -> tuple[Source, ...]:
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    folder = f"{JOBS}/{job.job}/{FILES}"
    with reached():
        kept = [store.shelf.keep_file(folder, one.name, one) for one in paths]
    return tuple(Source(there, one.name, one.stat().st_size) for there, one in zip(kept, paths, strict=True))
