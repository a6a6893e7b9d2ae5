"""Files on their way in: a folder each, under quotas, until somebody takes them or they are too old.

What a browser calls a file never becomes a path as it is: `label` leaves letters, digits, dots and dashes of its last
part. Each upload has a folder of its own with a name of ours (store.leases), so what a crash leaves is swept at the
next start.
"""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, count
from pathlib import Path, PurePosixPath

from intake.limits import Limits
from intake.owners import holder
from planner.errors import TooLarge, UploadRefused
from planner.quantities import GIB, HOUR, MINUTE
from store import leases
from store.files import reason

MOST_OF_A_SESSION = 16
FREE = GIB
"""Room that stays free on the disk [B]."""
UNUSED, UNTAKEN = MINUTE, HOUR
"""Age after which an upload that does not begin, and one that nobody takes, is dropped [s]."""
LONGEST_LABEL = 60
"""Letters of a name; file systems take 255 bytes, and a letter has up to four."""
_UNSAFE = re.compile(r"[^\w.-]+")


File = tuple[str, bytes | memoryview]
"""What a browser calls a file, and its content."""


class State(StrEnum):
    """Where an upload is."""

    EXPECTED = "expected"
    ARRIVING = "arriving"
    HERE = "here"
    TAKEN = "taken"
    DROPPED = "dropped"


@dataclass(slots=True, eq=False)
class Upload:
    """A file that arrives, or waits to be read.

    id : names it; nobody can guess it
    session : whose it is
    name : label of the browser's name
    size : bytes promised, all of them reserved [B]
    path : of the file
    received : bytes here [B]
    touched : when something last happened, on the monotonic clock [s]
    """

    id: str
    session: str
    name: str
    size: int
    path: Path
    received: int = 0
    state: State = State.EXPECTED
    touched: float = field(default_factory=time.monotonic)
    _place: ExitStack = field(default_factory=ExitStack, repr=False)

    def grown(self, count: int) -> None:
        """Notes bytes that were written."""
        self.received += count
        self.touched = time.monotonic()


class Desk:
    """Takes files in.

    limits : of a file, a session, all
    """

    def __init__(self, limits: Limits) -> None:
        """Removes what a crash left."""
        self._limits = limits
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()
        if limits.folder.is_dir():
            leases.sweep(limits.folder)

    def expect(self, session: str, name: str, size: int) -> Upload:
        """Reserves room for a file.

        session : whose it is
        name : as the browser tells it
        size : of the file [B]
        raises : TooLarge, UploadRefused
        """
        with self._lock, room(label(name)):
            self._check(session, label(name), size)
            upload = Upload(secrets.token_urlsafe(16), session, label(name), size, Path())
            folder = upload._place.enter_context(leases.leased(self._limits.folder))
            upload.path = folder / upload.name
            self._uploads[upload.id] = upload
            return upload

    def begin(self, session: str, upload_id: str) -> Upload:
        """An upload whose bytes begin to arrive, once.

        raises : UploadRefused
        """
        with self._lock:
            upload = self._of(session, upload_id)
            if upload.state is not State.EXPECTED:
                raise UploadRefused(f"{upload.name} is being uploaded already. Begin anew with a new upload.")
            upload.state, upload.touched = State.ARRIVING, time.monotonic()
            return upload

    def end(self, upload: Upload) -> None:
        """All bytes of an upload are here; it waits to be taken.

        raises : UploadRefused if it was dropped meanwhile
        """
        with self._lock:
            self._of(upload.session, upload.id).state = State.HERE

    def receive(self, session: str, files: Sequence[File]) -> Upload:
        """Files whose bytes are in memory: one as a file, several as a folder, since they may belong together.

        files : names and contents
        raises : TooLarge, UploadRefused
        """
        name = files[0][0] if len(files) == 1 else f"{len(files)} files"
        upload = self.begin(session, self.expect(session, name, sum(len(content) for _, content in files)).id)
        try:
            with room(upload.name):
                _write(upload.path, files)
        except UploadRefused:
            self.drop(upload)
            raise
        upload.grown(upload.size)
        self.end(upload)
        return upload

    def take(self, session: str, upload_id: str) -> Upload:
        """A file that is here, once, for who reads it: dropped no more for its age, but by `drop`.

        raises : UploadRefused
        """
        with self._lock:
            upload = self._of(session, upload_id)
            if upload.state is not State.HERE:
                raise UploadRefused(f"{upload.name} is not here yet. Wait for its upload to end.")
            upload.state = State.TAKEN
            return upload

    def of_session(self, session: str) -> list[Upload]:
        """The uploads of a session that nobody took yet, in the order in which they were announced."""
        held = list(self._uploads.values())
        return [upload for upload in held if upload.session == session and upload.state is not State.TAKEN]

    def drop(self, upload: Upload) -> None:
        """Removes an upload and its bytes; harmless if it is gone."""
        with self._lock:
            self._uploads.pop(upload.id, None)
            upload.state = State.DROPPED
            upload._place.close()

    def sweep(self) -> int:
        """Drops what never began, and what nobody took; how many."""
        now = time.monotonic()
        ages = {State.EXPECTED: UNUSED, State.ARRIVING: UNTAKEN, State.HERE: UNTAKEN}
        held = [upload for upload in list(self._uploads.values()) if upload.state in ages]
        old = [upload for upload in held if now - upload.touched > ages[upload.state]]
        for upload in old:
            self.drop(upload)
        return len(old)

    def drop_all(self, of: Callable[[str], bool] = lambda _: True) -> None:
        """Drops everything, or what belongs to some sessions."""
        for upload in [upload for upload in list(self._uploads.values()) if of(upload.session)]:
            self.drop(upload)

    def _of(self, session: str, upload_id: str) -> Upload:
        upload = self._uploads.get(upload_id)
        if upload is None or upload.session != session:
            raise UploadRefused("There is no such upload. Begin anew.")
        return upload

    def _check(self, session: str, name: str, size: int) -> None:
        limits, held = self._limits, list(self._uploads.values())
        own = [upload for upload in held if holder(upload.session) == holder(session)]
        if not 0 < size <= limits.file:
            raise TooLarge(
                f"{name} has {size / GIB:.2f} GiB; this server takes files of at most {limits.file / GIB:g} GiB. "
                "Send what `python cli.py import FILE --summary OUT` makes of it."
                if size > 0
                else f"{name} is empty."
            )
        if len(own) >= MOST_OF_A_SESSION or sum(upload.size for upload in own) + size > limits.session:
            raise UploadRefused(f"{name}: you have {len(own)} files here that are not read yet. Wait until they are.")
        if sum(upload.size for upload in held) + size > limits.total:
            raise UploadRefused(f"{name}: too many files of others are on their way in. Try again in some minutes.")
        self._limits.folder.mkdir(parents=True, exist_ok=True)
        to_come = sum(upload.size - upload.received for upload in held)
        if shutil.disk_usage(self._limits.folder).free - to_come - size < FREE:
            raise UploadRefused(f"{name}: this server's disk is nearly full. Tell who runs it, or try again later.")


@contextmanager
def room(name: str) -> Iterator[None]:
    """What a disk that takes no more is told as, to whom the file belongs.

    raises : UploadRefused
    """
    try:
        yield
    except OSError as error:
        raise UploadRefused(
            f"{name}: this server's disk takes no more: {reason(error)}. Tell who runs it, or try again later."
        ) from error


def _write(path: Path, files: Sequence[File]) -> None:
    if len(files) == 1:
        path.write_bytes(files[0][1])
        return
    path.mkdir()
    for name, content in files:
        _free(path / label(name)).write_bytes(content)


def _free(path: Path) -> Path:
    """The path, or one like it that no file has."""
    others = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return next(one for one in chain([path], others) if not one.exists())


def label(name: str) -> str:
    r"""A file's name that can stand in any file system and any message.

    >>> label("../../etc/passwd"), label("C:\\traces\\trace für A.sqlite"), label("..")
    ('passwd', 'trace_für_A.sqlite', 'upload')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    return _UNSAFE.sub("_", last)[-LONGEST_LABEL:].strip("._-") or "upload"
