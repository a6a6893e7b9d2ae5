"""Every real CSV of Nsight Compute imports; its numbers are those that the csv module and NVIDIA's formulas give."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pyarrow as pa
import pytest

import importers
from importers import ncu
from tests.importers.samples_ncu import NCU_FILES

pytestmark = pytest.mark.skipif(not NCU_FILES, reason="../shared/traces/ncu is not here")
SECONDS = {"usecond": 1e-6, "msecond": 1e-3, "second": 1.0, "nsecond": 1e-9}
GPUS = {
    "AlpriElse": ("NVIDIA GH200 480GB", "gh200-96gb"),
    "AveryClapp": ("NVIDIA A10G", "a10g"),
    "amitadate": ("NVIDIA GeForce RTX 2060 SUPER", None),
    "flyinglandlord": ("NVIDIA H800", "h800"),
}


def columns(path: Path) -> tuple[list[dict[str, str]], dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return rows[1:], rows[0]


def number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


@pytest.mark.parametrize("path", NCU_FILES, ids=lambda path: path.name[:30])
def test_rows_times_and_gpu(path: Path) -> None:
    rows, units = columns(path)
    run = importers.read(path)
    assert importers.identify(path) is ncu
    assert run.summary["kernels"] == len(rows) == sum(kernel.launches for kernel in run.kernels)
    metric = "gpu__time_duration.sum"
    times = [number(row.get(metric)) * SECONDS.get(units.get(metric, ""), math.nan) for row in rows]
    expected = sum(time for time in times if math.isfinite(time))
    assert run.summary["kernel_time_s"] == pytest.approx(expected, rel=1e-12)
    name, gpu = GPUS[path.name.partition("+")[0]]
    assert (run.gpu_names, run.gpu) == ((name,), gpu)
    stream = run.tables["kernels"]
    table = pa.Table.from_batches(list(stream), stream.schema)
    table.validate(full=True)
    assert table["name"].to_pylist() == [row["Kernel Name"] for row in rows]
    hosts = {row["Host Name"] for row in rows} | {row["Process Name"] for row in rows}
    assert not any(host in repr(run) + str(table.to_pylist()) for host in hosts)


@pytest.mark.parametrize("path", NCU_FILES, ids=lambda path: path.name[:30])
def test_dram_bytes_are_those_of_the_memory_clock(path: Path) -> None:
    """Derived by hand: share of the cycles in which DRAM was active x clock x 2 x bus width / 8 x duration."""
    rows, units = columns(path)
    stream = importers.read(path).tables["kernels"]
    found = pa.Table.from_batches(list(stream), stream.schema).to_pylist()
    for row, ours in zip(rows, found, strict=True):
        share = number(row.get("dram__cycles_active.avg.pct_of_peak_sustained_elapsed")) / 100
        clock = number(row.get("dram__cycles_elapsed.avg.per_second")) * 1e9
        bus = number(row.get("device__attribute_fb_bus_width"))
        seconds = number(row.get("gpu__time_duration.sum")) * SECONDS.get(units.get("gpu__time_duration.sum", ""), 1)
        derived = share * clock * 2 * bus / 8 * seconds
        if math.isnan(derived):
            assert ours["dram_bytes"] is None
        else:
            assert ours["dram_bytes"] == pytest.approx(derived, rel=1e-4)


def test_the_report_that_counts_flops_and_bytes() -> None:
    """H800, --set full: achieved rate and intensity as section SpeedOfLight_RooflineChart defines them."""
    path = next(path for path in NCU_FILES if path.name.startswith("flyinglandlord"))
    rows, _ = columns(path)
    stream = importers.read(path).tables["kernels"]
    found = pa.Table.from_batches(list(stream), stream.schema).to_pylist()
    instruction = "smsp__sass_thread_inst_executed_op_{}_pred_on.sum.per_cycle_elapsed"
    for row, ours in zip(rows[:4], found[:4], strict=True):
        add, mul, fma = (number(row[instruction.format(operation)]) for operation in ("fadd", "fmul", "ffma"))
        rate = (add + mul + 2 * fma) * number(row["smsp__cycles_elapsed.avg.per_second"]) * 1e9
        read, written = (
            number(row[f"dram__bytes_{what}.sum"]) * scale for what, scale in (("read", 1e3), ("write", 1e6))
        )
        assert ours["flop_per_s"] == pytest.approx(rate, rel=1e-9)
        assert ours["dram_bytes"] == pytest.approx(read + written, rel=1e-9)
        seconds = number(row["gpu__time_duration.sum"]) * 1e-6
        assert ours["operational_intensity"] == pytest.approx(rate * seconds / (read + written), rel=1e-9)
    assert (found[4]["flops"], found[4]["dram_bytes"], found[4]["kind"]) == (None, None, "attention")
