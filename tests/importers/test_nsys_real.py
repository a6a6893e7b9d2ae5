"""Every real Nsight Systems export imports, and its totals are those that plain SQL gives."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import importers
from tests.importers.samples import NSYS_FILES

pytestmark = pytest.mark.skipif(not NSYS_FILES, reason="../shared/traces/nsys is not here")
PRIVATE = ("EXPORT_HOST", "DEVICE_DISPLAY_NAME", "WORKING_DIR", "TARGET_NAME")


def counted(path: Path, sql: str) -> int:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        try:
            return int(connection.execute(sql).fetchone()[0] or 0)
        except sqlite3.OperationalError:
            return 0


@pytest.mark.parametrize("path", NSYS_FILES, ids=lambda path: path.name[:30])
def test_totals_are_those_of_plain_sql(path: Path) -> None:
    run = importers.read(path)
    kernels = counted(path, "SELECT count(*) FROM CUPTI_ACTIVITY_KIND_KERNEL")
    kernel_ns = counted(path, 'SELECT sum("end" - start) FROM CUPTI_ACTIVITY_KIND_KERNEL')
    assert run.summary["kernels"] == kernels
    assert round(run.summary["kernel_time_s"] * 1e9) == kernel_ns
    assert round(sum(kernel.seconds for kernel in run.kernels) * 1e9) == pytest.approx(kernel_ns, abs=1)
    assert sum(kernel.launches for kernel in run.kernels) == kernels
    assert run.summary["copies"] == counted(path, "SELECT count(*) FROM CUPTI_ACTIVITY_KIND_MEMCPY")
    assert run.summary["copies_bytes"] == counted(path, "SELECT sum(bytes) FROM CUPTI_ACTIVITY_KIND_MEMCPY")
    assert run.summary["memory_sets"] == counted(path, "SELECT count(*) FROM CUPTI_ACTIVITY_KIND_MEMSET")
    assert run.summary["memory_sets_bytes"] == counted(path, "SELECT sum(bytes) FROM CUPTI_ACTIVITY_KIND_MEMSET")
    assert run.summary["runtime_calls"] == counted(path, "SELECT count(*) FROM CUPTI_ACTIVITY_KIND_RUNTIME")
    assert run.summary["graph_launches"] == counted(path, "SELECT count(*) FROM CUPTI_ACTIVITY_KIND_GRAPH_TRACE")
    if kernels:
        first = counted(path, "SELECT min(start) FROM CUPTI_ACTIVITY_KIND_KERNEL")
        assert run.summary["start_ns"] <= first < run.summary["end_ns"]


@pytest.mark.parametrize("path", NSYS_FILES, ids=lambda path: path.name[:30])
def test_tables_hold_every_row(path: Path) -> None:
    run = importers.read(path)
    rows = {name: pa.Table.from_batches(iter(stream), stream.schema) for name, stream in run.tables.items()}
    counts = {
        "kernels": "kernels",
        "copies": "copies",
        "graph_launches": "graph_launches",
        "memory_sets": "memory_sets",
    }
    for name, key in {**counts, "runtime": "runtime_calls", "steps": "steps"}.items():
        assert (rows[name].num_rows if name in rows else 0) == run.summary.get(key, 0)
    ranges = counted(path, 'SELECT count(*) FROM NVTX_EVENTS WHERE eventType IN (59, 60) AND "end" IS NOT NULL')
    assert (rows["nvtx"].num_rows if "nvtx" in rows else 0) == ranges
    for table in rows.values():
        table.validate(full=True)
    if "kernels" in rows:
        spent = pc.subtract(rows["kernels"]["end_ns"], rows["kernels"]["start_ns"])
        assert pc.sum(spent).as_py() == counted(path, 'SELECT sum("end" - start) FROM CUPTI_ACTIVITY_KIND_KERNEL')
        names = "SELECT count(DISTINCT value) FROM CUPTI_ACTIVITY_KIND_KERNEL JOIN StringIds ON id = demangledName"
        named = set(rows["kernels"]["name"].unique().to_pylist()) - {"(unnamed)"}
        assert len(named) == counted(path, names)


@pytest.mark.parametrize("path", NSYS_FILES, ids=lambda path: path.name[:30])
def test_nothing_private_reaches_the_run(path: Path) -> None:
    run = importers.read(path)
    told = repr(run)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        for table in {"META_DATA_EXPORT", "EXPORT_META_DATA", "META_DATA_CAPTURE"} & tables:
            for name, value in connection.execute(f"SELECT name, value FROM {table}"):  # noqa: S608
                if any(word in name for word in PRIVATE) and len(str(value)) > 3:
                    assert str(value) not in told, name


def test_busy_share_is_the_union_of_intervals() -> None:
    path = next(path for path in NSYS_FILES if path.name.startswith("nsys-ai__c8f71ebb"))
    summary = importers.read(path).summary
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        for device in (0, 1):
            sql = 'SELECT start, "end" FROM CUPTI_ACTIVITY_KIND_KERNEL WHERE deviceId = ? ORDER BY start'
            covered = reach = 0
            for start, end in connection.execute(sql, (device,)):
                covered += max(0, end - max(start, reach))
                reach = max(reach, end)
            assert summary[f"gpu_busy_share_{device}"] == pytest.approx(
                covered / (summary["end_ns"] - summary["start_ns"])
            )


def test_a_graph_level_trace_says_how_much_has_no_names() -> None:
    path = next(path for path in NSYS_FILES if path.name.startswith("flameox"))
    run = importers.read(path)
    assert run.settings["cuda_graph_trace"] == "graph"
    assert any("--cuda-graph-trace=node" in note.text and "44.7 %" in note.text for note in run.notes)
    assert run.settings["gpu_bandwidth_gb_s"] == pytest.approx(360.048)
    assert run.tool_version == "2025.5.2.266"
    steps = pa.Table.from_batches(list(run.tables["steps"])).to_pylist()
    assert [(step["source"], step["busy_ns"], step["gap_ns"]) for step in steps] == [
        ("graph", 1728, None),
        ("graph", 1376, 4480),
    ]
