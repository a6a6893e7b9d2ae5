"""Tables as files: opened again they hold their rows, their origin, and no formula."""

import csv
import io
import json
import math
import zipfile
from datetime import UTC, datetime

import openpyxl
import pyarrow.parquet as pq
import pytest

from report.origin import Origin
from report.tables import FORMS, Tables, table_file

HOSTILE = [
    {"gpu": "=cmd()", "usd": 1.5, "note": "+A1", "more": "@x", "flag": True, "none": None, "minus": -3},
    {"gpu": "L4", "usd": math.inf, "note": "", "more": 2, "flag": False, "none": None, "minus": 4},
]
MORE = [{"gpu": "T4", "reason": "=HYPERLINK(1)"}]
ORIGIN = Origin("One L4", "-x at 20 requests/s", "Headroom's planner", made=datetime(2026, 11, 21, tzinfo=UTC))
TABLES = Tables({"Options": HOSTILE, "Not options": MORE}, ORIGIN, {"model": "-x", "rate": 20})
ABOUT = ORIGIN.about() | {"input_model": "-x", "input_rate": "20"}


def test_a_csv_holds_its_origin_behind_its_columns_and_no_formula():
    told = table_file(TABLES, "csv").decode("utf-8-sig")
    row, second = csv.DictReader(io.StringIO(told))
    assert (row["gpu"], row["note"], row["more"]) == ("'=cmd()", "'+A1", "'@x")
    assert (row["usd"], row["minus"], row["input_model"], row["input_rate"]) == ("1.5", "-3", "'-x", "20")
    assert second["about_source"] == ORIGIN.source
    assert second["about_question"] == "'" + ORIGIN.question
    assert next(iter(row)) == "gpu"


def test_a_workbook_holds_numbers_text_every_table_and_no_formula():
    content = table_file(TABLES, "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Options", "Not options", "About"]
    cells = [cell.value for cell in book["Options"][2]]
    assert cells == ["=cmd()", 1.5, "+A1", "@x", True, None, -3]
    assert {cell.data_type for row in book["Options"].iter_rows(min_row=2) for cell in row} <= {"s", "n", "b", "e"}
    assert {row[0].value: row[1].value for row in book["About"].iter_rows(min_row=2)} == ABOUT
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert not any(b"<f>" in parts.read(name) for name in parts.namelist() if "worksheets" in name)
        assert not any("hyperlink" in parts.read(name).decode().lower() for name in parts.namelist() if "rels" in name)


def test_a_parquet_holds_types_and_its_origin():
    table = pq.read_table(io.BytesIO(table_file(TABLES, "parquet")))
    assert {name: str(kind) for name, kind in zip(table.schema.names, table.schema.types, strict=True)} == {
        "gpu": "string", "usd": "double", "note": "string", "more": "string", "flag": "bool", "none": "string",
        "minus": "int64",
    }  # fmt: skip
    assert table.column("usd").to_pylist() == [1.5, None]
    assert {key.decode(): text.decode() for key, text in table.schema.metadata.items()} == {
        f"headroom.{name}": text for name, text in ABOUT.items()
    }


def test_a_json_is_an_envelope_with_every_table():
    whole = json.loads(table_file(TABLES, "json"))
    assert whole["about"] == ABOUT
    assert whole["tables"]["Not options"] == MORE
    assert whole["tables"]["Options"][1]["usd"] is None


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_table_is_a_file_too(form):
    assert table_file(Tables({"Options": []}, ORIGIN, {}), form)
