"""CSVs as Nsight Compute prints them, made by code: raw page, details page, summary."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.importers.samples import SECRET, SHARED

NCU_FILES = sorted((SHARED / "traces" / "ncu").glob("*.csv"))
GEMM = "void cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16_s161616gemm>(T1::Params)"
NORM = "void vllm::rms_norm_kernel<c10::BFloat16>(T1 *, const T1 *, float)"
INSTRUCTION = "smsp__sass_thread_inst_executed_op_{}_pred_on.sum{}"
Metrics = Mapping[str, tuple[str, str]]
DEVICE: Metrics = {
    "device__attribute_display_name": ("NVIDIA H100 80GB HBM3", ""),
    "device__attribute_max_mem_frequency_khz": ("2619000", ""),
    "device__attribute_fb_bus_width": ("5120", ""),
    "device__attribute_clock_rate": ("1980000", ""),
    "device__attribute_multiprocessor_count": ("132", ""),
}
TIME: Metrics = {"gpu__time_duration.sum": ("2.000000", "usecond")}
CLOCKS: Metrics = {
    "smsp__cycles_elapsed.avg.per_second": ("1.500000", "cycle/nsecond"),
    "dram__cycles_elapsed.avg.per_second": ("2.500000", "Ghz"),
}
LAUNCH: Metrics = {
    "launch__registers_per_thread": ("56.000000", "register/thread"),
    "launch__shared_mem_per_block_static": ("1.024000", "Kbyte/block"),
    "launch__shared_mem_per_block_dynamic": ("0.000000", "byte/block"),
}
TRAFFIC: Metrics = {"dram__bytes_read.sum": ("3.000000", "Mbyte"), "dram__bytes_write.sum": ("500.000000", "Kbyte")}
IDLE: Metrics = {"sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active": ("0.000000", "%")}
BASE: Metrics = {**DEVICE, **TIME, **CLOCKS, **LAUNCH, **TRAFFIC, **IDLE}
TOLD = {
    "Process ID": "4242", "Process Name": SECRET, "Host Name": SECRET, "Kernel Name": NORM, "Context": "1",
    "Stream": "7", "Block Size": "(256, 1, 1)", "Grid Size": "(1056, 2, 1)", "Device": "0", "CC": "9.0",
}  # fmt: skip
DETAILS = ("Section Name", "Metric Name", "Metric Unit", "Metric Value", "Rule Name", "Rule Type", "Rule Description")
SUMMARY = ("Section Name", "Metric Name", "Metric Unit", "Minimum", "Maximum", "Average")
SPEED, MEMORY, STATISTICS = "GPU Speed Of Light Throughput", "Memory Workload Analysis", "Launch Statistics"
LABELLED = (
    (SPEED, "DRAM Frequency", "Ghz", "2.62"),
    (SPEED, "Memory Throughput", "%", "46.36"),
    (SPEED, "Duration", "us", "1,031.87"),
    (STATISTICS, "Registers Per Thread", "register/thread", "22"),
    (MEMORY, "Memory Throughput", "Gbyte/second", "133.82"),
)


def instructions(letter: str, add: float, mul: float, fma: float, per_cycle: bool = False) -> Metrics:
    """The three counters of one number format, as totals or per cycle."""
    ending, unit = (".per_cycle_elapsed", "inst/cycle") if per_cycle else ("", "inst")
    counts = {"add": add, "mul": mul, "fma": fma}
    return {INSTRUCTION.format(letter + what, ending): (f"{count:.6f}", unit) for what, count in counts.items()}


def raw(path: Path, *launches: Metrics, names: Sequence[str] = (), before: str = "", after: str = "") -> Path:
    """A raw page: a row a launch, a row of units under the header; a metric that a launch lacks is an empty cell."""
    units = {name: unit for launch in launches for name, (_, unit) in launch.items()}
    rows = [["ID", *TOLD, *units], ["", *[""] * len(TOLD), *units.values()]]
    for place, launch in enumerate(launches):
        told = {**TOLD, "Kernel Name": names[place] if names else NORM}
        rows.append([str(place), *told.values(), *(launch.get(name, ("", ""))[0] for name in units)])
    path.write_text(before + table(rows) + after, encoding="utf-8")
    return path


def details(*launches: Sequence[tuple[str, str, str, str]], summary: int = 0) -> str:
    """A details page: a row a metric, rules between them; or the means of `summary` launches."""
    told = {**TOLD, "Invocations": str(summary)} if summary else {"ID": "0", **TOLD}
    rows = [[*told, *(SUMMARY if summary else DETAILS)]]
    for place, metrics in enumerate(launches):
        mine = {**told, **({} if summary else {"ID": str(place)})}
        for section, metric, unit, text in metrics:
            values = [text, text, text] if summary else [text, ""]
            rows.append([*mine.values(), section, metric, unit, *values])
        if not summary:
            rows.append([*mine.values(), "SpeedOfLight", "", "", "", "SOLBottleneck", "OPT", 'Look at "Memory".'])
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as ncu quotes them."""
    target = io.StringIO()
    csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return target.getvalue()
