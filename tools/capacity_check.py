"""The buyer's answers against measurements: the highest load that keeps a TPOT promise, and which system is faster.

A configuration that was measured at several concurrencies tells how many requests at once keep a promise: between two
measured neighbours, on a straight line between logarithms. The planner is asked for the same, at the same lengths.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np

from planner.predict import INPUTS, predict
from tools.accuracy_cases import Case

TABLE = "highest load at a TPOT promise"
ALIKE = tuple(name for name in INPUTS if name not in ("concurrency", "requests"))
REACH, POINTS = 2.0, 4
"""The planner is asked from half the lower to twice the higher concurrency, so many loads for each factor of two."""
FEWEST = 6
"""Systems below which a rank correlation says nothing [1]."""

Row = Mapping[str, str]


def capacity_cases(folder: Path) -> Iterator[Case]:
    """A case for each two neighbouring concurrencies of a configuration: promise half way between their TPOTs.

    folder : of vllm_serving.csv
    """
    with (folder / "vllm_serving.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["suspect"]]
    for alike in _configurations(rows):
        for low, high in pairwise(alike):
            if float(high["measured_tpot_ms"]) > float(low["measured_tpot_ms"]):
                yield _case(low, high)


def _configurations(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows that differ in concurrency alone, ascending."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((*(row.get(name) or "" for name in ALIKE), row["source"]), []).append(row)
    for alike in groups.values():
        if len(alike) > 1:
            yield sorted(alike, key=lambda row: float(row["concurrency"]))


def _case(low: Row, high: Row) -> Case:
    loads = [float(row["concurrency"]) for row in (low, high)]
    times = [float(row["measured_tpot_ms"]) for row in (low, high)]
    promise = math.sqrt(times[0] * times[1])
    measured = _load(promise, loads, times)
    conditions = f"{loads[0]:g}-{loads[1]:g} at once, {low['input_tokens']}/{low['output_tokens']}, {promise:.3g} ms"
    return Case(TABLE, low["gpu"], low["model"], conditions, measured, _predicted(low, loads, promise))


def _predicted(row: Row, loads: list[float], promise: float) -> float | None:
    """Requests at once at which the planner's mean TPOT is the promise."""
    steps = math.ceil(POINTS * math.log2(REACH**2 * loads[1] / loads[0]))
    asked = np.unique(np.round(np.geomspace(max(1.0, loads[0] / REACH), REACH * loads[1], steps)))
    per_load = float(row["requests"] or 0) / float(row["concurrency"])
    cells = [
        dict(row) | {"concurrency": f"{at:g}", "requests": f"{at * per_load:.0f}" if per_load else ""} for at in asked
    ]
    times = [float(answer["tpot_ms"]) for answer in predict(cells) if answer["tpot_ms"] != ""]
    return _load(promise, asked.tolist(), times) if len(times) == len(asked) else None


def _load(promise: float, loads: list[float], times: list[float]) -> float:
    """The load at which a rising time reaches a promise, between logarithms; the nearest end beyond them."""
    rising = np.maximum.accumulate(times)
    return float(np.exp(np.interp(math.log(promise), np.log(rising), np.log(loads))))


def ranks_agree(found: Iterable[Case], table: str) -> Iterator[str]:
    """Rank correlation (Spearman) of measured and predicted throughput of a GPU: which system is faster.

    A system is a model on a GPU, the median of its submissions.

    found : cases of one table among others, each of one replica
    table : its name
    """
    systems = {key: (median(one), median(other)) for key, (one, other) in _per_gpu(found, table).items()}
    models = {"all models": list(systems.values())} | {
        model: [pair for (own, _), pair in systems.items() if own == model] for model, _ in systems
    }
    for name, pairs in models.items():
        if len(pairs) >= FEWEST:
            agreed = rank_correlation(*(list(side) for side in zip(*pairs, strict=True)))
            yield f"  {name:60} {len(pairs):5} systems, rank correlation {agreed:.2f}"


def _per_gpu(found: Iterable[Case], table: str) -> dict[tuple[str, str], tuple[list[float], list[float]]]:
    systems: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for case in found:
        if case.table == table and case.predicted is not None:
            gpus = float(case.cells.get("tensor_parallel") or 1)
            measured, predicted = systems.setdefault((case.model, case.gpu), ([], []))
            measured.append(case.measured / gpus)
            predicted.append(case.predicted / gpus)
    return systems


def rank_correlation(one: list[float], other: list[float]) -> float:
    """Spearman's: the correlation of ranks, ties sharing theirs."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: list[float]) -> np.ndarray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]
