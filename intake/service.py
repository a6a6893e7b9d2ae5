"""Everything that takes files in, once for a process: the desk, the readers, the tokens, and the way there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

from starlette.routing import Route

from intake import board
from intake.board import Board
from intake.desk import Desk, File, State, Upload
from intake.folder import Shared, shared_file, shared_files
from intake.imports import stands_alone
from intake.jobs import KEPT, Jobs
from intake.limits import Limits, limits
from intake.owners import workspace_of
from intake.route import routes
from intake.sources import groups
from intake.tokens import LIFETIME, Tokens
from planner.errors import StoreError, UploadRefused
from planner.quantities import MINUTE
from settings import settings
from store.runs import Store
from store.workspaces import every_workspace

SWEEP = 5 * MINUTE
PATIENCE = 15.0
"""Longest wait for jobs that were cancelled [s]."""


class Intake:
    """Files in, runs out.

    limits : the operator's
    serving : whether a server of this process has the upload route
    closing : whether the server is about to stop: what is being read is read, nothing new is taken
    """

    def __init__(self, limits: Limits, cluster: str | None = None) -> None:
        """Nothing is here yet."""
        self.limits, self.serving, self.closing = limits, False, False
        self._desk, self._jobs, self._tokens = Desk(limits), Jobs(limits, cluster), Tokens(limits.secret)

    def token(self, session: str) -> tuple[str, float]:
        """A token for a session's uploads, and how long it is good [s]."""
        return self._tokens.issue(session, self.limits.file), LIFETIME

    def routes(self, alive: Callable[[str], bool], base: str = "") -> list[Route]:
        """The upload route; see route.py."""
        return routes(self._desk, self._tokens, lambda owner: alive(owner) and not self.closing, base)

    @property
    def busy(self) -> bool:
        """Whether anything is being read, or waits for it."""
        return self._jobs.busy

    def read_bytes(self, session: str, files: Sequence[File], store: Store) -> Iterator[Board]:
        """Reads small files into a store: those together that may be of one run, archives and exports by themselves.

        files : names and contents
        raises : TooLarge, UploadRefused
        """
        self._open()
        alone = [[file] for file in files if stands_alone(file[1])]
        for group in (*alone, [file for file in files if not stands_alone(file[1])]):
            if group:
                yield from self.read_upload(session, self._desk.receive(session, group).id, store)

    def read_upload(self, session: str, upload_id: str, store: Store) -> Iterator[Board]:
        """Reads what is here into a store; then it is gone.

        raises : UploadRefused
        """
        upload = self._desk.take(session, upload_id)
        yield self._jobs.start_upload(store, upload.name, upload.path, lambda: self._desk.drop(upload))

    def read_shared(self, name: str, store: Store) -> Iterator[Board]:
        """Reads a file of the operator's folder where it lies.

        raises : UploadRefused
        """
        self._open()
        if self.limits.shared is None:
            raise UploadRefused("This server has no folder to import from.")
        path = shared_file(self.limits.shared, name)
        yield self._jobs.start(store, path.name, groups(str(path)))

    def shared(self) -> list[Shared]:
        """The files of the operator's folder."""
        return shared_files(self.limits.shared) if self.limits.shared else []

    def forget(self, workspace: str, store: Store) -> None:
        """Stops what is read into a workspace, and drops what waits for it; returns when it is over.

        raises : StoreError
        """
        self._jobs.cancel(store, PATIENCE)
        self._desk.drop_all(lambda owner: workspace_of(owner) == workspace)

    def arriving(self, session: str) -> list[Upload]:
        """A session's uploads that nobody reads yet."""
        return self._desk.of_session(session)

    def here(self, session: str) -> list[Upload]:
        """Those of them whose bytes are all here."""
        return [upload for upload in self._desk.of_session(session) if upload.state is State.HERE]

    @asynccontextmanager
    async def serve(self, root: Path | str) -> AsyncIterator[None]:
        """To be entered while a server has the route: old files are swept away, and at the end all of them.

        root : of the store, where what writers that died left, and old jobs, are swept away too, then once a day
        """
        sweeper = asyncio.create_task(self._sweep(root))
        self.serving = True
        try:
            yield
        finally:
            self.serving = False
            sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await sweeper
            self.close()

    def close(self) -> None:
        """Stops what is being read, and drops what waits."""
        self._jobs.close()
        self._desk.drop_all()

    def _open(self) -> None:
        if self.closing:
            raise UploadRefused("This copy of the app is about to stop. Reload the page in a minute, and try again.")

    async def _sweep(self, root: Path | str) -> None:
        swept = -KEPT
        while True:
            if time.monotonic() - swept > KEPT:
                swept = time.monotonic()
                with suppress(StoreError):
                    await asyncio.to_thread(_swept, root)
            await asyncio.sleep(SWEEP)
            self._desk.sweep()


def _swept(root: Path | str) -> None:
    """Removes what writers that died left in every workspace, and what is known of jobs that are long over."""
    for store in (Store(root), *every_workspace(root)):
        with suppress(StoreError, OSError):  # one that does not answer now is swept the next time
            store.sweep()
            board.sweep(store, KEPT)


@cache
def intake() -> Intake:
    """The one of this process, as the environment says.

    raises : BadSetting
    """
    return Intake(limits(), settings().dask)
