"""Nsight Systems exports made by code: what each part becomes, and how each fault is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import importers
from importers import nsys
from planner.errors import MalformedFile, TooLarge, UnknownFormat
from planner.measured import Run, Severity
from tests.importers import samples


def rows(run: Run, table: str) -> list[dict[str, Any]]:
    stream = run.tables[table]
    return pa.Table.from_batches(list(stream), stream.schema).to_pylist()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return samples.export(tmp_path / "odd #name?%.sqlite")


def test_totals(export: Path) -> None:
    run = importers.read(export)
    assert run.summary["kernels"] == 4
    assert round(run.summary["kernel_time_s"] * 1e9) == 220
    assert run.summary["copies_bytes"] == 4196
    assert (run.summary["start_ns"], run.summary["end_ns"]) == (90, 420)
    assert run.summary["gpu_busy_share_0"] == pytest.approx(160 / 330)
    assert run.summary["gpu_busy_share_1"] == pytest.approx(10 / 330)


def test_kernels_are_added_up_by_name_and_device(export: Path) -> None:
    first, second, third = importers.read(export).kernels
    assert (first.name, first.kind, first.device, first.launches) == (samples.NAMES[1], "attention", 0, 2)
    assert (second.kind, second.launches, round(second.seconds * 1e9)) == ("gemm", 1, 100)
    assert (third.name, third.device, round(third.seconds * 1e9)) == (samples.NAMES[1], 1, 10)


def test_kernel_rows(export: Path) -> None:
    first = rows(importers.read(export), "kernels")[0]
    assert first["name"] == samples.NAMES[1]
    assert first["short_name"] == samples.NAMES[2]
    assert (first["kind"], first["start_ns"], first["end_ns"]) == ("attention", 100, 200)
    assert (first["process_id"], first["stream"], first["correlation"]) == (samples.PROCESS, 7, 10)
    assert (first["grid_x"], first["block_x"], first["registers"], first["dynamic_shared_memory"]) == (4, 128, 32, 1024)
    assert first["graph_node"] is None


def test_names_hold_only_what_the_table_uses(export: Path) -> None:
    batch = next(iter(importers.read(export).tables["kernels"]))
    assert set(batch.column("name").dictionary.to_pylist()) == {"(unnamed)", samples.NAMES[1], samples.NAMES[3]}


def test_copies_and_ranges(export: Path) -> None:
    run = importers.read(export)
    assert [(row["bytes"], row["kind"]) for row in rows(run, "copies")] == [
        (4096, "host_to_device"),
        (100, "device_to_device"),
    ]
    ranges = rows(run, "nvtx")
    assert [(row["text"], row["kind"]) for row in ranges] == [("step", "push_pop"), (samples.NAMES[3], "start_end")]
    assert (ranges[0]["thread_id"], ranges[0]["process_id"]) == (77, samples.PROCESS)


def test_domains_and_categories_have_names(tmp_path: Path) -> None:
    tid = samples.PROCESS << 24 | 77
    table = samples.NVTX.replace(")", ", domainId INTEGER, category INTEGER)")
    nvtx = [
        (1, None, 75, "NCCL", tid, None, 5, None),
        (1, None, 33, None, tid, 3, 5, 2),
        (1, None, 33, "other process", tid + (1 << 24), None, 5, 2),
        (10, 20, 59, "ncclSend", tid, None, 5, 2),
        (30, 40, 59, "plain", tid, None, 0, None),
        (50, 60, 59, "elsewhere", tid + (1 << 24), None, 5, 2),
    ]
    path = samples.sqlite(
        tmp_path / "x", samples.STRINGS, table, rows={"StringIds": [(3, "send")], "NVTX_EVENTS": nvtx}
    )
    found = rows(importers.read(path), "nvtx")
    assert [(row["text"], row["domain"], row["category"]) for row in found] == [
        ("ncclSend", "NCCL", "send"),
        ("plain", None, None),
        ("elsewhere", None, "other process"),
    ]
    assert (found[0]["domain_id"], found[0]["category_id"], found[1]["category_id"]) == (5, 2, None)


def test_runtime_calls_and_memory_sets(tmp_path: Path) -> None:
    runtime = samples.RUNTIME.replace(")", ", globalTid INTEGER)")
    memset = samples.COPY.replace("MEMCPY", "MEMSET").replace("copyKind", "value")
    path = samples.export(
        tmp_path / "x", samples.KERNELS, runtime, memset,
        CUPTI_ACTIVITY_KIND_RUNTIME=[(5, 9, 10, 9, samples.PROCESS << 24 | 77)],
        CUPTI_ACTIVITY_KIND_MEMSET=[(500, 540, 0, 7, 3, samples.PROCESS << 24, 256, 0)],
    )  # fmt: skip
    run = importers.read(path)
    assert rows(run, "runtime") == [
        {
            "name": "cudaGraphLaunch_v10000", "start_ns": 5, "end_ns": 9, "process_id": samples.PROCESS,
            "thread_id": 77, "correlation": 10,
        }
    ]  # fmt: skip
    (cleared,) = rows(run, "memory_sets")
    assert (cleared["bytes"], cleared["value"], cleared["device"], cleared["stream"]) == (256, 0, 0, 7)
    assert (run.summary["runtime_calls"], run.summary["memory_sets"], run.summary["memory_sets_bytes"]) == (1, 1, 256)
    assert run.summary["memory_sets_time_s"] == pytest.approx(40e-9)
    assert run.summary["end_ns"] == 540


def test_gpu_metrics(tmp_path: Path) -> None:
    """Two GPUs sample the same metric; typeId tells them apart."""
    made = (
        "CREATE TABLE GPU_METRICS (timestamp INTEGER, typeId INTEGER, metricId INTEGER NOT NULL, value INTEGER)",
        "CREATE TABLE TARGET_INFO_GPU_METRICS (typeId INTEGER, typeName TEXT, metricId INTEGER, metricName TEXT)",
    )
    read, tensor = "DRAM Read Bandwidth [Throughput %]", "Tensor Active [Throughput %]"
    first, second = 1 << 40, 1 << 40 | 1
    run = importers.read(
        samples.export(
            tmp_path / "x", samples.KERNELS, *made,
            GPU_METRICS=[
                (100, first, 8, 40), (100, second, 8, 90), (200, first, 8, 60), (200, first, 9, 5), (300, first, 77, 1),
            ],
            TARGET_INFO_GPU_METRICS=[
                (first, "GA100", 8, read), (second, "GA100", 8, read), (first, "GA100", 9, tensor),
            ],
        )
    )  # fmt: skip
    found = rows(run, "gpu_metrics")
    assert [(row["timestamp_ns"], row["device"], row["metric"], row["value"]) for row in found] == [
        (100, 0, read, 40), (100, 1, read, 90), (200, 0, read, 60), (200, 0, tensor, 5), (300, 0, "metric 77", 1),
    ]  # fmt: skip
    assert (run.summary["dram_read_percent_0"], run.summary["dram_read_percent_1"]) == (50, 90)
    assert (run.summary["tensor_active_percent_0"], run.summary["gpu_metric_samples"]) == (5, 5)


def test_session_length(tmp_path: Path) -> None:
    details = "CREATE TABLE ANALYSIS_DETAILS (globalVid INTEGER, duration INTEGER, startTime INTEGER, stopTime INTEGER)"
    path = samples.export(tmp_path / "x", samples.KERNELS, details, ANALYSIS_DETAILS=[(1, 2_500_000_000, 0, 1)])
    assert importers.read(path).settings["session_s"] == 2.5


def test_identity_and_settings(export: Path) -> None:
    run = importers.read(export)
    assert (run.tool, run.tool_version, run.source_name) == ("Nsight Systems", "2025.5.2.266", "odd #name?%.sqlite")
    assert run.started == "2026-08-01T21:34:04+00:00"
    assert run.gpu_names == ("NVIDIA H100 80GB HBM3",)
    assert run.gpu == "h100-sxm"
    assert run.settings["gpu_sm_count"] == 132
    assert run.settings["gpu_bandwidth_gb_s"] == pytest.approx(3352.32)


def test_secrets_stay_in_the_file(export: Path) -> None:
    run = importers.read(export)
    assert samples.SECRET not in repr(run)
    assert "GPU-uuid" not in repr(run)
    assert not any(samples.SECRET in str(rows(run, table)) for table in run.tables)
    assert any("privacy" in note.text for note in run.notes)


def test_a_table_can_be_read_twice(export: Path) -> None:
    run = importers.read(export)
    assert rows(run, "kernels") == rows(run, "kernels")


def test_kernel_without_an_end_is_counted_and_noted(tmp_path: Path) -> None:
    kernels = [*samples.KERNELS, (500, None, 0, 1), (700, 600, 0, 1), (800, 2**60, 0, 1)]
    run = importers.read(samples.export(tmp_path / "kernel_without_end.sqlite", kernels))
    assert run.summary["kernels"] == 7
    assert round(run.summary["kernel_time_s"] * 1e9) == 220
    assert any("3 of 7 kernels" in note.text for note in run.notes)
    assert len(rows(run, "kernels")) == 7


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page of the samples is a block of its own."""
    monkeypatch.setattr("importers.sqlite_scan.PIECE_BYTES", samples.PAGE_BYTES)
    monkeypatch.setattr("importers.sqlite_scan.PIECES", 1)


@pytest.mark.usefixtures("small_blocks")
def test_kernels_out_of_order_give_no_busy_share_and_are_sorted(tmp_path: Path) -> None:
    late = [(900 + 10 * place, 905 + 10 * place, 0, 1) for place in range(40)]
    run = importers.read(samples.export(tmp_path / "x", [*late, (100, 200, 0, 1)]))
    starts = [row["start_ns"] for row in rows(run, "kernels")]
    assert starts == sorted(starts)
    assert len(starts) == 41
    assert "gpu_busy_share_0" not in run.summary
    assert any("order of time" in note.text for note in run.notes)


@pytest.mark.usefixtures("small_blocks")
def test_busy_share_across_batches_and_graphs(tmp_path: Path) -> None:
    graphs = [(150, 400, 0, 7, 1, 0, 1, 1), (5000, 6000, 0, 7, 2, 0, 1, 1), (0, 10, 2, 7, 3, 0, 1, 1)]
    idle = [(390, 390, 0, 1)] * 40
    kernels = [(100, 200, 0, 1), *idle, (390, 410, 0, 1), (1000, 1100, 0, 1)]
    run = importers.read(samples.export(tmp_path / "x", kernels, samples.GRAPH, CUPTI_ACTIVITY_KIND_GRAPH_TRACE=graphs))
    assert run.summary["gpu_busy_share_0"] == pytest.approx((310 + 100 + 1000) / 6000)
    assert run.summary["gpu_busy_share_2"] == pytest.approx(10 / 6000)
    assert run.summary["graph_launches"] == 3
    assert rows(run, "graph_launches")[0]["graph"] == 1
    assert any("--cuda-graph-trace=node" in note.text for note in run.notes)


def test_graph_launches_without_their_table_are_noted(tmp_path: Path) -> None:
    calls = [(1, 2, 3, 9)] * 5
    run = importers.read(
        samples.export(tmp_path / "x", samples.KERNELS, samples.RUNTIME, CUPTI_ACTIVITY_KIND_RUNTIME=calls)
    )
    assert any("5 CUDA graph launches" in note.text for note in run.notes)


def test_missing_kernel_table_is_noted(tmp_path: Path) -> None:
    run = importers.read(samples.sqlite(tmp_path / "missing_kernel_table", samples.STRINGS, samples.META))
    assert run.summary["kernels"] == 0
    assert [note.severity for note in run.notes][:2] == [Severity.WARNING, Severity.WARNING]
    assert "--trace=cuda" in run.notes[0].text


def test_names_missing_from_string_ids(tmp_path: Path) -> None:
    run = importers.read(samples.export(tmp_path / "x", [(1, 2, 0, 77)]))
    assert run.kernels[0].name == "(unnamed)"
    assert any("without a name" in note.text for note in run.notes)


def test_text_that_is_not_utf8_is_repaired(tmp_path: Path) -> None:
    path = samples.export(tmp_path / "x")
    samples.sqlite(
        path,
        "UPDATE StringIds SET value = CAST(x'41ff42' AS TEXT) WHERE id = 1",
        "UPDATE NVTX_EVENTS SET text = CAST(x'43fe' AS TEXT) WHERE text = 'step'",
    )
    run = importers.read(path)
    assert {kernel.name for kernel in run.kernels} == {"A\ufffdB", samples.NAMES[3]}
    assert rows(run, "nvtx")[0]["text"] == "C\ufffd"


@pytest.mark.parametrize("computed", ["VIEW", "VIRTUAL"])
def test_a_view_in_place_of_a_table_is_refused(tmp_path: Path, computed: str) -> None:
    body = "AS SELECT 1 AS start" if computed == "VIEW" else "USING fts5(start)"
    table = f"CREATE {computed}{'' if computed == 'VIEW' else ' TABLE'} CUPTI_ACTIVITY_KIND_KERNEL {body}"
    path = samples.sqlite(tmp_path / "kernel_view.sqlite", samples.STRINGS, table)
    with pytest.raises(MalformedFile, match="view or a virtual table"):
        importers.read(path)


def test_generated_columns_are_refused(tmp_path: Path) -> None:
    """Their values are computed by an expression of the file."""
    kernel = samples.KERNEL.replace("end INTEGER", "end INTEGER GENERATED ALWAYS AS (start + abs(-1))")
    path = samples.sqlite(tmp_path / "generated.sqlite", samples.STRINGS, kernel)
    with pytest.raises(MalformedFile, match="generated columns"):
        importers.read(path)


def test_more_different_names_than_a_program_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importers.nsys_names.MOST_NAMES", 2)
    monkeypatch.setattr("importers.nsys_names.check_number.__defaults__", (2, "names in one column"))
    with pytest.raises(TooLarge, match="more than 2 different names"):
        importers.read(samples.export(tmp_path / "x", [(1, 2, 0, name) for name in range(9)]))


def test_a_flood_of_gpus_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importers.nsys_kernels.MOST_DEVICES", 3)
    with pytest.raises(TooLarge, match="more than 3 different GPUs"):
        importers.read(samples.export(tmp_path / "x", [(1, 2, device, 1) for device in range(9)]))


def test_triggers_and_indexes_of_the_file_never_run(tmp_path: Path) -> None:
    path = samples.export(tmp_path / "x")
    samples.sqlite(
        path,
        "CREATE TRIGGER t AFTER UPDATE ON StringIds BEGIN SELECT load_extension('x'); END",
        "CREATE INDEX i ON StringIds (upper(value))",
    )
    assert importers.read(path).summary["kernels"] == 4


def test_missing_column_is_named(tmp_path: Path) -> None:
    table = "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER, deviceId INTEGER)"
    path = samples.sqlite(tmp_path / "missing_name_column.sqlite", samples.STRINGS, table)
    with pytest.raises(MalformedFile, match="CUPTI_ACTIVITY_KIND_KERNEL has no column demangledName or shortName"):
        importers.read(path)


def test_text_in_a_column_of_times_is_malformed(tmp_path: Path) -> None:
    path = samples.export(tmp_path / "text_in_times.sqlite")
    samples.sqlite(path, "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = 'soon' WHERE start = 300")
    with pytest.raises(MalformedFile, match="text_in_times"):
        importers.read(path)


def test_truncated_file_is_malformed(export: Path) -> None:
    whole = export.read_bytes()
    for size in (16, 50, 100, 1000, len(whole) // 2):
        export.write_bytes(whole[:size])
        assert nsys.identify(export)
        with pytest.raises(MalformedFile):
            importers.read(export)


def test_another_sqlite_file_is_not_claimed(tmp_path: Path) -> None:
    path = samples.sqlite(tmp_path / "report.sqlite", "CREATE TABLE people (name TEXT)")
    with pytest.raises(UnknownFormat, match="SQLite database without the tables"):
        importers.read(path)


def test_the_file_is_left_as_it_was(export: Path) -> None:
    before = export.read_bytes()
    rows(importers.read(export), "kernels")
    assert export.read_bytes() == before
    assert [path.name for path in export.parent.iterdir()] == [export.name]
