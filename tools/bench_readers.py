"""Ways to read the kernels of an Nsight Systems export into Parquet, ours among them, for tools.bench_import."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

import importers
from importers import sqlite
from importers.arrow import compute as pc
from importers.sqlite_scan import Scan
from store import Store, parquet

TABLE = "CUPTI_ACTIVITY_KIND_KERNEL"
COLUMNS = (
    "start", "end", "deviceId", "streamId", "correlationId", "globalPid", "demangledName", "shortName", "gridX",
    "gridY", "gridZ", "blockX", "blockY", "blockZ", "registersPerThread", "staticSharedMemory", "dynamicSharedMemory",
    "graphNodeId", "graphId",
)  # fmt: skip
QUERY = f"SELECT {', '.join(chr(34) + name + chr(34) for name in COLUMNS)} FROM {TABLE}"  # noqa: S608
SCHEMA = pa.schema([(name, pa.int64()) for name in COLUMNS])
CHUNK_ROWS = 65_536


def ours(path: Path, _: Path) -> None:
    """The pages of the file as numpy columns."""
    layout = sqlite.schema(path, {TABLE}).tables[TABLE]
    _written(Scan.of(path, TABLE, layout, COLUMNS))


def whole_import(path: Path, store: Path) -> None:
    """All tables with launches, ranges and steps, into a store."""
    Store(store).save(importers.read(path))


def stored_summary(_: Path, store: Path) -> None:
    """Kernels by name, as every page shows them."""
    (run,) = Store(store).runs()
    assert Store(store).run(run.id).kernels  # noqa: S101


def summed_anew(_: Path, store: Path) -> None:
    """The same from the table of all launches."""
    (run,) = Store(store).runs()
    table = Store(store).table(run.id, "kernels", ["name", "start_ns", "end_ns"])
    times = pa.table({"name": table["name"], "ns": pc.subtract(table["end_ns"], table["start_ns"])})
    assert times.group_by("name").aggregate([("ns", "sum"), ("ns", "count")]).num_rows  # noqa: S101


def one_step(_: Path, store: Path) -> None:
    """The kernels of one step, by their start."""
    (run,) = Store(store).runs()
    steps = Store(store).table(run.id, "steps")
    step = steps.slice(steps.num_rows // 2, 1).to_pylist()[0]
    start = ds.field("start_ns")
    within = (start >= step["start_ns"]) & (start < step["end_ns"])
    assert Store(store).dataset(run.id, "kernels").to_table(filter=within).num_rows  # noqa: S101


def sqlite_utils_rows(path: Path, _: Path) -> None:
    """sqlite-utils, a dict for each row; nothing is written."""
    import sqlite_utils  # noqa: PLC0415  # each reader loads its library alone

    with closing(_opened(path)) as connection:
        for _ in sqlite_utils.Database(connection).query(QUERY):
            pass


def standard_library(path: Path, _: Path) -> None:
    """sqlite3 of Python, many rows at a time."""
    with closing(_opened(path)) as connection:
        cursor = connection.execute(QUERY)
        _written(
            pa.RecordBatch.from_arrays(
                [pa.array(column, pa.int64()) for column in zip(*rows, strict=True)], schema=SCHEMA
            )
            for rows in iter(lambda: cursor.fetchmany(CHUNK_ROWS), [])
        )


def pandas_chunks(path: Path, _: Path) -> None:
    """pandas.read_sql in chunks: whole, ten million rows take 8 GB."""
    import pandas as pd  # noqa: PLC0415

    with closing(_opened(path)) as connection:
        frames = pd.read_sql(QUERY, connection, chunksize=500_000)
        _written(pa.RecordBatch.from_pandas(frame, schema=SCHEMA, preserve_index=False) for frame in frames)


def adbc(path: Path, _: Path) -> None:
    """The ADBC driver of SQLite: Arrow batches made in C."""
    from adbc_driver_sqlite import dbapi  # noqa: PLC0415

    uri = path.resolve().as_uri() + "?mode=ro&immutable=1"
    with closing(dbapi.connect(uri)) as connection, closing(connection.cursor()) as cursor:
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(CHUNK_ROWS)})
        cursor.execute(QUERY)
        _written(batch.cast(SCHEMA) for batch in cursor.fetch_record_batch())


def duckdb_in_order(path: Path, _: Path) -> None:
    """DuckDB's scanner of SQLite and its own Parquet writer, rows in their order."""
    _duckdb(path, "true")


def duckdb_unordered(path: Path, _: Path) -> None:
    """The same, rows in any order, which two processors share."""
    _duckdb(path, "false")


def _duckdb(path: Path, ordered: str) -> None:
    import duckdb  # noqa: PLC0415

    found = next(iter(Path(sys.prefix).rglob("sqlite_scanner.duckdb_extension")), None)
    if found is None:
        raise ModuleNotFoundError("duckdb-extension-sqlite-scanner is not installed")
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        connection.execute(f"LOAD '{found}'")
        connection.execute(f"SET preserve_insertion_order={ordered}")
        scan = QUERY.replace(f"FROM {TABLE}", f"FROM sqlite_scan('{path}', '{TABLE}')")
        connection.execute(f"COPY ({scan}) TO '{folder}/x.parquet' (COMPRESSION zstd, COMPRESSION_LEVEL 1)")


READERS: dict[str, Callable[[Path, Path], None]] = {
    "sqlite-utils, row by row, read alone": sqlite_utils_rows,
    "sqlite3, 65,536 rows at a time, to Parquet": standard_library,
    "pandas.read_sql in chunks, to Parquet": pandas_chunks,
    "ADBC, to Parquet": adbc,
    "DuckDB's SQLite scanner, in order, to Parquet": duckdb_in_order,
    "DuckDB's SQLite scanner, any order, to Parquet": duckdb_unordered,
    "ours: kernels to Parquet": ours,
    "ours: whole import with launches, ranges, steps": whole_import,
    "ours: summary by kernel from the store": stored_summary,
    "ours: summary by kernel from all launches in the store": summed_anew,
    "ours: kernels of one step from the store": one_step,
}


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path.resolve().as_uri() + "?mode=ro&immutable=1", uri=True)


def _written(batches: Iterable[pa.RecordBatch]) -> None:
    """All readers write with the store's own writer, so that only the reading differs; DuckDB has its own."""
    with tempfile.TemporaryDirectory() as folder:
        parquet.write(Path(folder) / "kernels.parquet", SCHEMA, batches)
