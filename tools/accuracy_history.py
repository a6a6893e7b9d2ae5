"""The last accepted table of errors, data/accuracy.csv, and what moved against it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from planner.catalogue import DATA

ACCEPTED = DATA / "accuracy.csv"
COLUMNS = ("set", "group", "cases", "median", "mean", "bias")
MOVED = 0.2
"""Percentage points below which a change is rounding."""

Key = tuple[str, str]
Figures = tuple[int, float, float, float]
Table = Mapping[Key, Figures]


def read(path: Path) -> dict[Key, Figures]:
    """(set, group) -> cases, and median, mean and bias [%]; empty where nothing was accepted yet."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["set"], row["group"]): (
                int(row["cases"]),
                float(row["median"]),
                float(row["mean"]),
                float(row["bias"]),
            )
            for row in csv.DictReader(file)
        }


def accept(path: Path, table: Table) -> None:
    """Writes the table as the accepted one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for (kind, group), (cases, *errors) in table.items():
            writer.writerow([kind, group, cases, *(f"{error:.1f}" for error in errors)])


def moved(old: Table, new: Table) -> Iterator[str]:
    """A line for each row whose median, mean or bias moved by more than MOVED points, and for rows that come or go."""
    for key in [*new, *(key for key in old if key not in new)]:
        was, now = old.get(key), new.get(key)
        if was is None or now is None:
            yield f"  {'new' if was is None else 'gone':8} {' / '.join(key)}"
        elif any(
            round(abs(before - round(after, 1)), 1) > MOVED for before, after in zip(was[1:], now[1:], strict=True)
        ):
            yield f"  {_change(was, now)} {' / '.join(key)}"


def _change(was: Figures, now: Figures) -> str:
    named = zip(COLUMNS[3:], was[1:], now[1:], strict=True)
    parts = (f"{name} {before:.1f} -> {after:.1f} %" for name, before, after in named)
    return ", ".join(parts)
