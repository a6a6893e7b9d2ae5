"""A table of questions -> a table of answers, row by row. `cli.py predict` reads and writes the file.

A row is a mapping of column name to text, as CSV has it. A row that cannot be answered gets its message in `error`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from planner.catalogue import find_gpu
from planner.catalogue_models import find_model
from planner.cells import rate, read, truth, whole
from planner.correction import Correction
from planner.distribution import PERCENTILES
from planner.engine import LATEST, Engine
from planner.errors import InsufficientMemory, PlannerError, ScenarioError
from planner.estimate import Estimate, estimate
from planner.model import Model
from planner.quantities import GIB, MILLISECOND
from planner.recorded import Recorded
from planner.scenario import Scenario, Workload, replay, scenario
from planner.whose import of_own

INPUTS = (
    "gpu", "model", "tensor_parallel", "expert_parallel", "quantization", "kv_cache", "concurrency", "input_tokens",
    "output_tokens", "random_range_ratio", "requests", "request_rate", "engine", "engine_version",
    "prefix_cached_tokens", "max_num_seqs", "max_num_batched_tokens", "max_model_len", "gpu_memory_utilization",
    "enforce_eager", "mode", "async_scheduling", "prefix_caching", "burstiness",
)  # fmt: skip
DISTRIBUTIONS = ("ttft", "tpot", "itl", "e2e")
OUTPUTS = (
    "ttft_ms", "tpot_ms", "e2e_ms", "latency_per_output_token_ms", "output_tokens_per_s", "prefill_bound",
    "decode_bound", "weights_gib", "kv_cache_tokens", "fits", "basis", "error", "ttft_ms_low", "ttft_ms_high",
    "tpot_ms_low", "tpot_ms_high", "itl_ms", *(f"{name}_ms_p{rank}" for name in DISTRIBUTIONS for rank in PERCENTILES),
)  # fmt: skip
DEFAULTS = {"input_tokens": 512.0, "output_tokens": 128.0, "concurrency": 1.0}
RECORDED = (
    "input_tokens", "output_tokens", "random_range_ratio", "requests", "request_rate", "burstiness", "mode",
    "prefix_cached_tokens",
)  # fmt: skip
"""Columns whose place a recording takes."""


def predict(rows: Iterable[Mapping[str, Any]], correction: Correction | None = None) -> Iterator[dict[str, Any]]:
    """Answers each row; its own columns pass through, OUTPUTS are added.

    rows : column -> text; empty means the default
    correction : factors of a calibration
    returns : rows in the same order; times in [ms], weights in [GiB], KV cache in [tokens]
    """
    for row in rows:
        yield {
            **row,
            **_answer(
                tuple((name, ("" if row.get(name) is None else str(row[name])).strip()) for name in INPUTS), correction
            ),
        }


@of_own(4096)
def _answer(cells: tuple[tuple[str, str], ...], correction: Correction | None) -> Mapping[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(OUTPUTS, "")
    try:
        return empty | answer(estimate(replace(question(dict(cells)), correction=correction)))
    except InsufficientMemory as no:
        return empty | {"fits": "false", "error": str(no)}
    except PlannerError as error:
        return empty | {"error": str(error)}


def question(cells: Mapping[str, str], model: Model | None = None, recording: Recorded | None = None) -> Scenario:
    """The scenario that a row asks about.

    cells : INPUTS -> text; missing or empty means the default [tokens], [1/s]
    model : stands in for the one that the row names
    recording : stands in for the load that the row describes [tokens], [s]
    raises : PlannerError naming the column and what it may hold
    """
    if not cells.get("gpu") or not (model or cells.get("model")):
        raise ScenarioError("Columns gpu and model must both be filled in: name a GPU and a model of the catalogue.")
    return scenario(
        model or _model(cells["model"]),
        find_gpu(cells["gpu"]),
        workload(cells) if recording is None else _replayed(cells, recording),
        scheme=(cells.get("quantization") or "").lower() or None,
        kv_cache=(cells.get("kv_cache") or "auto").lower(),
        tensor_parallel=read(cells, "tensor_parallel", whole, 1),
        expert_parallel=read(cells, "expert_parallel", whole, 1),
        engine=engine(cells),
    )


def workload(cells: Mapping[str, str]) -> Workload:
    """The load of a row; what is empty takes DEFAULTS.

    cells : INPUTS -> text [tokens], [1/s]
    raises : ScenarioError naming the column
    """
    return Workload(
        prompt_tokens=read(cells, "input_tokens", float, DEFAULTS["input_tokens"]),
        output_tokens=read(cells, "output_tokens", float, DEFAULTS["output_tokens"]),
        concurrency=read(cells, "concurrency", float, DEFAULTS["concurrency"]),
        mode=cells.get("mode") or "serving",
        request_rate=read(cells, "request_rate", rate, None),
        requests=read(cells, "requests", whole, None),
        length_ratio=read(cells, "random_range_ratio", float, 1.0),
        prefix_cached_tokens=read(cells, "prefix_cached_tokens", float, 0.0),
        burstiness=read(cells, "burstiness", float, 1.0),
    )


def engine(cells: Mapping[str, str]) -> Engine:
    """VLLM's settings of a row; empty ones take its defaults.

    cells : INPUTS -> text
    raises : ScenarioError naming the column
    """
    return Engine(
        name=(cells.get("engine") or "vllm").lower(),
        version=cells.get("engine_version") or LATEST,
        max_num_seqs=read(cells, "max_num_seqs", float, None),
        max_num_batched_tokens=read(cells, "max_num_batched_tokens", float, None),
        max_model_len=read(cells, "max_model_len", float, None),
        gpu_memory_utilization=read(cells, "gpu_memory_utilization", float, None),
        enforce_eager=read(cells, "enforce_eager", truth, False),
        async_scheduling=read(cells, "async_scheduling", truth, None),
        prefix_caching=read(cells, "prefix_caching", truth, None),
    )


def answer(found: Estimate) -> dict[str, Any]:
    """An estimate as columns.

    found : the estimate [s], [bytes]
    returns : OUTPUTS in their units [ms], [GiB], [tokens]
    """
    tpot = found.tpot
    return {
        "ttft_ms": _ms(found.ttft.value),
        "tpot_ms": _ms(tpot.value) if tpot else "",
        "e2e_ms": _ms(found.e2e.value),
        "latency_per_output_token_ms": _ms(found.latency_per_output_token),
        "output_tokens_per_s": round(found.output_tokens_per_second, 2),
        "prefill_bound": found.prefill.bound.label,
        "decode_bound": found.decode.bound.label,
        "weights_gib": round(found.memory.weights / GIB, 3),
        "kv_cache_tokens": int(found.memory.kv_cache_tokens),
        "fits": "true",
        "basis": calibrated_on(found.scenario) or found.basis.label,
        "ttft_ms_low": _bound(found.ttft.low),
        "ttft_ms_high": _bound(found.ttft.high),
        "tpot_ms_low": _bound(tpot.low if tpot else None),
        "tpot_ms_high": _bound(tpot.high if tpot else None),
        "itl_ms": _bound(found.itl.value if found.itl else None),
        **percentiles(found),
    }


def calibrated_on(scenario: Scenario) -> str:
    """What is said in place of a basis where a calibration is in the figures; empty without one.

    scenario : the question
    """
    return f"calibrated on {scenario.correction.name}" if scenario.correction else ""


def percentiles(found: Estimate) -> dict[str, float | str]:
    """Percentiles of TTFT, TPOT and end-to-end over the requests, of ITL over all gaps.

    found : the estimate [s]
    returns : ttft_ms_p50, ... [ms]; empty where requests have one token
    """
    figures = {name: getattr(found, name) for name in DISTRIBUTIONS}
    return {
        f"{name}_ms_p{rank}": _bound(getattr(figure, f"p{rank}") if figure else None)
        for name, figure in figures.items()
        for rank in PERCENTILES
    }


def _replayed(cells: Mapping[str, str], recording: Recorded) -> Workload:
    told = [name for name in RECORDED if cells.get(name)]
    if recording.arrivals is not None:
        told += ["concurrency"] if cells.get("concurrency") else []
    if told:
        raise ScenarioError(f"A recording gives the load itself: leave out {', '.join(told)}.")
    return replay(recording, read(cells, "concurrency", float, DEFAULTS["concurrency"]))


_model = of_own(256)(find_model)


def _ms(seconds: float) -> float:
    return round(seconds / MILLISECOND, 4)


def _bound(seconds: float | None) -> float | str:
    return "" if seconds is None else _ms(seconds)
