"""Runs in the store: saved whole or not at all, the same file once, never changed afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from planner.errors import DamagedRun, RunNotFound, StoreError, nearest
from planner.measured import Run
from settings import settings
from store import index, parquet, parts
from store.choices import Choice, read_choice
from store.files import ROOT_VARIABLE, Part, reached, reason, unreachable
from store.local import ID_DIGITS, RUN_ID, LocalShelf
from store.objects import ObjectShelf
from store.places import SUFFIX, TABLES, Place, Shelf
from store.rules import FREE, Rules

LOCAL_SCHEMES = ("file://", "local://")
_PREFIX = re.compile(r"[0-9a-f]{1,64}")
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,62}")


def default_root() -> Path | str:
    """Where runs are kept: what HEADROOM_STORE names, a folder or a URL, else the user's data folder."""
    return settings().store


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of runs, or a prefix of an object store.

    root : a folder, made when the first run is saved; or a URL that fsspec knows ("s3://bucket/prefix")
    rules : what may be done there
    """

    root: Path | str
    rules: Rules = FREE

    def save(self, run: Run) -> str:
        """Writes a run with all its tables; a run that is there already stays as it is.

        returns : the run's id
        raises : StoreError if it cannot be written; ImporterError if one of its tables turns out damaged
        """
        self.rules.allow_change()
        if not RUN_ID.fullmatch(run.id):
            raise StoreError(f'"{run.id}" is no run id: twelve hex digits of the file\'s sha256.')
        shelf = self.shelf
        if self._is_there(run.file_hash):
            return run.id
        try:
            with shelf.staging() as folder:
                _write(folder, run)
                if not self._is_there(run.file_hash, mend=True):
                    with self.rules.room(shelf, folder):
                        shelf.publish(folder, run.id)
        except OSError as error:
            raise StoreError(
                f"Run {run.id} cannot be saved: {reason(error)}. Make room, or choose another place "
                f"with {ROOT_VARIABLE}."
            ) from error
        index.saved(shelf, run.id)
        return run.id

    def runs(self) -> list[Run]:
        """Every run, latest measurement first, without points, kernels and tables; see `problems` for the others."""
        found = [item for item in index.heads(self.shelf) if isinstance(item, Run)]
        return sorted(found, key=lambda run: (run.started or "", run.id), reverse=True)

    def problems(self) -> list[StoreError]:
        """Why a run of the store is not among `runs`: damaged, or written by a later version."""
        return [item for item in index.heads(self.shelf) if isinstance(item, StoreError)]

    def run(self, run_id: str) -> Run:
        """A run with points and kernels, without tables; GPU and model as confirmed, where they were.

        run_id : an id or the first digits of one
        raises : RunNotFound, DamagedRun, SchemaTooNew
        """
        place = self.place(run_id)
        run = replace(parts.read_head(place), points=parts.read_points(place), kernels=parts.read_kernels(place))
        return read_choice(place).applied(run)

    def holds(self, file_hash: str) -> bool:
        """Whether the store has the run of a file, whole.

        file_hash : sha256 of the file's content, in hex
        raises : StoreError if another file's hash begins alike
        """
        return bool(RUN_ID.fullmatch(file_hash[:ID_DIGITS])) and self._is_there(file_hash)

    def tables(self, run_id: str) -> list[str]:
        """Names of the tables of a run.

        raises : RunNotFound
        """
        return self.shelf.tables(self.place(run_id))

    def table(
        self,
        run_id: str,
        name: str,
        columns: list[str] | None = None,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> pa.Table:
        """A table of a run in memory; for one that may be large, name the columns or a span of time, or use `dataset`.

        columns : names of those wanted; None: all
        start_ns, end_ns : rows that begin there, start_ns <= begin < end_ns, read without the rest; None: open [ns]
        raises : RunNotFound, DamagedRun, SchemaTooNew; StoreError for a span of a table without times
        """
        part = self._table(run_id, name)
        if start_ns is None and end_ns is None:
            return parquet.read(part, columns)
        return parquet.read_window(part, columns, start_ns, end_ns)

    def dataset(self, run_id: str, name: str) -> ds.Dataset:
        """A table of a run as a dataset, read in batches and filtered on the way.

        raises : RunNotFound, DamagedRun, SchemaTooNew
        """
        return parquet.scanned(self._table(run_id, name))

    def size(self, run_id: str) -> int:
        """Bytes that the files of a run have, its tables first of all [B].

        raises : RunNotFound, StoreError
        """
        place = self.place(run_id)
        with reached():
            return int(place.files.du(place.folder))

    def choice(self, run_id: str) -> Choice:
        """What a person said of a run.

        raises : RunNotFound, DamagedRun
        """
        return read_choice(self.place(run_id))

    def set_choice(
        self,
        run_id: str,
        *,
        gpu: str | None = None,
        model: str | None = None,
        ops: Mapping[str, str | None] | None = None,
        patterns: Iterable[tuple[str, str]] | None = None,
    ) -> Choice:
        """Keeps a person's word on a run; None leaves what was said before.

        ops, patterns : all of them, see Choice
        raises : RunNotFound, StoreError
        """
        self.rules.allow_change()
        place = self.place(run_id)
        before = read_choice(place)
        choice = Choice(
            gpu or before.gpu,
            model or before.model,
            before.ops if ops is None else tuple(ops.items()),
            before.patterns if patterns is None else tuple(patterns),
        )
        try:
            self.shelf.keep_choice(place, choice.as_json())
        except OSError as error:
            raise StoreError(f"The choice for run {place.id} cannot be written: {reason(error)}. Make room.") from error
        return choice

    def delete(self, run_id: str) -> None:
        """Removes a run and its choice, damaged ones too.

        raises : RunNotFound, StoreError
        """
        self.rules.allow_change()
        place = self.place(run_id)
        try:
            self.shelf.remove(place)
        except FileNotFoundError as error:
            raise RunNotFound(f"Run {place.id} was deleted in the meantime.") from error
        except OSError as error:
            raise StoreError(
                f"Run {place.id} cannot be deleted: {reason(error)}. Make the store writable, and try again."
            ) from error

    def check(self) -> None:
        """Looks whether the store can be reached.

        raises : StoreError
        """
        try:
            self.shelf.check()
        except OSError as error:
            raise unreachable(error) from error

    def erase(self) -> None:
        """Removes everything that this store keeps, and what this process remembers of it.

        raises : StoreError
        """
        self.rules.allow_change()
        try:
            self.shelf.erase()
        except OSError as error:
            raise StoreError(f"Not all could be deleted: {reason(error)}. Try again.") from error
        index.forget(self.shelf)

    def sweep(self) -> int:
        """Removes what writers that died left behind; runs that are being written stay.

        returns : how many leftovers there were
        raises : StoreError
        """
        try:
            return self.shelf.sweep()
        except OSError as error:
            raise StoreError(f"Leftovers cannot be removed: {reason(error)}.") from error

    def place(self, run_id: str) -> Place:
        """Where the files of a run lie.

        run_id : an id or the first digits of one
        raises : RunNotFound
        """
        wanted = run_id.strip().lower()
        matching = self.shelf.places(wanted[:ID_DIGITS]) if _PREFIX.fullmatch(wanted) else []
        if len(matching) == 1:
            return matching[0]
        if matching:
            listed = ", ".join(place.id for place in matching)
            raise RunNotFound(f'"{run_id}" is the beginning of several runs: {listed}. Give more digits.')
        known = [place.id for place in self.shelf.places()]
        there = (
            f"Nearest: {nearest(wanted[:64], known)}." if known else "The store is empty; import a measurement first."
        )
        raise RunNotFound(f'No run "{run_id[:64]}". {there}')

    @property
    def shelf(self) -> Shelf:
        """Where the runs are kept: of this machine, or of an object store."""
        address = str(self.root)
        local = next((address.removeprefix(scheme) for scheme in LOCAL_SCHEMES if address.startswith(scheme)), None)
        if local is None and "://" in address:
            return ObjectShelf(address)
        return LocalShelf(Path(local or address))

    def _table(self, run_id: str, name: str) -> Part:
        place = self.place(run_id)
        names = self.shelf.tables(place)
        if name not in names:
            listed = ", ".join(names) or "none"
            raise RunNotFound(f'Run {run_id[:64]} has no table "{name[:64]}". Its tables: {listed}.')
        return place.table(name)

    def _is_there(self, file_hash: str, *, mend: bool = False) -> bool:
        """Whether the run of a file is in the store, whole. One that is not whole makes room if `mend` says so."""
        run_id = file_hash[:ID_DIGITS]
        place = next(iter(self.shelf.places(run_id)), None)
        if place is None:
            return False
        try:
            there = parts.read_head(place)
        except DamagedRun:
            if mend:
                with suppress(FileNotFoundError):
                    self.shelf.remove(place)
            return False
        if there.file_hash != file_hash:
            raise StoreError(f"Run {run_id} is another file whose hash begins alike. Delete that run to save this one.")
        return True


def _write(folder: Path, run: Run) -> None:
    tables = folder / TABLES
    tables.mkdir()
    for name, batches in run.tables.items():
        if not _TABLE.fullmatch(name):
            raise StoreError(f'"{name[:64]}" cannot be the name of a table: small letters, digits and "_" only.')
        parquet.write(tables / f"{name}{SUFFIX}", batches.schema, batches)
    parts.write_parts(folder, run)
