"""Was the GPU the same all along, and was it alone?

| check | sign |
| --- | --- |
| clock_drift | matrix products of one name and grid take longer, or less long, from some time on |
| shared_gpu | kernels of several processes on one device |
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from planner.checks.columns import Launches
from planner.checks.evidence import Evidence, Finding
from planner.measured import Severity
from planner.quantities import FloatArray
from planner.words import digits, duration

DRIFT, SHARED = "clock_drift", "shared_gpu"
REPEATED, SLICES, DRIFTS = 20, 20, 1.1
"""Launches of a product from which it counts; parts of the trace; ratio of their levels that is no scatter."""


def clock_drift(evidence: Evidence) -> Iterator[Finding]:
    """The same kernels at another speed from some time on.

        level = median over a twentieth of the trace of time / median time of the same name and grid
        ratio of the levels after and before the best split > 1.1, or < 1 / 1.1

    evidence : a trace with its table of kernels [ns]
    returns : measured and limit: levels after and before [1]
    valid : matrix products alone, launched 20 times or more: the work of other kernels changes with the context
    source : time of a kernel of one shape is proportional to 1 / clock
    """
    levels, starts = _levels(evidence.launches)
    if len(levels) < SLICES:
        return
    places = range(2, SLICES - 1)
    ratios = [float(np.median(levels[place:]) / np.median(levels[:place])) for place in places]
    best = max(range(len(ratios)), key=lambda place: abs(np.log(ratios[place])))
    ratio, place = ratios[best], places[best]
    if max(ratio, 1 / ratio) > DRIFTS:
        yield _drift(
            float(np.median(levels[place:])), float(np.median(levels[:place])), float(starts[place] - starts[0])
        )


def shared_gpu(evidence: Evidence) -> Iterator[Finding]:
    """Several processes on one device.

    evidence : a trace with its table of kernels
    returns : measured: processes; limit: one [1]
    valid : processes that were profiled; others do not show in a trace
    """
    for device, processes in sorted(evidence.launches.processes.items()):
        if len(processes) > 1:
            yield Finding(
                SHARED, Severity.WARNING, f"GPU {device}",
                f"Kernels of {len(processes)} processes ran on GPU {device}.", float(len(processes)), 1.0, "processes",
                "another process used the GPU: it takes time, memory and bandwidth from the measured one",
                "Look at nvidia-smi during the run, and repeat it alone on the GPU (CUDA_VISIBLE_DEVICES).",
            )  # fmt: skip


def _levels(found: Launches) -> tuple[FloatArray, FloatArray]:
    """Level of each twentieth of the products, and when it starts [1], [s]."""
    _, places, counts = np.unique(found.key, return_inverse=True, return_counts=True)
    often = counts[places] >= REPEATED
    if often.sum() < REPEATED * SLICES / 2:
        return np.zeros(0), np.zeros(0)
    order = np.lexsort((found.seconds[often], places[often]))
    sorted_places, times = places[often][order], found.seconds[often][order]
    heads = np.flatnonzero(np.diff(sorted_places, prepend=-1))
    sizes = np.diff(np.append(heads, len(times)))
    usual = np.repeat(times[heads + sizes // 2], sizes)
    starts = found.start[often][order]
    by_time = np.argsort(starts, kind="stable")
    parts = np.array_split((times / usual)[by_time], SLICES)
    return np.array([np.median(part) for part in parts]), np.array(
        [part[0] for part in np.array_split(starts[by_time], SLICES)]
    )


def _drift(after: float, before: float, when: float) -> Finding:
    slower = after > before
    return Finding(
        DRIFT, Severity.WARNING, "Matrix products of one shape",
        f"From {duration(when)} on, the same matrix products take {digits(after / before)} times as long as before.",
        after, before, "times the usual",
        "the GPU's clock fell: thermal or power throttling" if slower else
        "the GPU's clock rose: it was idle or still warming up when the trace began",
        "Record clocks.sm, clocks_throttle_reasons.active, temperature and power with nvidia-smi during the run; lock "
        "the clock (nvidia-smi -lgc) and repeat it.",
    )  # fmt: skip
