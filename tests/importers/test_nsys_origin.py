"""Where kernels come from: launching calls by process and correlation id, NVTX ranges by brute force."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import importers
from importers import nsys_launches, nsys_ranges
from importers.nsys_stack import NOTHING, innermost
from planner.errors import TooLarge
from planner.measured import Run
from tests.importers import samples
from tests.importers.samples import NSYS_FILES

TWO_PROCESSES = [path for path in NSYS_FILES if path.name.startswith(("nsys-ai__c8f71ebb", "nsys-ai__db4e1995"))]
RANGED = [
    path for path in NSYS_FILES if path.name.startswith(("nsys-ai__c8f7", "nsys-ai__db4e", "nsys-ai__cfa5", "llm-c"))
]
INTERVAL = st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(-2, 12))


def kernels(run: Run) -> list[dict[str, Any]]:
    return pa.Table.from_batches(list(run.tables["kernels"])).to_pylist()


def rows_of(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def brute_force(ranges: list[tuple[int, int, int]], thread: int, time: int) -> tuple[int, int]:
    """Number of the innermost range, and how many are open."""
    around = [
        (start, -end, number)
        for number, (owner, start, end) in enumerate(ranges)
        if owner == thread and start <= time < end
    ]
    return (max(around)[2], len(around)) if around else (NOTHING, 0)


@settings(deadline=None, max_examples=400)
@given(intervals=st.lists(INTERVAL, max_size=14))
def test_the_innermost_of_any_intervals(intervals: list[tuple[int, int, int]]) -> None:
    ranges = [(thread, start, start + length) for thread, start, length in intervals]
    columns = [np.array([item[place] for item in ranges], np.int64) for place in range(3)]
    threads, times = (part.ravel() for part in np.meshgrid(np.arange(4), np.arange(-1, 45)))
    found, depths = innermost(*columns).at(threads, times)
    for place, (thread, time) in enumerate(zip(threads.tolist(), times.tolist(), strict=True)):
        expected, depth = brute_force(ranges, thread, time)
        assert depths[place] == depth
        if expected == NOTHING:
            assert found[place] == NOTHING
        else:
            assert ranges[found[place]] == ranges[expected]


@pytest.mark.parametrize("path", TWO_PROCESSES, ids=lambda path: path.name[:30])
def test_ids_of_two_processes_are_kept_apart(path: Path) -> None:
    run = importers.read(path)
    join = "FROM CUPTI_ACTIVITY_KIND_KERNEL k JOIN CUPTI_ACTIVITY_KIND_RUNTIME r ON k.correlationId = r.correlationId"
    both = f"{join} AND k.globalPid = r.globalTid & 0xFFFFFFFFFF000000"
    assert run.summary["kernels_with_launch"] == rows_of(path, f"SELECT count(*) {both}")[0][0]
    by_id_alone = rows_of(path, f"SELECT count(*) {join}")[0][0]
    assert 1.07 < by_id_alone / run.summary["kernels_with_launch"] < 1.09
    sql = f"SELECT k.start, r.start, r.end, r.globalTid & 0xFFFFFF {both} ORDER BY k.start, r.start"
    launched = [row for row in kernels(run) if row["launch_start_ns"] is not None]
    told = [(row["start_ns"], row["launch_start_ns"], row["launch_end_ns"], row["thread_id"]) for row in launched]
    assert sorted(told) == sorted(rows_of(path, sql))


@pytest.mark.parametrize("path", RANGED, ids=lambda path: path.name[:30])
def test_ranges_of_real_exports_are_those_of_brute_force(path: Path) -> None:
    text = "coalesce(text, (SELECT value FROM StringIds WHERE id = textId))"
    sql = f"SELECT globalTid & 0xFFFFFF, start, end, {text} FROM NVTX_EVENTS WHERE eventType = 59 AND end IS NOT NULL"  # noqa: S608
    ranges = rows_of(path, sql)
    found = kernels(importers.read(path))
    inside = 0
    for row in found[:: max(1, len(found) // 300)]:
        place, depth = brute_force([item[:3] for item in ranges], row["thread_id"], row["launch_start_ns"] or -1)
        assert row["nvtx_depth"] == (depth or None)
        assert row["nvtx"] == (ranges[place][3] if place != NOTHING else None)
        inside += depth > 0
    assert inside or path.name.startswith("llm")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each page of the samples is a block of its own, and few are kept."""
    monkeypatch.setattr("importers.sqlite_scan.PIECE_BYTES", samples.PAGE_BYTES)
    monkeypatch.setattr("importers.sqlite_scan.PIECES", 1)
    monkeypatch.setattr(nsys_launches, "BLOCKS_KEPT", 2)
    monkeypatch.setattr(nsys_ranges, "BLOCKS_KEPT", 2)
    yield  # noqa: PT022


def launched(path: Path, count: int, *, late: int = 0, shuffled: bool = False) -> Path:
    """Kernels of two processes with the same ids; each launched in a nest of ranges, a long one around all."""
    tids = [(samples.PROCESS + owner) << 24 | 77 for owner in (0, 1)]
    calls, nvtx, rows = [], [], []
    for owner, tid in enumerate(tids):
        nvtx.append((50, 100 * count + 90, 59, f"all of {owner}", tid, None))
        for place in range(count):
            start = 100 + 100 * place + owner
            calls.append((start, start + 5, place, 5, tid))
            nvtx.append(
                (start - 10, start + 20, 59, None if place % 2 else f"outer {place}", tid, 3 if place % 2 else None)
            )
            nvtx.append((start - 2, start + (6 if place % 3 else -1), 59, f"inner {place}", tid, None))
            rows.append(
                (start + late + 30, start + late + 60, owner, 1, 7, place, tid & ~0xFFFFFF, 1, 2, *([1] * 9), None)
            )
    calls.sort(key=(lambda call: call[2] * 7919 % 101) if shuffled else None)
    rows.sort()
    nvtx.sort()
    runtime = samples.RUNTIME.replace(")", ", globalTid INTEGER)")
    return samples.export(
        path, (), runtime, CUPTI_ACTIVITY_KIND_RUNTIME=calls, NVTX_EVENTS=nvtx, CUPTI_ACTIVITY_KIND_KERNEL=rows
    )


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("late", [0, 4000])
def test_calls_and_ranges_are_found_across_blocks(tmp_path: Path, late: int) -> None:
    run = importers.read(launched(tmp_path / "x", 120, late=late))
    for row in kernels(run):
        place, owner = row["correlation"], row["device"]
        assert row["launch_start_ns"] == 100 + 100 * place + owner
        assert row["process_id"] == samples.PROCESS + owner
        outer = samples.NAMES[3] if place % 2 else f"outer {place}"
        assert row["nvtx"] == (f"inner {place}" if place % 3 else outer)
        assert row["nvtx_depth"] == (3 if place % 3 else 2)


@pytest.mark.usefixtures("small_blocks")
def test_calls_in_no_order_do_not_take_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nsys_launches, "REREAD", 1)
    with pytest.raises(TooLarge, match="in no order"):
        kernels(importers.read(launched(tmp_path / "x", 120, shuffled=True)))


@pytest.mark.usefixtures("small_blocks")
def test_too_many_open_ranges_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nsys_ranges, "MOST_OPEN", 20)
    with pytest.raises(TooLarge, match="open at once"):
        importers.read(launched(tmp_path / "x", 120))


def test_kernels_without_their_call_say_so(tmp_path: Path) -> None:
    run = importers.read(samples.export(tmp_path / "x"))
    assert run.summary["kernels_with_launch"] == 0
    assert {row["launch_start_ns"] for row in kernels(run)} == {None}
    assert any("4 of 4 kernels have no launching call" in note.text for note in run.notes)
