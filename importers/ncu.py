"""Nsight Compute's CSV (`ncu --csv`, `ncu --import REPORT --csv`): raw page, details page, summaries; of every version.

| theirs                                    | ours                                                    | unit    |
| ----------------------------------------- | ------------------------------------------------------- | ------- |
| a launch (importers/ncu_csv.py)           | table `kernels` (importers/ncu_rows.py), `Run.kernels`  | ns; s   |
| counters (importers/ncu_work.py)          | flops, dram_bytes, operational_intensity, flop_per_s    | FLOP, B |
| device__attribute_display_name            | `gpu_names`, `gpu`                                      |         |
| ..._max_mem_frequency_khz, ..._fb_bus_... | `gpu_bandwidth_gb_s` (theoretical)                      | GB/s    |
| ..._clock_rate, ..._multiprocessor_count  | `gpu_clock_mhz`, `gpu_sm_count`                         | MHz     |
| ..._total_memory; CC                      | `gpu_memory_gib`; `compute_capability`                  | GiB     |
| Host Name, Process Name, NVTX texts       | never read                                              |         |
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

from importers.files import clean_text, content_hash, source_name
from importers.gpus import catalogue_id
from importers.ncu_csv import CAPABILITY, Launch, has_table, launches
from importers.ncu_metrics import BUS_BITS, CLOCK_KHZ, GPU_NAME, MEMORY, MEMORY_KHZ, SM_COUNT, Counters, canonical
from importers.ncu_notes import notes
from importers.ncu_numbers import decimal_mark
from importers.ncu_rows import Row, row, table
from planner.errors import MalformedFile, TooLarge
from planner.measured import KernelSample, Run
from planner.quantities import BITS_PER_BYTE, GIB, GIGA

name = "Nsight Compute (CSV)"

MOST_LAUNCHES = 200_000
KHZ, KHZ_PER_MHZ = 1e3, 1e3


def identify(path: Path) -> bool:
    """Whether a header of Nsight Compute's tables is in the file, also after messages of the profiler."""
    return has_table(path)


def read(path: Path) -> Run:
    """The run of one CSV: every launch with its time, FLOPs and DRAM bytes, as far as they were collected.

    path : the file; read twice, first for the language of its numbers
    raises : MalformedFile, TooLarge
    """
    mark = _mark(path)
    rows: list[Row] = []
    gpu_names, capabilities, settings = list[str](), list[str](), dict[str, float]()
    for launch in launches(path, canonical):
        if len(rows) == MOST_LAUNCHES:
            raise TooLarge(f"{source_name(path)}: more than {MOST_LAUNCHES} launches. Profile fewer (--launch-count).")
        rows.append(row(launch, mark))
        gpu_names.append(clean_text(Counters(launch, mark).text(GPU_NAME)))
        capabilities.append(clean_text(launch.told.get(CAPABILITY, "")))
        settings |= {} if settings else _settings(launch, mark)
    if not rows:
        raise MalformedFile(
            f"{source_name(path)}: a header of Nsight Compute, but no kernel under it. Nothing was profiled: look "
            "at ncu's messages, and at its filters --kernel-name and --launch-skip."
        )
    return _run(path, rows, _each_once(gpu_names), _each_once(capabilities), settings)


def _run(path: Path, rows: list[Row], gpu_names: tuple[str, ...], capabilities: tuple[str, ...],
         settings: Mapping[str, float]) -> Run:  # fmt: skip
    told: dict[str, str | float] = {**settings, "gpus": len({one.device for one in rows})}
    if len(capabilities) == 1:
        told["compute_capability"] = capabilities[0]
    return Run(
        tool="Nsight Compute",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        gpu_names=gpu_names,
        gpu=catalogue_id(gpu_names),
        settings=told,
        summary=_summary(rows),
        kernels=_samples(rows),
        notes=notes(rows, gpu_names),
        tables={"kernels": table(rows)},
    )


def _mark(path: Path) -> str:
    texts = (text for launch in launches(path, canonical) for text, _ in launch.metrics.values())
    mark, conflict = decimal_mark(texts)
    if conflict:
        raise MalformedFile(
            f"{source_name(path)}: numbers of two languages, {clean_text(conflict)}: point and comma both separate "
            "decimals. Export the report again, or keep files of different machines apart."
        )
    return mark


def _settings(launch: Launch, mark: str) -> dict[str, float]:
    counters = Counters(launch, mark)
    khz, bits, clock = counters(MEMORY_KHZ), counters(BUS_BITS), counters(CLOCK_KHZ)
    memory, count = counters(MEMORY), counters(SM_COUNT)
    found = {
        "gpu_bandwidth_gb_s": 2 * khz * KHZ * bits / BITS_PER_BYTE / GIGA if khz and bits else None,
        "gpu_clock_mhz": clock / KHZ_PER_MHZ if clock else None,
        "gpu_memory_gib": memory / GIB if memory else None,
        "gpu_sm_count": count,
    }
    return {key: number for key, number in found.items() if number}


def _summary(rows: list[Row]) -> dict[str, float]:
    return {
        "kernels": sum(one.launches for one in rows),
        "kernel_time_s": sum((one.seconds or 0.0) * one.launches for one in rows),
        "flops": sum((one.flops.amount or 0.0) * one.launches for one in rows),
        "kernels_with_flops": sum(one.launches for one in rows if one.flops.amount is not None),
        "dram_bytes": sum((one.moved.amount or 0.0) * one.launches for one in rows),
        "kernels_with_dram_bytes": sum(one.launches for one in rows if one.moved.amount is not None),
    }


def _samples(rows: list[Row]) -> tuple[KernelSample, ...]:
    grouped: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for one in rows:
        grouped[one.name, one.device].append(one)
    samples = [
        KernelSample(
            label, alike[0].kind, device, sum(one.launches for one in alike),
            sum((one.seconds or 0.0) * one.launches for one in alike),
            _total((one.flops.amount if one.flops.whole else None, one.launches) for one in alike),
            _total((one.moved.amount, one.launches) for one in alike),
        )
        for (label, device), alike in grouped.items()
    ]  # fmt: skip
    return tuple(sorted(samples, key=lambda sample: (-sample.seconds, sample.name, sample.device)))


def _total(amounts: Iterable[tuple[float | None, int]]) -> float | None:
    total = 0.0
    for amount, count in amounts:
        if amount is None:
            return None
        total += amount * count
    return total


def _each_once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(islice(dict.fromkeys(text for text in texts if text), 64))
