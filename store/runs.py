"""Runs on a local folder: saved whole or not at all, the same file once, never changed afterwards."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs
import pyarrow as pa
import pyarrow.dataset as ds

from planner.errors import DamagedRun, RunNotFound, StoreError, nearest
from planner.measured import Run
from planner.quantities import HOUR
from store import parquet, parts
from store.choices import Choice, read_choice, write_choice

ROOT_VARIABLE = "HEADROOM_STORE"
APP = "headroom"
TABLES = "tables"
SUFFIX = ".parquet"
SAVING, DELETED = ".saving-", ".deleted-"
STALE = 24 * HOUR
"""Age after which a temporary folder belongs to a process that died [s]."""
_ID = re.compile(r"[0-9a-f]{12}")
_PREFIX = re.compile(r"[0-9a-f]{1,64}")
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,62}")


def default_root() -> Path:
    """Where runs are kept: the folder that HEADROOM_STORE names, else the user's data folder for Headroom."""
    named = os.environ.get(ROOT_VARIABLE)
    return Path(named) if named else platformdirs.user_data_path(APP, appauthor=False)


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of runs.

    root : made when the first run is saved
    """

    root: Path

    def save(self, run: Run) -> str:
        """Writes a run with all its tables; a run that is there already stays as it is.

        returns : the run's id
        raises : StoreError if it cannot be written; ImporterError if one of its tables turns out damaged
        """
        target = self._folder(run.id)
        if self._is_whole(target, run):
            return run.id
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._clean()
            temporary = Path(tempfile.mkdtemp(prefix=SAVING, dir=self.root))
            try:
                _write(temporary, run)
                self._publish(temporary, target, run)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        except OSError as error:
            raise StoreError(
                f"Run {run.id} cannot be saved: {error.strerror or error}. Make room, or choose another folder "
                f"with {ROOT_VARIABLE}."
            ) from error
        return run.id

    def runs(self) -> list[Run]:
        """Every run, latest measurement first, without points, kernels and tables; see `problems` for the others."""
        found = [item for item in self._scan() if isinstance(item, Run)]
        return sorted(found, key=lambda run: (run.started or "", run.id), reverse=True)

    def problems(self) -> list[StoreError]:
        """Why a folder of the store is not among `runs`: damaged, or written by a later version."""
        return [item for item in self._scan() if isinstance(item, StoreError)]

    def run(self, run_id: str) -> Run:
        """A run with points and kernels, without tables; GPU and model as confirmed, where they were.

        run_id : an id or the first digits of one
        raises : RunNotFound, DamagedRun, SchemaTooNew
        """
        folder = self._find(run_id)
        run = replace(parts.read_head(folder), points=parts.read_points(folder), kernels=parts.read_kernels(folder))
        return read_choice(folder).applied(run)

    def tables(self, run_id: str) -> list[str]:
        """Names of the tables of a run.

        raises : RunNotFound
        """
        return sorted(path.stem for path in (self._find(run_id) / TABLES).glob(f"*{SUFFIX}"))

    def table(self, run_id: str, name: str, columns: list[str] | None = None) -> pa.Table:
        """A table of a run in memory; for one that may be large, name the columns or use `dataset`.

        raises : RunNotFound, DamagedRun, SchemaTooNew
        """
        return parquet.read(self._table(run_id, name), columns)

    def dataset(self, run_id: str, name: str) -> ds.Dataset:
        """A table of a run as a dataset, read in batches and filtered on the way.

        raises : RunNotFound, DamagedRun, SchemaTooNew
        """
        return parquet.scanned(self._table(run_id, name))

    def choice(self, run_id: str) -> Choice:
        """The GPU and model that a person confirmed for a run.

        raises : RunNotFound, DamagedRun
        """
        return read_choice(self._find(run_id))

    def set_choice(self, run_id: str, *, gpu: str | None = None, model: str | None = None) -> Choice:
        """Keeps a person's word on a run's GPU and model; None leaves what was confirmed before.

        raises : RunNotFound, StoreError
        """
        folder = self._find(run_id)
        before = read_choice(folder)
        choice = Choice(gpu or before.gpu, model or before.model)
        try:
            write_choice(folder, choice)
        except OSError as error:
            raise StoreError(f"The choice for run {folder.name} cannot be written: {error.strerror}.") from error
        return choice

    def delete(self, run_id: str) -> None:
        """Removes a run and its choice, damaged ones too.

        raises : RunNotFound
        """
        self._discard(self._find(run_id))

    def _folder(self, run_id: str) -> Path:
        if not _ID.fullmatch(run_id):
            raise StoreError(f'"{run_id[:64]}" is no run id: twelve hex digits of the file\'s sha256.')
        return self.root / run_id

    def _ids(self) -> list[str]:
        try:
            return sorted(path.name for path in self.root.iterdir() if _ID.fullmatch(path.name) and path.is_dir())
        except FileNotFoundError:
            return []

    def _find(self, run_id: str) -> Path:
        known = self._ids()
        wanted = run_id.strip().lower()
        matching = [name for name in known if _PREFIX.fullmatch(wanted) and name.startswith(wanted[:12])]
        if len(matching) == 1:
            return self.root / matching[0]
        if matching:
            raise RunNotFound(f'"{run_id}" is the beginning of several runs: {", ".join(matching)}. Give more digits.')
        there = (
            f"Nearest: {nearest(wanted[:64], known)}." if known else "The store is empty; import a measurement first."
        )
        raise RunNotFound(f'No run "{run_id[:64]}". {there}')

    def _table(self, run_id: str, name: str) -> Path:
        names = self.tables(run_id)
        if name not in names:
            listed = ", ".join(names) or "none"
            raise RunNotFound(f'Run {run_id[:64]} has no table "{name[:64]}". Its tables: {listed}.')
        return self._find(run_id) / TABLES / f"{name}{SUFFIX}"

    def _scan(self) -> Iterator[Run | StoreError]:
        for name in self._ids():
            try:
                yield read_choice(self.root / name).applied(parts.read_head(self.root / name))
            except StoreError as error:
                yield error

    def _is_whole(self, folder: Path, run: Run) -> bool:
        if not folder.is_dir():
            return False
        try:
            there = parts.read_head(folder)
        except DamagedRun:
            return False
        if there.file_hash != run.file_hash:
            raise StoreError(f"Run {run.id} is another file whose hash begins alike. Delete that run to save this one.")
        return True

    def _publish(self, temporary: Path, target: Path, run: Run) -> None:
        """One rename makes the run visible. If another process was first, its run is the same and stays."""
        if target.is_dir() and not self._is_whole(target, run):
            with suppress(RunNotFound):
                self._discard(target)
        try:
            temporary.rename(target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.EACCES) or not target.is_dir():
                raise
        parquet.sync_folder(self.root)

    def _discard(self, folder: Path) -> None:
        aside = Path(tempfile.mkdtemp(prefix=DELETED, dir=self.root)) / folder.name
        try:
            folder.rename(aside)
        except FileNotFoundError as error:
            raise RunNotFound(f"Run {folder.name} was deleted in the meantime.") from error
        finally:
            shutil.rmtree(aside.parent, ignore_errors=True)

    def _clean(self) -> None:
        """Removes temporary folders that a crash left behind."""
        now = time.time()
        for path in self.root.iterdir():
            with suppress(FileNotFoundError):
                if path.name.startswith((SAVING, DELETED)) and now - path.stat().st_mtime > STALE:
                    shutil.rmtree(path, ignore_errors=True)


def _write(folder: Path, run: Run) -> None:
    tables = folder / TABLES
    tables.mkdir()
    for name, batches in run.tables.items():
        if not _TABLE.fullmatch(name):
            raise StoreError(f'"{name[:64]}" cannot be the name of a table: small letters, digits and "_" only.')
        parquet.write(tables / f"{name}{SUFFIX}", batches.schema, batches)
    parts.write_parts(folder, run)
    parquet.sync_folder(tables)
    parquet.sync_folder(folder)
