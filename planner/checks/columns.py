"""Columns of a run's tables as numpy arrays, batch by batch: a trace may have ten million rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

Column = NDArray[Any]


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
    parts = [{name: _numbers(column) for name, column in batch.items()} for batch in _columns(run, REQUESTS)]
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
    for batch in _columns(run, KERNELS):
        device, process = _numbers(batch["device"]), _numbers(batch["process_id"])
        for number in np.unique(device[np.isfinite(device)]):
            running = process[(device == number) & np.isfinite(process)]
            processes.setdefault(int(number), set()).update(int(found) for found in np.unique(running))
        parts.append(_products(batch, device, known))
    if not parts:
        return NO_LAUNCHES
    key, start, seconds = (np.concatenate(side) for side in zip(*parts, strict=True))
    return Launches({number: frozenset(ids) for number, ids in processes.items()}, key, start, seconds)


def _products(
    batch: Mapping[str, Any], device: FloatArray, known: dict[str, int]
) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
    kinds, kind_of = _coded(batch["kind"])
    names, name_of = _coded(batch["name"])
    codes = np.array([known.setdefault(name, len(known)) for name in names] or [0], dtype=np.int64)
    key = codes[name_of]
    for side in (*(_numbers(batch[f"grid_{axis}"]) for axis in "xyz"), device):
        key = key * 1_000_003 + np.nan_to_num(side).astype(np.int64)
    start, end = _numbers(batch["start_ns"]), _numbers(batch["end_ns"])
    chosen = np.array([name == SAME_SHAPE for name in kinds] or [False])[kind_of] & (end > start)
    return key[chosen], start[chosen] / GIGA, (end - start)[chosen] / GIGA


def _columns(run: Run, table: str) -> Iterator[dict[str, Any]]:
    if table not in run.tables:
        return
    names = set(run.tables[table].schema.names)
    for batch in run.tables[table]:
        yield {name: batch.column(name) if name in names else np.full(batch.num_rows, np.nan) for name in NEEDED[table]}


def _numbers(column: Any) -> FloatArray:
    values = column if isinstance(column, np.ndarray) else column.to_numpy(zero_copy_only=False)
    found: FloatArray = values.astype(float)
    return found


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
