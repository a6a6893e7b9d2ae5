"""Options as files to take along: CSV and XLSX with every input. No cell can become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the start of a formula."""
WIDTH = 18
Row = Mapping[str, Any]


def csv_bytes(rows: Sequence[Row], inputs: Row) -> bytes:
    """A table in UTF-8, a row an option, the question's inputs behind each."""
    whole = [{**row, **{f"input_{name}": value for name, value in inputs.items()}} for row in rows]
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, list(dict.fromkeys(name for row in whole for name in row)), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: safe(value) for name, value in row.items()} for row in whole)
    return target.getvalue().encode("utf-8-sig")


def xlsx_bytes(sheets: Mapping[str, Sequence[Row]]) -> bytes:
    """A workbook, a sheet for each name; numbers stay numbers, all else is text and never a formula or a link."""
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(target, options) as book:
        bold = book.add_format({"bold": True})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            columns = list(dict.fromkeys(column for row in rows for column in row))
            sheet.write_row(0, 0, columns, bold)
            sheet.freeze_panes(1, 1)
            if columns:
                sheet.set_column(0, len(columns) - 1, WIDTH)
            for place, row in enumerate(rows, start=1):
                for column, key in enumerate(columns):
                    _write(sheet, place, column, row.get(key))
    return target.getvalue()


def safe(value: Any) -> Any:
    """A cell of a CSV; text that a spreadsheet would run as a formula gets an apostrophe before it.

    >>> safe("=1+1"), safe("L4"), safe(-3)
    ("'=1+1", 'L4', -3)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _write(sheet: Any, row: int, column: int, value: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif value not in (None, ""):
        sheet.write_string(row, column, str(value))
