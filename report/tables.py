"""Tables to take along: CSV, XLSX, Parquet, JSON, each with its origin inside. No cell can become a formula.

| form    | tables    | where the origin stands                                                                   |
| ------- | --------- | ----------------------------------------------------------------------------------------- |
| CSV     | the first | in columns behind the table's own: a header of comments would stop every reader, ours too |
| XLSX    | all       | sheet "About"                                                                             |
| Parquet | the first | metadata of the schema, keys "headroom.title", "headroom.source", ...                     |
| JSON    | all       | {"about": {..}, "tables": {..}}                                                           |
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from report.cells import harmless
from report.origin import Origin

WIDTH = 18
Row = Mapping[str, Any]
About = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tables:
    """Rows that belong together.

    named : name -> rows of flat values, the main table first
    origin : what the file says of itself
    inputs : the question, column by column
    """

    named: Mapping[str, Sequence[Row]]
    origin: Origin
    inputs: Row

    @property
    def main(self) -> Sequence[Row]:
        """The first table: what a form holds that has room for one."""
        return next(iter(self.named.values()))

    def about(self) -> dict[str, str]:
        """The origin, then the question's inputs."""
        return self.origin.about() | {f"input_{name}": str(value) for name, value in self.inputs.items()}


def table_file(tables: Tables, form: str) -> bytes:
    """Tables as one file.

    form : one of FORMS
    """
    return FORMS[form][1](tables)


def _csv(tables: Tables) -> bytes:
    """UTF-8 with a mark that tells spreadsheets so."""
    about = {name if name.startswith("input_") else f"about_{name}": text for name, text in tables.about().items()}
    whole = [{**row, **about} for row in tables.main]
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, _columns(whole), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: harmless(value) for name, value in row.items()} for row in whole)
    return target.getvalue().encode("utf-8-sig")


def _xlsx(tables: Tables) -> bytes:
    """Numbers stay numbers, all else is text and never a formula or a link."""
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    about = [{"about": name, "value": text} for name, text in tables.about().items()]
    with xlsxwriter.Workbook(target, options) as book:
        bold = book.add_format({"bold": True})
        for name, rows in {**tables.named, "About": about}.items():
            sheet = book.add_worksheet(name)
            columns = _columns(rows)
            sheet.write_row(0, 0, columns, bold)
            sheet.freeze_panes(1, 1)
            if columns:
                sheet.set_column(0, len(columns) - 1, WIDTH)
            for place, row in enumerate(rows, start=1):
                for column, key in enumerate(columns):
                    _write(sheet, place, column, _finite(row.get(key)))
    return target.getvalue()


def _parquet(tables: Tables) -> bytes:
    columns = {name: _column([row.get(name) for row in tables.main]) for name in _columns(tables.main)}
    told = {f"headroom.{name}": text for name, text in tables.about().items()}
    target = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(told), target)
    return target.getvalue()


def _json(tables: Tables) -> bytes:
    named = {
        name: [{key: _finite(value) for key, value in row.items()} for row in rows]
        for name, rows in tables.named.items()
    }
    whole = {"about": tables.about(), "tables": named}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1).encode()


FORMS: Mapping[str, tuple[str, Callable[[Tables], bytes]]] = {
    "csv": ("text/csv", _csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx),
    "parquet": ("application/vnd.apache.parquet", _parquet),
    "json": ("application/json", _json),
}
"""Form -> its MIME type, and what makes it."""


def _columns(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _column(values: list[Any]) -> Any:
    """Numbers where all are numbers, switches where all are switches, else text; what is empty is null."""
    known = [None if value == "" else _finite(value) for value in values]
    kinds = {type(value) for value in known if value is not None}
    if kinds == {int, float}:
        return pa.array([None if value is None else float(value) for value in known], pa.float64())
    if len(kinds) == 1 and kinds <= {bool, int, float}:
        return pa.array(known)
    return pa.array([None if value is None else str(value) for value in known], pa.string())


def _finite(value: Any) -> Any:
    """What JSON and Parquet can tell: no number, where there is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _write(sheet: Any, row: int, column: int, value: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif value not in (None, ""):
        sheet.write_string(row, column, value)
