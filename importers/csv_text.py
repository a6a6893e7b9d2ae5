"""CSV from strangers: rows of texts with limits, and numbers as tools print them.

| in the file                                | here                     |
| ------------------------------------------ | ------------------------ |
| commas, semicolons or tabs between cells   | told from the first line |
| a byte order mark, empty lines             | left out                 |
| more than 32 MiB, 2 million rows           | TooLarge                 |
| a cell of more than 1 MiB, no UTF-8, zeros | MalformedFile            |
| 1,234.56                                   | 1234.56                  |
| N/A, nan, inf, empty                       | missing (None)           |
"""

from __future__ import annotations

import csv
import io
from itertools import islice
from pathlib import Path

from importers.files import source_name
from importers.json_text import number
from planner.errors import MalformedFile, TooLarge
from planner.quantities import MIB

MAX_BYTES = 32 * MIB
MOST_ROWS = 2_000_000
LONGEST_CELL = MIB
SEPARATORS = ",;\t"


def first_row(head: bytes) -> tuple[str, ...]:
    r"""The cells of the first line of a file, from its first bytes; none if it is no text.

    >>> first_row(b'Type,"Name, long",Request Count\r\nPOST')
    ('Type', 'Name, long', 'Request Count')
    """
    text = head.decode("utf-8-sig", "replace").lstrip("\r\n")
    line = text.splitlines()[0] if text.splitlines() else ""
    try:
        return tuple(next(csv.reader([line], delimiter=_separator(line)), ()))
    except csv.Error:
        return ()


def rows(path: Path) -> list[list[str]]:
    """The rows of a file, empty ones left out.

    raises : TooLarge, MalformedFile
    """
    name = source_name(path)
    if path.stat().st_size > MAX_BYTES:
        raise TooLarge(f"{name} has more than {MAX_BYTES // MIB} MiB of CSV. Import a shorter run.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedFile(f"{name}: no UTF-8 text at byte {error.start}. Save the table as CSV in UTF-8.") from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text.lstrip().partition("\n")[0]))
    usual = csv.field_size_limit(LONGEST_CELL)
    try:
        found = [row for row in islice(reader, MOST_ROWS + 1) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise MalformedFile(f"{name}, line {reader.line_num}: {error}. Save the table as CSV in UTF-8.") from error
    finally:
        csv.field_size_limit(usual)
    if len(found) > MOST_ROWS:
        raise TooLarge(f"{name} has more than {MOST_ROWS:,} rows. Import a shorter run.")
    return found


def cell_number(text: str) -> float | None:
    """A number as tools print it, or None.

    >>> cell_number("1,234.50"), cell_number("N/A"), cell_number(" 5 "), cell_number("1_0")
    (1234.5, None, 5.0, None)
    """
    plain = text.strip().replace(",", "")
    try:
        return None if "_" in plain else number(float(plain))
    except ValueError:
        return None


def _separator(line: str) -> str:
    return max(SEPARATORS, key=line.count)
