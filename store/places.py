"""Where runs lie: a shelf, local or remote, and on it the place of each run.

A shelf knows only whole runs: what is half-written, or deleted but for its leftovers, has no place. How a run becomes
whole in one step is the shelf's own affair: local.py renames a folder, objects.py writes one object last.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fsspec import AbstractFileSystem

from store.files import Part

HEAD_FILE = "run.parquet"
TABLES = "tables"
JOBS = "jobs"
QUARANTINE = "quarantine"
BESIDE = ("calibrations", "pins", "own-gpus", "own-models", "own-prices", JOBS, QUARANTINE)
"""Folders of small files beside the runs: notes.py, board.py in intake. They go when a store is erased."""
SUFFIX = ".parquet"


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one whole run.

    id : the run's
    version : changes whenever head or choice change; empty: just changed, to be read anew
    files : the file system
    head, folder : paths of run.parquet and of the folder of the other files
    choice : path of what a person confirmed; None: surely not there
    """

    id: str
    version: str
    files: AbstractFileSystem
    head: str
    folder: str
    choice: str | None

    def part(self, name: str) -> Part:
        """A file of the run, by its name in the run's folder."""
        return Part(self.id, self.files, f"{self.folder}/{name}")

    def head_part(self) -> Part:
        """The file that says what the run is."""
        return Part(self.id, self.files, self.head)

    def table(self, name: str) -> Part:
        """The file of a table."""
        return self.part(f"{TABLES}/{name}{SUFFIX}")


class Shelf(Protocol):
    """What the store needs of the place where runs are kept."""

    @property
    def address(self) -> str:
        """Names the shelf among all others."""

    def places(self, beginning: str = "") -> list[Place]:
        """Every whole run whose id begins so, one place each, sorted by id."""

    def tables(self, place: Place) -> list[str]:
        """Names of the tables of a run."""

    def staging(self) -> AbstractContextManager[Path]:
        """A local folder to write a run into; gone afterwards, whatever happens."""

    def publish(self, staged: Path, run_id: str) -> None:
        """Makes a run that was written into a local folder whole, in one step; the first of several stays."""

    def keep_choice(self, place: Place, content: bytes) -> None:
        """Replaces what was confirmed about a run, in one step."""

    def remove(self, place: Place) -> None:
        """Takes a run away in one step, then its files. FileNotFoundError if another was faster."""

    def notes(self, folder: str, beginning: str = "") -> list[str]:
        """Names of the small files of a folder beside the runs that begin so (notes.py, board.py)."""

    def note(self, folder: str, name: str) -> Part:
        """One of these files."""

    def keep_note(self, folder: str, name: str, content: bytes) -> None:
        """Writes or replaces one, in one step."""

    def drop_note(self, folder: str, name: str) -> None:
        """Removes one; one that is gone already is no error."""

    def drop_notes(self, folder: str) -> None:
        """Removes a folder of them, with all that is in it."""

    def keep_file(self, folder: str, name: str, path: Path) -> str:
        """Copies a large file there; returns the address under which any machine that has the store can read it."""

    def index(self) -> Part:
        """The file that store.index keeps."""

    def keep_index(self, written: Path) -> None:
        """Replaces that file, in one step."""

    def check(self) -> None:
        """Raises OSError or StoreError where the shelf is out of reach."""

    def size(self) -> int:
        """Bytes of all that is kept here [B]."""

    def erase(self) -> None:
        """Removes all of it."""

    def sweep(self) -> int:
        """Removes what writers that died left behind; how much."""
