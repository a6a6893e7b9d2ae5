"""One file of a run, on a local disk or behind fsspec, with its faults named.

| what goes wrong                                        | here         |
| ------------------------------------------------------ | ------------ |
| missing, cut off, changed on the way, not ours         | DamagedRun   |
| an object store that refuses, or that cannot be reached | StoreError  |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from planner.errors import DamagedRun, PlannerError, StoreError

ROOT_VARIABLE = "HEADROOM_STORE"
LONGEST_REASON = 200
_DAMAGE = (FileNotFoundError, pa.ArrowException, ValueError, LookupError, OverflowError)
"""What damaged bytes make pyarrow raise: names that are not UTF-8 are a ValueError."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a run.

    run : the run's id
    files : the file system that holds it
    path : in that file system
    """

    run: str
    files: AbstractFileSystem
    path: str

    @property
    def name(self) -> str:
        """The file's name, as messages show it."""
        return PurePosixPath(self.path).name

    def read(self) -> bytes:
        """All bytes of a small file.

        raises : FileNotFoundError, StoreError
        """
        with reached():
            return bytes(self.files.cat_file(self.path))

    def source(self) -> tuple[str, pafs.FileSystem]:
        """Path and file system for pyarrow, which reads the ranges that it needs."""
        if isinstance(self.files, LocalFileSystem):
            return self.path, pafs.LocalFileSystem()
        return self.path, pafs.PyFileSystem(_Ranges(self.files))

    def damaged(self, what: str) -> DamagedRun:
        """The error for a file that is missing, cut off or not ours."""
        return DamagedRun(f"Run {self.run}: {self.name} {what}. Delete the run and import the measurement anew.")

    @contextmanager
    def faults_named(self, what: str = "cannot be read") -> Iterator[None]:
        """Turns each error that damaged bytes or an unreachable store cause into ours."""
        try:
            yield
        except PlannerError:
            raise
        except Exception as error:
            if _is_damage(error):
                raise self.damaged(what) from error
            if isinstance(error, OSError) or not isinstance(self.files, LocalFileSystem):
                raise unreachable(error) from error
            raise


@contextmanager
def reached() -> Iterator[None]:
    """Turns what a file system raises, whatever library it comes from, into StoreError; only "not found" passes."""
    try:
        yield
    except (PlannerError, FileNotFoundError):
        raise
    except Exception as error:
        raise unreachable(error) from error


def unreachable(error: Exception) -> StoreError:
    """The error for a store that refuses, or that cannot be reached."""
    return StoreError(
        f"The store cannot be read or written: {reason(error)}. Check {ROOT_VARIABLE}, its credentials and the network."
    )


def reason(error: Exception) -> str:
    """An error of a library in one short line."""
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(f"{told or type(error).__name__}".split())[:LONGEST_REASON]


def _is_damage(error: Exception) -> bool:
    """Bytes that are no Parquet make pyarrow raise an OSError that has no number; all others have one."""
    return isinstance(error, _DAMAGE) or (type(error) is OSError and error.errno is None)


_Handler: Any = pafs.FSSpecHandler
"""Without its types: pyarrow-stubs take its methods for missing."""


class _Ranges(_Handler):  # type: ignore[misc]
    """Opens files without fsspec's read-ahead: pyarrow knows which ranges it wants, and 50 MB more cost money."""

    def open_input_file(self, path: str) -> Any:
        return pa.PythonFile(self.fs.open(path, mode="rb", cache_type="none"), mode="r")
