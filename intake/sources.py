"""The files of a folder, here or on an object store, in tasks: what may be one run stays together, the rest is apart.

Only the listing is read. A trace or an archive, which its name or size tells, is a run of its own; other files of a
folder may be one load test together, and so are one task.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from importers.families import folder_of
from intake.work import Source
from planner.errors import StoreError, UnknownFormat
from planner.quantities import MIB
from store.files import reached, reason

ALONE = (".sqlite", ".db", ".zip", ".tar", ".gz", ".tgz", ".trace.json")
LARGE = 64 * MIB
"""A file from this size on is a task of its own [B]."""
Group = tuple[str, tuple[Source, ...]]
"""Name of a task, and its files."""


def groups(address: str) -> list[Group]:
    """The files of a folder as tasks, sorted by name.

    address : of a file or folder: a path, or a URL that fsspec knows
    raises : UnknownFormat where there is nothing; StoreError where it cannot be read
    """
    found = list(sources(address))
    if not found:
        raise UnknownFormat(f"{address} holds no file. Name a folder or file that can be read from here.")
    together: dict[str, list[Source]] = {}
    for source in found:
        together.setdefault(_key(source), []).append(source)
    return sorted((_name(key, members), tuple(members)) for key, members in together.items())


def sources(address: str) -> Iterator[Source]:
    """Each file below an address; hidden ones are left out.

    raises : StoreError
    """
    local = "://" not in address
    try:
        with reached():
            files, root = fsspec.core.url_to_fs(str(Path(address).absolute()) if local else address)
            listed: dict[str, dict[str, Any]] = files.find(root, detail=True)
    except (FileNotFoundError, ValueError, ImportError) as error:
        raise StoreError(f"{address} cannot be listed: {reason(error)}.") from error
    for path, entry in sorted(listed.items()):
        name = path.removeprefix(root).strip("/") or PurePosixPath(path).name
        if not any(part.startswith(".") for part in PurePosixPath(name).parts) and not entry.get("islink"):
            mark = str(entry.get("ETag") or entry.get("LastModified") or entry.get("mtime") or "")
            yield Source(path if local else files.unstrip_protocol(path), name, int(entry["size"] or 0), mark)


def _key(source: Source) -> str:
    alone = source.name.endswith(ALONE) or source.size >= LARGE
    return f"file {source.name}" if alone else f"folder {folder_of(PurePosixPath(source.name))}"


def _name(key: str, members: list[Source]) -> str:
    return members[0].name if len(members) == 1 else f"{key.removeprefix('folder ')} ({len(members)} files)"
