"""Launches out of the CSV that Nsight Compute prints, whichever page: bounded, and with what is no table left out.

| page                                | a row is                              | here                                 |
| ----------------------------------- | ------------------------------------- | ------------------------------------ |
| raw                                 | a launch, after a row of units        | one `Launch` a row                   |
| details                             | a metric of a launch                  | rows of one ID are one `Launch`      |
| --print-summary per-kernel          | a metric of all launches of a kernel  | one `Launch`: its means, Invocations |
| ==PROF== lines, the program's words | before, between and after             | left out                             |
| a header again                      | files put together                    | begins a new table                   |
| UTF-8, UTF-16 (PowerShell's `>`)    |                                       | by the byte order mark               |

Only the columns and metrics asked for are kept: host, process name and NVTX texts are never taken out of the file.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from importers.files import head, source_name
from planner.errors import MalformedFile, TooLarge
from planner.quantities import KIB, MIB

NAME, SECTION, METRIC, UNIT = "Kernel Name", "Section Name", "Metric Name", "Metric Unit"
VALUES = ("Metric Value", "Average")
PROCESS, ID, INVOCATIONS = "Process ID", "ID", "Invocations"
STREAM, BLOCK, GRID, DEVICE, CAPABILITY = "Stream", "Block Size", "Grid Size", "Device", "CC"
TOLD = (PROCESS, ID, STREAM, BLOCK, GRID, DEVICE, CAPABILITY, INVOCATIONS)
"""Columns kept beside the kernel's name."""
MOST_COLUMNS = 20_000
LONGEST_LINE = 4 * MIB
LONGEST_CELL = 128 * KIB
HEADER_WITHIN = 16 * MIB
"""Output of the program that may stand before the table [characters]."""
MESSAGE = "=="
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = (",", ";", "\t")
Canonical = Callable[[str, str], str | None]
"""Section and metric as the file has them -> the metric's own name, or None if it is not wanted."""
Table = tuple[list[str], Iterator[list[str]]]


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch of a kernel, or the mean of several: what the table says, as text.

    told : column of TOLD -> text
    metrics : metric's own name -> text and unit
    """

    name: str
    told: dict[str, str]
    metrics: dict[str, tuple[str, str]] = field(default_factory=dict)


def has_table(path: Path) -> bool:
    """Whether a header of Nsight Compute stands in the head of the file, or later after the profiler's messages.

    returns : True too if what follows the messages cannot be read; `launches` then says why
    """
    start = head(path)
    text = start.decode("utf-16" if start.startswith(_UTF16) else "utf-8-sig", "replace")
    if _header(text.splitlines()):
        return True
    if f"{MESSAGE}PROF{MESSAGE}" not in text:
        return False
    try:
        return _header(_lines(path, HEADER_WITHIN)) is not None
    except (TooLarge, csv.Error):
        return True


def launches(path: Path, canonical: Canonical) -> Iterator[Launch]:
    """Every launch of a file, in its order; rows that are cut off or no rows at all are left out.

    raises : MalformedFile, TooLarge
    """
    csv.field_size_limit(LONGEST_CELL)
    try:
        for columns, rows in _tables(path):
            if len(columns) > MOST_COLUMNS:
                raise TooLarge(f"{source_name(path)}: {len(columns)} columns; at most {MOST_COLUMNS} are read.")
            yield from (_long if METRIC in columns else _wide)(path, columns, rows, canonical)
    except csv.Error as error:
        raise TooLarge(
            f"{source_name(path)}: {error}. Nsight Compute writes no such cell; export the report again."
        ) from error
    except OSError as error:
        raise MalformedFile(f"{source_name(path)} cannot be read: {error.strerror}.") from error


def _wide(path: Path, columns: list[str], rows: Iterator[list[str]], canonical: Canonical) -> Iterator[Launch]:
    at = columns.index(NAME)
    units = next(rows, [])
    if len(units) > at and units[at]:
        raise MalformedFile(
            f"{source_name(path)}: the row of units is missing under the header, so no value has a unit. "
            "Export again with `ncu --import REPORT --csv --page raw`."
        )
    wanted = {place: name for place, column in enumerate(columns) if (name := canonical("", column))}
    for row in rows:
        if len(row) >= len(columns) and row[at]:
            metrics = {name: (row[place], units[place]) for place, name in wanted.items() if place < len(units)}
            yield Launch(row[at], _told(columns, row), metrics)


def _long(path: Path, columns: list[str], rows: Iterator[list[str]], canonical: Canonical) -> Iterator[Launch]:
    place = {column: number for number, column in reversed(list(enumerate(columns)))}
    value = next((place[column] for column in VALUES if column in place), None)
    if value is None or UNIT not in place:
        raise MalformedFile(f"{source_name(path)}: the header has no column {UNIT}, or none of {', '.join(VALUES)}.")
    last = max(value, *(place[column] for column in (NAME, SECTION, METRIC, UNIT) if column in place))
    current, key = None, None
    for row in rows:
        if len(row) <= last or not row[place[NAME]]:
            continue
        told = _told(columns, row)
        if current is None or (row[place[NAME]], told) != key:
            if current is not None:
                yield current
            current, key = Launch(row[place[NAME]], told), (row[place[NAME]], told)
        metric = canonical(row[place[SECTION]] if SECTION in place else "", row[place[METRIC]])
        if metric:
            current.metrics.setdefault(metric, (row[value], row[place[UNIT]]))
    if current is not None:
        yield current


def _told(columns: list[str], row: list[str]) -> dict[str, str]:
    return {column: text for column, text in zip(columns, row, strict=False) if column in TOLD}


def _tables(path: Path) -> Iterator[Table]:
    lines = _lines(path)
    found = _header(lines)
    if found is None:
        raise MalformedFile(f"{source_name(path)}: no table of Nsight Compute in the file.")
    columns, delimiter = found
    rows = csv.reader((line for line in lines if not line.startswith(MESSAGE)), delimiter=delimiter)
    following = [columns]
    while following:
        columns = following.pop()
        yield columns, _until_header(rows, following)


def _until_header(rows: Iterable[list[str]], following: list[list[str]]) -> Iterator[list[str]]:
    for row in rows:
        if NAME in row:
            following.append(row)
            return
        yield row


def _header(lines: Iterable[str]) -> tuple[list[str], str] | None:
    """The columns of the first header among lines, and what separates them."""
    for line in lines:
        if NAME in line and (METRIC in line or "__" in line):
            for delimiter in _DELIMITERS:
                columns = next(csv.reader([line], delimiter=delimiter), [])
                if NAME in columns:
                    return columns, delimiter
    return None


def _lines(path: Path, within: int | None = None) -> Iterator[str]:
    """Lines of a text file, none longer than LONGEST_LINE; only those within a number of characters, if given."""
    encoding = "utf-16" if head(path).startswith(_UTF16) else "utf-8-sig"
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        read = 0
        while line := file.readline(LONGEST_LINE):
            read += len(line)
            if len(line) == LONGEST_LINE:
                raise TooLarge(f"{source_name(path)}: a line is longer than {LONGEST_LINE // MIB} MiB.")
            if within is not None and read > within:
                return
            yield line
