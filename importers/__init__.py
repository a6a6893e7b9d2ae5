"""Files that other tools write, as Runs. One tool, one file here: path in, Run out.

| importer   | claims                                                                                  |
| ---------- | --------------------------------------------------------------------------------------- |
| nsys       | Nsight Systems' SQLite exports, of every version                                        |
| ncu        | Nsight Compute's CSV: raw and details pages, summaries                                  |
| vllm_bench | results of `vllm bench serve` and benchmark_serving.py, one or several in a file        |

An importer is a module with `name`, `identify(path) -> bool` (reads the head only; a file's name says nothing) and
`read(path) -> Run`. A run's tables open the file only while they are iterated, so nothing has to be closed; the file
must stay in place until the store has written them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

from importers import ncu, nsys, vllm_bench
from importers.files import head, source_name
from importers.sniff import describe
from planner.errors import AmbiguousFormat, UnknownFormat
from planner.measured import Run


class Importer(Protocol):
    """What a module of this package offers."""

    name: str

    def identify(self, path: Path) -> bool:
        """Whether the file is of this format, from its head."""

    def read(self, path: Path) -> Run:
        """The run that the file holds."""


IMPORTERS: tuple[Importer, ...] = (cast(Importer, nsys), cast(Importer, ncu), cast(Importer, vllm_bench))


def identify(path: Path) -> Importer:
    """The one importer that claims a file by its content.

    path : the file
    raises : UnknownFormat with what the file looks like; AmbiguousFormat if several claim it
    """
    start = head(path)
    claiming = [importer for importer in IMPORTERS if importer.identify(path)]
    if len(claiming) == 1:
        return claiming[0]
    names = ", ".join(importer.name for importer in claiming or IMPORTERS)
    if claiming:
        raise AmbiguousFormat(f"{source_name(path)} looks like several formats: {names}. Report this file as a bug.")
    raise UnknownFormat(f"{source_name(path)} looks like {describe(start)}. Supported: {names}.")


def read(path: Path) -> Run:
    """The run that a file holds, whatever tool wrote it.

    path : the file; must stay in place while the run's tables are read
    raises : UnknownFormat, AmbiguousFormat, MalformedFile, TooLarge
    """
    return identify(path).read(path)
