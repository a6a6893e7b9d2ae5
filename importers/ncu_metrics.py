"""Which counters of Nsight Compute are read, under which name or label, and their values in SI units.

| name in the raw page, or label in the details page             | of                 |
| -------------------------------------------------------------- | ------------------ |
| gpu__time_duration.sum: Duration                               | seconds            |
| gpc__cycles_elapsed: Elapsed Cycles, SM Frequency              | cycles, cycles / s |
| ..._sass_thread_inst_executed_op_{f,d,h}{add,mul,fma}_pred_on  | instructions       |
| sm__ops_path_tensor_..._src_...                                | operations         |
| dram__bytes..., dram__sectors..., dram__cycles...              | bytes, bytes / s   |
| device__attribute_...: GPU, clocks, bus width, memory          |                    |
| launch__registers..., launch__shared_mem...                    | registers, bytes   |
| every other metric                                             | never read         |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from importers.ncu_csv import Launch
from importers.ncu_numbers import (
    BYTES,
    BYTES_PER_SECOND,
    COUNT,
    CYCLES_PER_SECOND,
    PERCENTAGE,
    SECONDS,
    unit_scale,
    value,
)

DURATION = "gpu__time_duration.sum"
CYCLES, CYCLE_RATE = "gpc__cycles_elapsed.max", "gpc__cycles_elapsed.avg.per_second"
SM_RATES = ("smsp__cycles_elapsed.avg.per_second", "sm__cycles_elapsed.avg.per_second", CYCLE_RATE)
DRAM_RATE, DRAM_PER_CYCLE = "dram__cycles_elapsed.avg.per_second", "dram__bytes.sum.peak_sustained"
DRAM, READ, WRITTEN = "dram__bytes.sum", "dram__bytes_read.sum", "dram__bytes_write.sum"
SECTORS_READ, SECTORS_WRITTEN = "dram__sectors_read.sum", "dram__sectors_write.sum"
SHARES = (
    "dram__cycles_active.avg.pct_of_peak_sustained_elapsed",
    "dram__throughput.avg.pct_of_peak_sustained_elapsed",
    "gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed",
)
GPU_NAME = "device__attribute_display_name"
MEMORY_KHZ, BUS_BITS = "device__attribute_max_mem_frequency_khz", "device__attribute_fb_bus_width"
SM_COUNT, CLOCK_KHZ = "device__attribute_multiprocessor_count", "device__attribute_clock_rate"
MEMORY = "device__attribute_total_memory"
REGISTERS = "launch__registers_per_thread"
STATIC, DYNAMIC = "launch__shared_mem_per_block_static", "launch__shared_mem_per_block_dynamic"
PER_SECOND, PER_CYCLE = ".per_second", ".per_cycle_elapsed"
_KIND: Mapping[str, str] = {
    DURATION: SECONDS, CYCLES: COUNT, **dict.fromkeys((*SM_RATES, DRAM_RATE), CYCLES_PER_SECOND),
    **dict.fromkeys((DRAM, READ, WRITTEN, DRAM_PER_CYCLE, STATIC, DYNAMIC), BYTES),
    **{metric + PER_SECOND: BYTES_PER_SECOND for metric in (DRAM, READ, WRITTEN)},
    **dict.fromkeys((SECTORS_READ, SECTORS_WRITTEN), COUNT), **dict.fromkeys(SHARES, PERCENTAGE),
    **dict.fromkeys((GPU_NAME, MEMORY_KHZ, BUS_BITS, SM_COUNT, CLOCK_KHZ, MEMORY, REGISTERS), COUNT),
}  # fmt: skip
_LABELS = {
    "Duration": DURATION, "Elapsed Cycles": CYCLES, "SM Frequency": CYCLE_RATE, "DRAM Frequency": DRAM_RATE,
    "Memory Frequency": DRAM_RATE, "DRAM Throughput": SHARES[-1], "SOL DRAM": SHARES[-1],
    "Registers Per Thread": REGISTERS, "Static Shared Memory Per Block": STATIC,
    "Dynamic Shared Memory Per Block": DYNAMIC,
}  # fmt: skip
_IN_SECTION = {("Memory Workload Analysis", "Memory Throughput"): DRAM + PER_SECOND}
"""A label that means something else in another section."""
_LABEL_AND_NAME = re.compile(r".+ \(([\w:.]+)\)")
_INSTRUCTIONS = re.compile(
    r"(?:smsp|sm)__sass_thread_inst_executed_op_[fdh](?:add|mul|fma)_pred_on\.sum(?:\.per_cycle_elapsed)?"
    r"|derived__smsp__sass_thread_inst_executed_op_[fdh]fma_pred_on_x2"
)
TENSOR_OPS = re.compile(
    r"(?P<stem>sm__ops_path_tensor(?:_op_(?P<op>[a-z]+))?_src_(?P<src>[a-z0-9_]+?)(?:_dst_(?P<dst>[a-z0-9]+))?"
    r"(?:_sparsity_(?P<sparsity>on|off))?)\.sum(?:\.per_cycle_elapsed)?"
)
TENSOR_ACTIVITY = re.compile(
    r"(?:sm|smsp)__(?:inst_executed_pipe_tensor\w*|pipe_tensor\w*cycles_active)\.(?:avg|sum)(?!.*peak_sustained$)[\w.]*"
)


def canonical(section: str, metric: str) -> str | None:
    """The name of a metric that is read, from its name, its label or both; None for all others.

    >>> canonical("GPU Speed Of Light Throughput", "Duration"), canonical("", "lts__t_bytes.sum")
    ('gpu__time_duration.sum', None)
    >>> canonical("", "DRAM Frequency (dram__cycles_elapsed.avg.per_second)")
    'dram__cycles_elapsed.avg.per_second'
    """
    both = _LABEL_AND_NAME.fullmatch(metric) if metric.endswith(")") else None
    name = both[1] if both else metric
    if name in _KIND or any(pattern.fullmatch(name) for pattern in (_INSTRUCTIONS, TENSOR_OPS, TENSOR_ACTIVITY)):
        return name
    return _IN_SECTION.get((section, metric)) or _LABELS.get(metric)


class Counters:
    """The numbers of one launch by metric, in SI units."""

    __slots__ = ("_mark", "_texts")

    def __init__(self, launch: Launch, mark: str) -> None:
        self._texts, self._mark = launch.metrics, mark

    def __call__(self, metric: str) -> float | None:
        """The value of a metric; None if it is missing, no number, or of an unknown unit."""
        text, unit = self._texts.get(metric, ("", ""))
        found = value(text, self._mark)
        if found is None or TENSOR_ACTIVITY.fullmatch(metric):
            return found
        scale = unit_scale(unit, _KIND.get(metric, COUNT))
        return None if scale is None else found * scale

    def any_of(self, metrics: Iterable[str]) -> float | None:
        """The first of several metrics that is there."""
        return next((found for metric in metrics if (found := self(metric)) is not None), None)

    def sum_of(self, *metrics: str) -> float | None:
        """The sum of metrics; None if one is missing."""
        found = [self(metric) for metric in metrics]
        return None if None in found else sum(number for number in found if number is not None)

    def matching(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        """The metrics of the launch whose name matches, in the file's order."""
        return [match for metric in self._texts if (match := pattern.fullmatch(metric))]

    def text(self, metric: str) -> str:
        """A metric that is a text."""
        return self._texts.get(metric, ("", ""))[0]
