"""The last accepted table of errors, data/accuracy.csv, and what moved against it."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from planner.catalogue import DATA

ACCEPTED = DATA / "accuracy.csv"
COLUMNS = ("set", "group", "cases", "median", "mean", "bias", "inside", "width")
COMPARED = 4
"""Cases and errors; what an interval holds follows from them."""
MOVED = 0.2
"""Percentage points below which a change is rounding."""

Key = tuple[str, str]
Figures = tuple[int, float, float, float, float, float]
Table = Mapping[Key, Figures]


def read(path: Path) -> dict[Key, Figures]:
    """(set, group) -> cases, and median, mean, bias, share inside the interval and its width [%]; empty at first."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["set"], row["group"]): (
                int(row["cases"]),
                *(float(row.get(name) or "nan") for name in COLUMNS[3:]),
            )
            for row in csv.DictReader(file)
        }


def accept(path: Path, table: Table) -> None:
    """Writes the table as the accepted one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for (kind, group), (cases, *errors) in table.items():
            writer.writerow([kind, group, cases, *("" if math.isnan(each) else f"{each:.1f}" for each in errors)])


def moved(old: Table, new: Table) -> Iterator[str]:
    """A line for each row whose median, mean or bias moved by more than MOVED points, and for rows that come or go."""
    for key in [*new, *(key for key in old if key not in new)]:
        was, now = old.get(key), new.get(key)
        if was is None or now is None:
            yield f"  {'new' if was is None else 'gone':8} {' / '.join(key)}"
        elif any(
            round(abs(before - round(after, 1)), 1) > MOVED
            for before, after in zip(was[1:COMPARED], now[1:COMPARED], strict=True)
        ):
            yield f"  {_change(was, now)} {' / '.join(key)}"


def _change(was: Figures, now: Figures) -> str:
    named = zip(COLUMNS[3:], was[1:COMPARED], now[1:COMPARED], strict=False)
    parts = (f"{name} {before:.1f} -> {after:.1f} %" for name, before, after in named)
    return ", ".join(parts)
