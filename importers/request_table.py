"""Recorded requests, one a row of a CSV, as planner.recorded takes them.

| column               | here                                            |
| -------------------- | ----------------------------------------------- |
| prompt_tokens        | length of the prompt [tokens]                   |
| output_tokens        | length of the output [tokens]                   |
| arrival_s            | when it was sent, by any clock [s]; may be left out for a closed loop |
| prefix_cached_tokens | of the prompt, found in the prefix cache [tokens]; may be left out |

Other columns are passed over. The first row names the columns.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from importers.files import clean_text, source_name
from planner.errors import MalformedFile, TooLarge, UnknownFormat
from planner.quantities import MIB
from planner.recorded import MAX_RECORDED, Recorded, recorded

LARGEST = 16 * MIB
"""A row of four numbers is some 30 bytes; a hundred thousand of them are 3 MiB."""
NEEDED, OPTIONAL = ("prompt_tokens", "output_tokens"), ("arrival_s", "prefix_cached_tokens")


def read_requests(path: Path) -> Recorded:
    """The requests of a file, sorted by arrival.

    path : a CSV in UTF-8
    returns : lengths [tokens], times [s]
    raises : UnknownFormat, TooLarge, MalformedFile naming line and column; InvalidWorkload naming the request
    """
    try:
        if path.stat().st_size > LARGEST:
            raise TooLarge(f"{source_name(path)} has more than {LARGEST // MIB} MiB. Give a part of the recording.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            columns = _columns(path, csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnknownFormat(
            f"{source_name(path)} cannot be read as a CSV in UTF-8: {error}. Give one with columns "
            f"{', '.join(NEEDED)}, and {' and '.join(OPTIONAL)} if known."
        ) from error
    return recorded(
        columns["prompt_tokens"],
        columns["output_tokens"],
        columns.get("arrival_s"),
        columns.get("prefix_cached_tokens"),
    )


def _columns(path: Path, lines: Iterator[list[str]]) -> dict[str, list[float]]:
    names = [name.strip() for name in next(lines, [])]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        given = clean_text(", ".join(names)) or "nothing"
        raise MalformedFile(
            f"{source_name(path)} has no column {' and no '.join(missing)} in its first row, which gives {given}. Name "
            "the columns there."
        )
    places = {name: names.index(name) for name in (*NEEDED, *OPTIONAL) if name in names}
    columns: dict[str, list[float]] = {name: [] for name in places}
    for number, cells in enumerate(lines, start=2):
        if not any(cells):
            continue
        if len(columns["prompt_tokens"]) == MAX_RECORDED:
            raise TooLarge(
                f"{source_name(path)} has more than {MAX_RECORDED:,} requests. Give a part of the recording."
            )
        for name, at in places.items():
            columns[name].append(_number(path, number, name, cells[at] if at < len(cells) else ""))
    return columns


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise MalformedFile(
            f'{source_name(path)}, line {line}: {name} is "{clean_text(text, 40)}": it must be a number. A column that '
            "is there must be filled in every row."
        ) from None
