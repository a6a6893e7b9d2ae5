"""The long table end_to_end.csv -> cases: each row's question answered, and held against what was measured.

What cannot be predicted from is refused with a reason. A measurement above the roof of its own question (a guessed
batch, prompts all alike, a fault) is scored apart: no model that obeys the data sheet can meet it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from planner.errors import PlannerError
from planner.estimate import phases
from planner.memory import memory
from planner.predict import predict, question
from planner.quantities import MILLISECOND
from tools.accuracy_cases import Case, answered, rows
from tools.end_to_end_asked import Asked
from tools.end_to_end_names import Refused
from tools.end_to_end_sources import READERS

ABOVE = "above the roof: "


def end_to_end_cases(folder: Path) -> Iterator[Case]:
    """Every row of the table as a case; a refused one keeps its reason.

    Above the roof: faster than the decode's FLOPs at the peak and its bytes at the full bandwidth allow.
    """
    for row in rows(folder / "end_to_end.csv"):
        try:
            asked = READERS[row["dataset"]](row)
        except (Refused, PlannerError) as refusal:
            reason = str(refusal) if isinstance(refusal, Refused) else type(refusal).__name__
            yield Case(row["dataset"], row["gpu"], row["model"], "", math.nan, None, reason, {}, row["engine"])
            continue
        (answer,) = predict([asked.cells])
        doubt = ABOVE if answer["fits"] and measured_tpot(asked) < _floor(tuple(asked.cells.items())) else ""
        yield answered(f"{doubt}{asked.table}", answer, asked.measured, answer[asked.output], row["engine"])


def measured_tpot(asked: Asked) -> float:
    """The measured time of one decode step, or no less than it [ms]; infinite where a prompt was measured."""
    batch, output = float(asked.cells["concurrency"]), float(asked.cells["output_tokens"])
    if output <= 1 or asked.output == "ttft_ms":
        return math.inf
    if asked.output == "output_tokens_per_s":
        return batch / asked.measured / MILLISECOND
    return asked.measured * (output / (output - 1) if asked.output == "latency_per_output_token_ms" else 1.0)


@lru_cache(maxsize=8192)
def _floor(cells: tuple[tuple[str, str], ...]) -> float:
    scenario = question(dict(cells))
    decode = phases(scenario, memory(scenario))[1]
    compute = float(decode.time.flops) / max(decode.peak, scenario.deployment.gpu.peak(scenario.quantization.base))
    return max(compute, float(decode.time.moved) / decode.bandwidth) / MILLISECOND
