"""Rows read from the pages of a file are those that SQLite itself reads, and damage is named."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers import sqlite, sqlite_scan
from importers.sqlite_scan import Scan
from planner.errors import ImporterError, MalformedFile, TooLarge
from tests.importers.samples import NSYS_FILES

QUIET = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
WIDTHS = [
    0,
    1,
    -1,
    127,
    -128,
    128,
    2**15 - 1,
    -(2**15),
    2**23,
    -(2**23) - 1,
    2**31,
    2**47,
    -(2**47),
    2**63 - 1,
    -(2**63),
]
INTEGERS = st.one_of(st.none(), st.sampled_from(WIDTHS), st.integers(-(2**63), 2**63 - 1))
TEXTS = st.one_of(st.none(), st.text(max_size=8), st.text("äb", min_size=50, max_size=400), st.just("x" * 3000))
ROWS = st.lists(st.tuples(INTEGERS, TEXTS, INTEGERS), max_size=120)


def made(
    path: Path,
    rows: list[tuple[Any, ...]],
    *more: str,
    page: int = 512,
    table: str = "t (a INTEGER, w TEXT, b INTEGER)",
) -> Path:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size={page}")
        connection.execute(f"CREATE TABLE {table}")
        if rows:
            connection.executemany(f"INSERT INTO t VALUES ({','.join('?' * len(rows[0]))})", rows)  # noqa: S608
        for statement in more:
            connection.execute(statement)
        connection.commit()
    return path


def scanned(
    path: Path, integers: tuple[str, ...] = ("a", "b"), texts: tuple[str, ...] = ("w",)
) -> list[dict[str, Any]]:
    scan = Scan.of(path, "t", sqlite.schema(path, {"t"}).tables["t"], integers, texts)
    return pa.Table.from_batches(list(scan)).to_pylist()


def selected(path: Path, columns: str = "a, b, w") -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT {columns} FROM t ORDER BY rowid")]  # noqa: S608


@QUIET
@given(rows=ROWS, page=st.sampled_from([512, 1024, 4096, 65536]), pieces=st.integers(1, 3))
def test_rows_are_those_of_sqlite(tmp_path: Path, rows: list[tuple[Any, ...]], page: int, pieces: int) -> None:
    path = made(tmp_path / "x", rows, page=page)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite_scan, "PIECE_BYTES", page)
        patch.setattr(sqlite_scan, "PIECES", pieces)
        assert scanned(path) == selected(path)


@settings(QUIET, max_examples=50)
@given(rows=st.lists(st.tuples(INTEGERS, TEXTS, INTEGERS), min_size=30, max_size=90), gone=st.integers(2, 5))
def test_rows_after_deletions(tmp_path: Path, rows: list[tuple[Any, ...]], gone: int) -> None:
    path = made(
        tmp_path / "x",
        rows,
        f"DELETE FROM t WHERE rowid % {gone} = 0",  # noqa: S608
        "UPDATE t SET b = a WHERE rowid % 7 = 1",  # noqa: RUF100, S608
    )
    assert scanned(path) == selected(path)


@pytest.mark.parametrize("default", ["", " DEFAULT 7"])
def test_columns_younger_than_the_rows(tmp_path: Path, default: str) -> None:
    path = made(
        tmp_path / "x",
        [(1, "a", 2)] * 50,
        f"ALTER TABLE t ADD COLUMN late INTEGER{default}",
        "INSERT INTO t VALUES (5, 'b', 6, 9)",
    )
    assert scanned(path, ("a", "late"), ("w",)) == selected(path, "a, late, w")


def test_a_column_that_is_the_row_number(tmp_path: Path) -> None:
    rows = [(5, "a"), (2**40, "b"), (-3, "c")]
    path = made(tmp_path / "x", rows, table="t (id INTEGER PRIMARY KEY, w TEXT)")
    assert scanned(path, ("id",), ("w",)) == selected(path, "id, w")


def test_columns_that_are_not_there_are_null(tmp_path: Path) -> None:
    path = made(tmp_path / "x", [(1, "a", 2)])
    assert scanned(path, ("a", "c"), ("v",)) == [{"a": 1, "c": None, "v": None}]


@pytest.mark.parametrize("value", [1.0, "12", b"12"])
def test_numbers_in_other_clothes_go_through_sqlite(tmp_path: Path, value: object) -> None:
    path = made(tmp_path / "x", [(1, "a", 2), (value, "b", 3)], table="t (a, w, b)")
    expected = MalformedFile if isinstance(value, bytes | str) else None
    if expected:
        with pytest.raises(expected), sqlite.damage_named(path):
            scanned(path)
    else:
        assert [row["a"] for row in scanned(path)] == [1, 1]


def test_text_in_utf16_goes_through_sqlite(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x")) as connection:
        connection.execute("PRAGMA encoding='UTF-16le'")
        connection.execute("CREATE TABLE t (a INTEGER, w TEXT, b INTEGER)")
        connection.execute("INSERT INTO t VALUES (1, 'größer', 2)")
        connection.commit()
    assert scanned(tmp_path / "x") == [{"a": 1, "b": 2, "w": "größer"}]


def test_an_empty_table(tmp_path: Path) -> None:
    assert scanned(made(tmp_path / "x", [])) == []


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_scan, "MOST_ROWS", 10)
    with pytest.raises(TooLarge, match="more than 10 rows"):
        scanned(made(tmp_path / "x", [(1, "a", 2)] * 11))


def test_a_tree_that_names_a_page_twice_is_damage(tmp_path: Path) -> None:
    path = made(tmp_path / "x", [(number, "a" * 20, 2) for number in range(200)])
    layout = sqlite.schema(path, {"t"}).tables["t"]
    data = bytearray(path.read_bytes())
    start = (layout.root - 1) * 512
    assert data[start] == 5
    first = int.from_bytes(data[start + 12 : start + 14], "big")
    data[start + 8 : start + 12] = data[start + first : start + first + 4]
    path.write_bytes(data)
    with pytest.raises(MalformedFile, match="one page twice"):
        scanned(path)


def test_rows_that_overlap_are_damage(tmp_path: Path) -> None:
    """Many cells of one page that are the same bytes: how a small file would pretend to hold many rows."""
    path = made(tmp_path / "x", [(2**40, "a" * 40, 2**40)] * 6)
    layout = sqlite.schema(path, {"t"}).tables["t"]
    data = bytearray(path.read_bytes())
    start = (layout.root - 1) * 512
    data[start + 3 : start + 5] = (40).to_bytes(2, "big")
    data[start + 8 : start + 88] = data[start + 8 : start + 10] * 40
    path.write_bytes(data)
    with pytest.raises(MalformedFile, match=r"order of their numbers|overlap"):
        scanned(path)


@QUIET
@given(
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=20),
    page=st.sampled_from([512, 4096]),
)
def test_damaged_pages(tmp_path: Path, flips: list[tuple[float, int]], page: int) -> None:
    path = tmp_path / f"whole{page}"
    if not path.exists():
        made(path, [(number, "text" * (number % 9), None if number % 5 else 2**40) for number in range(300)], page=page)
    layout = sqlite.schema(path, {"t"}).tables["t"]
    data = bytearray(path.read_bytes())
    for place, mask in flips:
        data[page + int(place * (len(data) - page - 1))] ^= mask
    target = tmp_path / "damaged"
    target.write_bytes(data)
    try:
        with sqlite.damage_named(target):
            for batch in Scan.of(target, "t", layout, ("a", "b"), ("w",)):
                batch.validate(full=True)
    except ImporterError as error:
        assert "damaged" in str(error)  # noqa: PT017


def test_nothing_but_reading_is_allowed(tmp_path: Path) -> None:
    path = made(tmp_path / "x", [(1, "a", 2)], "CREATE VIEW v AS SELECT load_extension('x')")
    for statement in (
        "INSERT INTO t VALUES (1, 'a', 2)",
        "SELECT load_extension('x')",
        "ATTACH ':memory:' AS m",
        "SELECT * FROM v",
        "PRAGMA writable_schema=ON",
        "SELECT * FROM pragma_database_list",
    ):
        with pytest.raises(MalformedFile), sqlite.opened(path) as connection:
            connection.execute(statement).fetchall()


def test_a_query_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "QUERY_SECONDS", 0.05)
    path = made(tmp_path / "x", [(1, "a", 2)] * 3000)
    with pytest.raises(TooLarge, match="found no end"), sqlite.opened(path) as connection:
        connection.execute("SELECT count(*) FROM t, t AS u, t AS v").fetchall()


@pytest.mark.skipif(not NSYS_FILES, reason="../shared/traces/nsys is not here")
@pytest.mark.parametrize("path", NSYS_FILES, ids=lambda path: path.name[:30])
def test_every_table_of_numbers_of_a_real_export(path: Path) -> None:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        named = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        known = ("CUPTI_ACTIVITY_KIND", "NVTX", "StringIds", "SCHED", "OSRT_API", "COMPOSITE")
        chosen = {name for name in named if name.startswith(known)}
        for table, layout in sqlite.schema(path, chosen).tables.items():
            kinds = {name: kind for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")}
            columns = [name for name, kind in kinds.items() if kind in ("INTEGER", "INT", "TEXT", "")]
            numbers = tuple(name for name in columns if kinds[name] != "TEXT")
            texts = tuple(name for name in columns if kinds[name] == "TEXT" and name != "binaryData")
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            listed = ", ".join(f'"{name}"' for name in (*numbers, *texts))
            expected = connection.execute(f"SELECT {listed} FROM {table} ORDER BY rowid").fetchall()  # noqa: S608
            found = [
                row
                for batch in Scan.of(path, table, layout, numbers, texts)
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
            ]
            assert found == expected, table
