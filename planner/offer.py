"""An option as people read it: one sentence, and one row of a table with the unit in each column's name."""

from __future__ import annotations

import math
from typing import Any

from planner.odds import Between
from planner.option import Option, Refusal
from planner.quantities import KILO, KILOWATT_HOUR, MILLISECOND, YEAR
from planner.slo import NAMES, Promise
from planner.words import duration, percent

TONNE = KILO
USUAL = (("ttft", 0.95), ("tpot", 0.95))
"""Told where nothing is promised."""
SUREST = 0.97
"""Beyond it lie a few of the study's residuals: no probability is told more finely [1]."""


def sentence(of: Option, promises: tuple[Promise, ...]) -> str:
    """The answer: how many of which GPU, what it costs, what the promises come to, how sure that is.

    of : the option
    promises : of the demand; without any, TTFT and TPOT at p95 are told [s]
    """
    told = {promise.key: f" (promised {duration(promise.limit)})" for promise in promises} or dict.fromkeys(USUAL, "")
    figures = [
        f"p{100 * key[1]:.0f} {NAMES[key[0]]} {between(of.figures[key])}{limit}"
        for key, limit in told.items()
        if key in of.figures
    ]
    month = of.per_month
    paid = f"{month.value:,.0f} USD a month" if month is not None else f"no price known ({', '.join(of.bill.missing)})"
    sure = f", keep the promises with a chance of {chance_text(of.chance)}" if promises else ""
    return f"{deployment(of)}, {paid}{sure}: {', '.join(figures)}. Basis: {of.basis.label}."


def deployment(of: Option) -> str:
    """How many of which GPU, and in how many replicas if that differs: "8 H100 SXM5 80GB in 4 replicas of 2"."""
    size, gpu = of.candidate.tensor_parallel, of.scenario.deployment.gpu
    if size == 1 and of.pooled is None:
        return f"{of.gpus} {gpu.label}"
    if of.pooled is not None:
        parts = f"{of.pooled[0]} replicas for prompts and {of.pooled[1]} for tokens, of {size}"
    else:
        parts = f"{of.replicas} replica{'s' if of.replicas > 1 else ''} of {size}"
    return f"{of.gpus} {gpu.label} in {parts}"


def between(found: Between) -> str:
    """A time's 90 % interval: "0.61-0.93 s"; open upwards where the slow end cannot carry the load.

    found : [s]

    >>> between(Between(0.7, 0.61, 0.93)), between(Between(0.02, 0.018, math.inf))
    ('610–930 ms', '18 ms or more')
    """
    if math.isinf(found.high):
        return f"{duration(found.low)} or more"
    (low, unit), (high, same) = duration(found.low).split(" "), duration(found.high).split(" ")
    return f"{low}–{high} {same}" if unit == same else f"{low} {unit}–{high} {same}"


def chance_text(chance: float) -> str:
    """A probability, no surer than the residuals that it comes from.

    chance : [1]

    >>> chance_text(0.874), chance_text(1.0)
    ('87.4 %', '> 97 %')
    """
    if chance > SUREST:
        return f"> {percent(SUREST)}"
    return f"< {percent(1 - SUREST)}" if chance < 1 - SUREST else percent(chance)


def setup(of: Option) -> str:
    """What a replica runs besides its GPUs: formats, and what is not vLLM's default."""
    built, formats = of.candidate, of.scenario.quantization
    said = [formats.scheme]
    if formats.kv_cache != formats.base:
        said.append(f"{formats.kv_cache} KV cache")
    if built.expert_parallel > 1:
        said.append(f"expert parallel {built.expert_parallel}")
    if built.budget is not None:
        said.append(f"token budget {built.budget:,.0f}")
    if built.sequences is not None:
        said.append(f"batch limit {built.sequences:,.0f}")
    if built.speculating:
        said.append("speculative")
    if built.pools:
        said.append("two pools")
    return ", ".join(said)


def row(of: Option) -> dict[str, Any]:
    """An option as columns; empty: not known.

    of : the option
    returns : every key with its unit
    """
    built, gpu, month = of.candidate, of.scenario.deployment.gpu, of.per_month
    return {
        "gpu": gpu.id,
        "gpus": of.gpus,
        "replicas": of.replicas,
        "tensor_parallel": built.tensor_parallel,
        "expert_parallel": built.expert_parallel,
        "quantization": of.scenario.quantization.scheme,
        "max_num_batched_tokens": of.scenario.engine.max_num_batched_tokens,
        "max_num_seqs": of.scenario.engine.max_num_seqs,
        "speculative": built.speculating,
        "prefill_replicas": of.pooled[0] if of.pooled else "",
        "nodes": of.nodes,
        "usd_per_month": _cents(month.value if month else None),
        "usd_per_month_low": _cents(month.low if month else None),
        "usd_per_month_high": _cents(month.high if month else None),
        "usd_per_year": _cents(of.bill.per_year),
        "usd_upfront": _cents(of.bill.upfront or None),
        "usd_per_million_prompt_tokens": _small(of.prompt_price),
        "usd_per_million_output_tokens": _small(of.output_price),
        "missing_prices": ", ".join(of.bill.missing),
        **_latencies(of),
        "chance_that_promises_hold": round(of.chance, 4),
        "requests_per_s_per_replica": _small(of.rate),
        "capacity_requests_per_s_per_replica": _small(of.capacity.value),
        "capacity_low": _small(of.capacity.low),
        "capacity_high": _small(of.capacity.high),
        "output_tokens_per_s": _small(of.output_tokens_per_second),
        "power_kw": _small(of.bill.power / KILO),
        "energy_kwh_per_year": _small(of.bill.power * YEAR / KILOWATT_HOUR),
        "co2_t_per_year": _small(of.bill.co2 * YEAR / TONNE),
        "binds": of.binds,
        "basis": of.basis.label,
        "price_source": "; ".join(of.bill.sources),
        "caveats": " ".join(of.caveats),
    }


def refusal_row(of: Refusal) -> dict[str, Any]:
    """Why a candidate is no option, as columns."""
    return {
        "gpu": of.candidate.gpu,
        "tensor_parallel": of.candidate.tensor_parallel,
        "quantization": of.candidate.scheme,
        "reason": of.reason,
    }


def _latencies(of: Option) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for (metric, quantile), figure in of.figures.items():
        name = f"{metric}_p{100 * quantile:.0f}_ms"
        found |= {name: _ms(figure.value), f"{name}_low": _ms(figure.low), f"{name}_high": _ms(figure.high)}
    return found


def _ms(seconds: float) -> float | str:
    return "" if math.isinf(seconds) else round(seconds / MILLISECOND, 3)


def _cents(amount: float | None) -> float | str:
    return "" if amount is None or math.isinf(amount) else round(amount, 2)


def _small(value: float | None) -> float | str:
    return "" if value is None or math.isinf(value) else float(f"{value:.6g}")
