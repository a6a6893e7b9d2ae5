"""A report's sections as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from report.grades import Graded
from report.origin import unmarked
from report.sections import Cell, Chart, Command, Section, Table, Words

WIDEST = 60
"""Of a column [characters]."""


def as_text(section: Section) -> Iterator[str]:
    """Title, sentence, tables and commands; charts are left out, their numbers stand in the tables."""
    yield section.title
    yield "=" * len(section.title)
    yield unmarked(section.sentence)
    for block in section.blocks:
        if not isinstance(block, Chart):
            yield ""
            yield from _block(block)
    yield ""


def _block(block: Table | Command | Words) -> Iterator[str]:
    if isinstance(block, Table):
        yield from ([block.title] if block.title else [])
        yield from _aligned([block.columns, *block.rows])
        yield from ([unmarked(block.note)] if block.note else [])
    else:
        yield block.text if isinstance(block, Command) else unmarked(block.text)


def _aligned(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    texts = [[_cell(cell) for cell in row] for row in rows]
    widths = [min(WIDEST, max(len(row[place]) for row in texts)) for place in range(len(texts[0]))]
    for row in texts:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _cell(cell: Cell) -> str:
    return f"{cell.text} [{cell.grade}]" if isinstance(cell, Graded) else cell
