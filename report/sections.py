"""Parts of a report. Sentences are the house's Markdown (bold, escapes); titles and cells are plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from planner.overlay import format_cell
from planner.words import digits
from report.grades import Graded

Cell = str | Graded
BROAD = 5
"""Columns of a table from which on half a page is too narrow for it."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under their columns; `note` is a sentence below."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in both themes with its data, and in words for those who do not see it."""

    title: str
    specs: Mapping[str, Mapping[str, Any]]
    data: Mapping[str, list[dict[str, Any]]]
    alt: str


@dataclass(frozen=True, slots=True)
class Command:
    """A line to run."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph, in Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """One subject: a sentence that a manager understands, then what it rests on."""

    title: str
    sentence: str
    blocks: tuple[Table | Chart | Command | Words, ...] = ()

    @property
    def broad(self) -> bool:
        """Whether one of its tables needs the whole width of a page."""
        return any(isinstance(block, Table) and len(block.columns) >= BROAD for block in self.blocks)


def chart_of(
    title: str, spec: Callable[[str], Mapping[str, Any]], data: Mapping[str, list[dict[str, Any]]], alt: str
) -> Chart:
    """A chart of a function that makes its specification for a theme."""
    return Chart(title, {theme: spec(theme) for theme in ("light", "dark")}, data, alt)


def table_of(title: str, rows: Iterable[Mapping[str, object]], note: str = "") -> Table:
    """A table of rows as the pages have them; a column without any value is left out."""
    found = [dict(row) for row in rows]
    columns = [name for name in dict.fromkeys(name for row in found for name in row) if _told(found, name)]
    return Table(title, tuple(columns), tuple(tuple(shown(row.get(name)) for name in columns) for row in found), note)


def shown(value: object) -> Cell:
    """A value as a cell: numbers to three digits, what is missing as a dash."""
    if isinstance(value, str | Graded):
        return value
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer() and abs(value) < 1e6):
        return format_cell(float(value))
    return digits(value) if isinstance(value, float) else "–"


def _told(rows: Iterable[Mapping[str, object]], name: str) -> bool:
    return any(row.get(name) not in (None, "") for row in rows)
