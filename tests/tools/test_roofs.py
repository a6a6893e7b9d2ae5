"""No prediction of the whole accuracy table is above a physical roof: bytes at full bandwidth, FLOPs at the peak."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from planner.forward import forward
from planner.intervals import fastest_step
from planner.predict import question
from planner.quantities import MILLISECOND
from planner.scenario import Scenario
from planner.step import prefill_step
from tools.accuracy import cases, other_cases, told

TABLES = Path(__file__).parents[3] / "shared" / "measurements"
shared = pytest.mark.skipif(not (TABLES / "vllm_serving.csv").is_file(), reason="shared/measurements is not here")
ROUNDED = 1 + 1e-4
"""Of the columns, which are written with four digits."""


@lru_cache(maxsize=1)
def answered():
    """Every question of the accuracy table with its answer, once."""
    found = [case.cells for case in told([*cases(TABLES), *other_cases(TABLES)]) if case.cells]
    return {tuple(cells.items()): cells for cells in found}.values()


def arithmetic(asked: Scenario) -> float:
    """Time of one prompt's FLOPs at the peaks of their formats [s]."""
    gpu, load = asked.deployment.gpu, asked.workload
    computed = max(1.0, load.prompt_tokens - load.prefix_cached_tokens)
    ops = forward(asked, prefill_step(1.0, computed, load.prompt_tokens - computed))
    return sum(float(op.count * op.flops) / gpu.peaks.get(op.format, max(gpu.peaks.values())) for op in ops)


@shared
def test_no_row_is_above_a_roof():
    above = []
    for cells in answered():
        asked = question({name: str(value) for name, value in cells.items()})
        least = fastest_step(asked)
        batch = min(asked.workload.concurrency, asked.engine.max_num_seqs or asked.workload.concurrency)
        tpot = float(cells["tpot_ms"] or "inf") * MILLISECOND
        first = float(cells["ttft_ms"]) * MILLISECOND
        shortest = min(1.0, 2 / (1 + asked.workload.length_ratio))
        if (
            tpot * ROUNDED < least
            or first * ROUNDED < max(least, shortest * arithmetic(asked))
            or float(cells["output_tokens_per_s"]) > ROUNDED * batch / least
        ):
            above.append(cells)
    assert len(answered()) > 3900
    assert not above
