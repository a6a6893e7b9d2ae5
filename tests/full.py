"""Disks that are full: a small one of our own, where a file system may be mounted, or files that may not grow."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from planner.quantities import KIB, MIB

SIZE = 2 * MIB
Only = Callable[[int], AbstractContextManager[None]]
"""Room that is left [B] -> a block in which there is no more."""


@contextmanager
def mounted(folder: Path) -> Iterator[Only]:
    """A small disk of our own at a folder: whatever more is written is too much (ENOSPC)."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "headroom", str(folder)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield lambda room: _filled(folder, room)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def limited(room: int) -> Iterator[None]:
    """No file may grow beyond the room (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def levels() -> Iterator[int]:
    """Rooms from none to enough for a run [B]: blocks of a disk, and less, since one file may be the one too large."""
    yield from (0, 100, KIB, 2 * KIB)
    yield from range(4 * KIB, 128 * KIB, 8 * KIB)


@contextmanager
def _filled(folder: Path, room: int) -> Iterator[None]:
    filler = folder / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - room // (4 * KIB) * (4 * KIB))
    try:
        yield
    finally:
        filler.unlink()
