"""The operator's folder: traces that are on the server already, imported where they lie.

Only regular files that really lie inside: a link that leads out is not listed, and not read if it is asked for by name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from planner.errors import UploadRefused

MOST = 1000
DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Shared:
    """A file of the folder.

    name : its path below the folder
    size : [B]
    """

    name: str
    size: int


def shared_files(folder: Path) -> list[Shared]:
    """The folder's files, sorted by name, MOST at most; hidden ones are not shown."""
    found = (Shared(str(path.relative_to(folder)), path.stat().st_size) for path in _walk(folder, folder, DEEPEST))
    return sorted(islice(found, MOST), key=lambda file: file.name)


def shared_file(folder: Path, name: str) -> Path:
    """The path of a file that `shared_files` shows.

    raises : UploadRefused for any other
    """
    path = folder / name
    if ".." in Path(name).parts or not _is_inside(path, folder):
        raise UploadRefused(f"{Path(name).name[:100]} is not in the folder of this server. Choose one of its files.")
    return path.resolve()


def _walk(folder: Path, root: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False) and depth > 1:
            yield from _walk(Path(entry.path), root, depth - 1)
        elif _is_inside(Path(entry.path), root):
            yield Path(entry.path)


def _is_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(root.resolve()) and path.is_file()
    except (OSError, RuntimeError):  # a loop of links
        return False
