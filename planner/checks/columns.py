"""Columns of a run's tables as numpy arrays, batch by batch: a trace may have ten million rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.measured import Run
from planner.quantities import GIGA, FloatArray
from planner.table import TABLE

REQUESTS, KERNELS = "requests", "kernels"
NEEDED: Mapping[str, tuple[str, ...]] = {
    REQUESTS: ("result", "start_s", "sent_s", "ttft_s", "latency_s", "e2e_s"),
    TABLE: (),
    KERNELS: ("name", "kind", "start_ns", "end_ns", "device", "process_id", "grid_x", "grid_y", "grid_z"),
}
"""Table -> columns that the checks read, none: all; a run read back from the store needs no others."""
SAME_SHAPE = "gemm"
"""Kernels whose work is told by name and grid: attention grows with the context, these do not."""

PRIME = 1_000_003
"""Factor that tells keys of several numbers apart."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of one result in the order sent; NaN where a value is not known.

    start, ttft, latency : since the first was sent; to the first token; to the last [s]
    """

    start: FloatArray
    ttft: FloatArray
    latency: FloatArray


@dataclass(frozen=True, slots=True)
class Launches:
    """What a trace tells of its GPUs.

    processes : device -> processes that ran kernels on it
    key : of each matrix product, alike for those of one name, grid and device
    start, seconds : of each [s]
    """

    processes: Mapping[int, frozenset[int]]
    key: NDArray[np.int64]
    start: FloatArray
    seconds: FloatArray


NO_LAUNCHES = Launches({}, np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))


def requests(run: Run) -> tuple[Requests, ...]:
    """The requests of a run, result by result; empty if it does not list them.

    run : with its table "requests" [s]
    """
    parts = [
        {name: numbers(column) for name, column in batch.items()} for batch in columns(run, REQUESTS, NEEDED[REQUESTS])
    ]
    if not parts:
        return ()
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    results = np.nan_to_num(whole["result"])
    return tuple(_in_order(whole, results == number) for number in np.unique(results))


def launches(run: Run) -> Launches:
    """The matrix products of a trace, and who ran kernels on which device.

    run : with its table "kernels" [ns]
    """
    processes: dict[int, set[int]] = {}
    known: dict[str, int] = {}
    parts: list[tuple[NDArray[np.int64], FloatArray, FloatArray]] = []
    for batch in columns(run, KERNELS, NEEDED[KERNELS]):
        for device, process in _pairs(numbers(batch["device"]), numbers(batch["process_id"])):
            processes.setdefault(device, set()).add(process)
        parts.append(_products(batch, known))
    if not parts:
        return NO_LAUNCHES
    key, start, seconds = (np.concatenate(side) for side in zip(*parts, strict=True))
    return Launches({device: frozenset(ids) for device, ids in processes.items()}, key, start, seconds)


def columns(run: Run, table: str, wanted: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Columns of a run's table, batch by batch; NaN for a column that it does not have.

    run : with its tables; nothing comes if it lacks this one
    """
    if table not in run.tables:
        return
    names = set(run.tables[table].schema.names)
    for batch in run.tables[table]:
        yield {name: batch.column(name) if name in names else np.full(batch.num_rows, np.nan) for name in wanted}


def numbers(column: Any) -> FloatArray:
    """A column as floats, NaN where it is empty."""
    values = column if isinstance(column, np.ndarray) else column.to_numpy(zero_copy_only=False)
    found: FloatArray = values.astype(float)
    return found


def _pairs(devices: FloatArray, processes: FloatArray) -> set[tuple[int, int]]:
    """Devices and the processes on them, told where either changes from one row to the next."""
    told = np.isfinite(devices) & np.isfinite(processes)
    devices, processes = devices[told], processes[told]
    changes = np.flatnonzero((np.diff(devices, prepend=np.nan) != 0) | (np.diff(processes, prepend=np.nan) != 0))
    pairs = np.unique(devices[changes] + 1j * processes[changes])
    return {(int(pair.real), int(pair.imag)) for pair in pairs}


def _products(batch: Mapping[str, Any], known: dict[str, int]) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
    kinds, kind_of = _coded(batch["kind"])
    chosen = np.flatnonzero(np.array([name == SAME_SHAPE for name in kinds] or [False])[kind_of])
    names, name_of = _coded(batch["name"])
    key = np.array([known.setdefault(name, len(known)) for name in names] or [0], dtype=np.int64)[name_of[chosen]]
    for column in ("grid_x", "grid_y", "grid_z", "device"):
        key = key * PRIME + np.nan_to_num(numbers(batch[column])[chosen]).astype(np.int64)
    start, end = (numbers(batch[column])[chosen] for column in ("start_ns", "end_ns"))
    timed = end > start
    return key[timed], start[timed] / GIGA, (end - start)[timed] / GIGA


def _coded(column: Any) -> tuple[list[str], NDArray[np.int64]]:
    """The texts of a column, each once, and for each row the place of its text."""
    if isinstance(column, np.ndarray):
        return [""], np.zeros(len(column), dtype=np.int64)
    coded = column if hasattr(column, "dictionary") else column.dictionary_encode()
    places = coded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return [str(text) for text in coded.dictionary.to_pylist()], places.astype(np.int64)


def _in_order(whole: Mapping[str, FloatArray], chosen: NDArray[np.bool_]) -> Requests:
    start, ttft, latency = (
        np.where(np.isfinite(whole[one]), whole[one], whole[other])[chosen]
        for one, other in (("sent_s", "start_s"), ("ttft_s", "ttft_s"), ("e2e_s", "latency_s"))
    )
    order = np.argsort(start, kind="stable")
    return Requests(start[order], ttft[order], latency[order])
