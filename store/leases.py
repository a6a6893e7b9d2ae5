"""Temporary folders whose owner can be seen to live: each has a lock file beside it, held as long as its process lives.

After a crash the lock is free, so the next one to `sweep` knows at once that the folder belongs to nobody.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from planner.quantities import HOUR

LOCK = ".lock"
STALE = 24 * HOUR
"""Age after which a folder without a lock file is nobody's [s]."""


@contextmanager
def leased(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder`, ours until the end of the block, then gone.

    raises : OSError
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / secrets.token_hex(8)
    with FileLock(_lock(made), thread_local=False):
        try:
            made.mkdir()
            yield made
        finally:
            _forget(made)


def sweep(folder: Path) -> int:
    """Removes the folders of processes that died.

    returns : how many
    raises : OSError
    """
    there = {path for path in folder.glob("*") if path.suffix != LOCK and path.is_dir()}
    locked = {path.with_suffix("") for path in folder.glob(f"*{LOCK}")}
    return sum(_taken(path) for path in locked) + sum(_outlived(path) for path in there - locked)


def _taken(made: Path) -> bool:
    with suppress(Timeout), FileLock(_lock(made), blocking=False):
        _forget(made)
        return True
    return False


def _outlived(made: Path) -> bool:
    """Whether a folder that lost its lock file was old enough to be removed."""
    with suppress(FileNotFoundError):
        if time.time() - made.stat().st_mtime > STALE:
            _forget(made)
            return True
    return False


def _forget(made: Path) -> None:
    shutil.rmtree(made, ignore_errors=True)
    _lock(made).unlink(missing_ok=True)


def _lock(made: Path) -> Path:
    return made.with_name(made.name + LOCK)
