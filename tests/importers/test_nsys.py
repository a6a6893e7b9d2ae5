"""Nsight Systems exports made by code: what each part becomes, and how each fault is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import importers
from importers import nsys
from planner.errors import MalformedFile, UnknownFormat
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
