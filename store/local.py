"""Runs on a local folder: each a folder that appears, and disappears, by one rename.

root/<run id>/...      see store/__init__.py
root/<kind>/           small files, each replaced by one rename (notes.py)
root/index.parquet     the heads of all runs, a cache (index.py)
root/.work/            runs being written or removed (leases.py)
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem

from store import leases
from store.files import Part
from store.parquet import sync_folder
from store.places import BESIDE, HEAD_FILE, SUFFIX, TABLES, Place

WORK = ".work"
INDEX_FILE = "index.parquet"
CHOICE_FILE = "choices.json"
LOCAL = LocalFileSystem()
RUN_ID = re.compile(r"[0-9a-f]{12}")
ID_DIGITS = 12
SETTLED = 2.0
"""Age from which the time of a folder's last change is its version: two changes closer than a file system's clock ticks
(at most 2 s) have the same time [s]."""


@dataclass(frozen=True, slots=True)
class LocalShelf:
    """A folder of runs.

    root : made when the first run is saved
    """

    root: Path

    @property
    def address(self) -> str:
        """The folder's absolute path."""
        return str(self.root.absolute())

    def places(self, beginning: str = "") -> list[Place]:
        """Every run's folder whose id begins so; whether its files are whole shows when they are read."""
        if len(beginning) == ID_DIGITS:
            found = [self._place(beginning, self.root / beginning)] if (self.root / beginning).is_dir() else []
            return found if RUN_ID.fullmatch(beginning) else []
        try:
            with os.scandir(self.root) as entries:
                named = [one for one in entries if one.name.startswith(beginning) and RUN_ID.fullmatch(one.name)]
        except FileNotFoundError:
            return []
        found = []
        for entry in named:
            with suppress(FileNotFoundError):
                if entry.is_dir():
                    found.append(self._place(entry.name, entry))
        return sorted(found, key=lambda place: place.id)

    def tables(self, place: Place) -> list[str]:
        """Names of the tables of a run."""
        return sorted(path.stem for path in Path(place.folder, TABLES).glob(f"*{SUFFIX}"))

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder beside the runs, so that a rename moves it; what died there before is swept."""
        self.sweep()
        with leases.leased(self.root / WORK) as folder:
            yield folder

    def publish(self, staged: Path, run_id: str) -> None:
        """One rename makes the run visible. If another process was first, its run is the same and stays."""
        for folder in (staged / TABLES, staged):
            sync_folder(folder)
        target = self.root / run_id
        try:
            staged.rename(target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.EACCES) or not target.is_dir():
                raise
        sync_folder(self.root)

    def keep_choice(self, place: Place, content: bytes) -> None:
        """Replaces what was confirmed about a run."""
        _replace(Path(place.folder, CHOICE_FILE), content)

    def remove(self, place: Place) -> None:
        """One rename takes the run away."""
        with leases.leased(self.root / WORK) as aside:
            Path(place.folder).rename(aside / place.id)

    def notes(self, folder: str, beginning: str = "") -> list[str]:
        """Names of the small files of a folder beside the runs, and of its folders."""
        with suppress(FileNotFoundError):
            names = [path.name for path in (self.root / folder).iterdir()]
            return [name for name in names if name[0] != "." and name.startswith(beginning)]
        return []

    def note(self, folder: str, name: str) -> Part:
        """One of these files."""
        return Part("", LOCAL, str(self.root / folder / name))

    def keep_note(self, folder: str, name: str, content: bytes) -> None:
        """Moves one into place."""
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        _replace(self.root / folder / name, content)

    def drop_note(self, folder: str, name: str) -> None:
        """Removes one."""
        (self.root / folder / name).unlink(missing_ok=True)

    def drop_notes(self, folder: str) -> None:
        """Removes a folder of them."""
        shutil.rmtree(self.root / folder, ignore_errors=True)

    def keep_file(self, folder: str, name: str, path: Path) -> str:
        """Copies a large file."""
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        return shutil.copyfile(path, self.root.absolute() / folder / name).as_posix()

    def index(self) -> Part:
        """The index beside the runs."""
        return Part("", LOCAL, str(self.root / INDEX_FILE))

    def keep_index(self, written: Path) -> None:
        """Moves a new index into place."""
        written.replace(self.root / INDEX_FILE)

    def check(self) -> None:
        """Looks whether the folder can be read, or be made where it is not there yet."""
        there = next(path for path in (self.root, *self.root.absolute().parents) if path.exists())
        if not os.access(there, os.R_OK | os.X_OK if there == self.root else os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))

    def size(self) -> int:
        """Bytes of all files [B]."""
        return int(LOCAL.du(str(self.root))) if self.root.is_dir() else 0

    def erase(self) -> None:
        """Takes every run away, then the rest that this store wrote; other files of the folder stay."""
        for place in self.places():
            with suppress(FileNotFoundError):
                self.remove(place)
        for folder in (*BESIDE, WORK):
            shutil.rmtree(self.root / folder, ignore_errors=True)
        (self.root / INDEX_FILE).unlink(missing_ok=True)
        with suppress(OSError):
            self.root.rmdir()  # of a workspace; a folder that holds more stays

    def sweep(self) -> int:
        """Removes what processes that died were writing."""
        return leases.sweep(self.root / WORK)

    def _place(self, run_id: str, entry: Path | os.DirEntry[str]) -> Place:
        changed = entry.stat()
        version = str(changed.st_mtime_ns) if abs(time.time() - changed.st_mtime) > SETTLED else ""
        folder = f"{self.root}/{run_id}"
        return Place(run_id, version, LOCAL, f"{folder}/{HEAD_FILE}", folder, f"{folder}/{CHOICE_FILE}")


def _replace(target: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)
    sync_folder(target.parent)
