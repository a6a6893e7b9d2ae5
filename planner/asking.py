"""The buyer's question as cells: column -> text. The terminal's options, a page's link and a sheet's inputs are these,
so that all three ask the same question and get the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.catalogue import find_gpu
from planner.catalogue_models import find_model
from planner.cells import names, read, truth, whole
from planner.correction import Correction
from planner.demand import COUNTS, NODE, Demand, demand
from planner.engine import LATEST
from planner.entries import Price, Quote
from planner.errors import ScenarioError
from planner.model import Model
from planner.money import PLANS, Terms
from planner.presets import profiles
from planner.quantities import (
    GIGA,
    GRAM,
    HOUR,
    KILO,
    KILOWATT_HOUR,
    MILLION,
    MILLISECOND,
    MONTH,
    Source,
)
from planner.recorded import Recorded
from planner.slo import METRICS, QUANTILES, Promise, Slo, slo
from planner.speculation import Speculation
from planner.techniques import POOL_LINK, Adapters, Techniques
from planner.traffic import Traffic, busiest_rate, hourly_profile

PROMISES = {
    (metric, quantile): f"slo_{metric}_p{100 * quantile:.0f}_ms" for metric in METRICS for quantile in QUANTILES
}
TRAFFIC = (
    "request_rate", "prompt_tokens", "output_tokens", "spread", "prefix_share", "profile", "growth", "years_ahead",
)  # fmt: skip
RESERVE = ("spare_replicas", "headroom")
SEARCH = ("gpus", "gpus_per_replica", "quantizations", "kv_cache", "gpus_per_node", "engine_version", "seed")
MONEY = (
    "pay", "years_written_off", "utilisation", "power_usd_per_kwh", "pue", "hosting_usd_per_kw_month",
    "co2_g_per_kwh", "prices_usd", "api_usd_per_million_prompt_tokens", "api_usd_per_million_output_tokens",
)  # fmt: skip
TECHNIQUES = (
    "drafted_tokens", "acceptance", "drafter", "pools", "pool_link_gb_s", "adapters", "adapter_rank",
)  # fmt: skip
INPUTS = ("model", *TRAFFIC, *PROMISES.values(), *RESERVE, *SEARCH, *MONEY, *TECHNIQUES)
DEFAULTS: Mapping[str, str] = {
    "request_rate": "20", "prompt_tokens": "427", "output_tokens": "145", "spread": "1", "prefix_share": "0",
    "profile": "steady", "growth": "0", "years_ahead": "0", "spare_replicas": "0", "headroom": "0.2",
    "gpus_per_replica": ",".join(map(str, COUNTS)), "quantizations": "auto,fp8", "kv_cache": "auto",
    "gpus_per_node": str(NODE), "pay": PLANS[0], "years_written_off": "4", "acceptance": "0.7", "adapter_rank": "16",
    "seed": "0", "pool_link_gb_s": f"{POOL_LINK / GIGA:g}",
}  # fmt: skip
"""What an empty cell means; prices and other columns without a default are left to data/prices.yaml, or are off."""
PRICE_KINDS: Mapping[str, float] = {"on_demand": 1 / HOUR, "reserved": 1 / HOUR, "purchase": 1.0}


def asked_for(
    cells: Mapping[str, str],
    model: Model | None = None,
    recording: Recorded | None = None,
    correction: Correction | None = None,
    drafter: Model | None = None,
) -> Demand:
    """The demand that cells ask for.

    cells : INPUTS -> text, in the unit of each key; missing or empty means the default
    model, drafter : stand in for those that the cells name
    recording : real requests, whose lengths stand in for those of the cells; its times for rate and profile too, if
        the cells leave them open [tokens], [s]
    correction : of a calibration
    raises : PlannerError naming the column
    """
    if model is None and not cells.get("model"):
        raise ScenarioError("Column model must be filled in: name a model of the catalogue.")
    told = {name: text for name, text in cells.items() if text}
    full = {**DEFAULTS, **told}
    found = Demand(
        model=model or find_model(full["model"]),
        traffic=_traffic(full, told, recording),
        slo=_slo(full),
        terms=_terms(full),
        gpus=tuple(find_gpu(name).id for name in _words(full, "gpus")),
        counts=_counts(full),
        schemes=tuple(name.lower() for name in _words(full, "quantizations")),
        kv_cache=full["kv_cache"].lower(),
        techniques=_techniques(full, drafter),
        node=read(full, "gpus_per_node", whole, NODE),
        version=full.get("engine_version") or LATEST,
        seed=read(full, "seed", whole, 0),
        correction=correction,
    )
    return demand(found)


def cells_of(preset: Traffic, profile: str) -> dict[str, str]:
    """Traffic as cells.

    preset : without recorded lengths [1/s], [tokens]
    profile : name of its daily profile
    """
    return {
        "request_rate": f"{preset.rate:g}",
        "prompt_tokens": f"{preset.prompt_tokens:g}",
        "output_tokens": f"{preset.output_tokens:g}",
        "spread": f"{preset.spread:g}",
        "prefix_share": f"{preset.prefix_share:g}",
        "profile": profile,
    }


def _counts(full: Mapping[str, str]) -> tuple[int, ...]:
    column = "gpus_per_replica"
    return tuple(read({column: text}, column, whole, 1) for text in _words(full, column))


def _words(full: Mapping[str, str], column: str) -> tuple[str, ...]:
    nothing: tuple[str, ...] = ()
    return read(full, column, names, nothing)


def _traffic(full: Mapping[str, str], told: Mapping[str, str], recording: Recorded | None) -> Traffic:
    rate = read(full, "request_rate", float, 1.0)
    shape = _profile(full["profile"])
    if recording is not None and recording.arrivals is not None:
        rate = rate if "request_rate" in told else busiest_rate(recording)
        shape = shape if "profile" in told else hourly_profile(recording)
    return Traffic(
        rate=rate,
        prompt_tokens=read(full, "prompt_tokens", float, 1.0),
        output_tokens=read(full, "output_tokens", float, 1.0),
        spread=read(full, "spread", float, 0.0),
        recorded=recording,
        profile=shape,
        prefix_share=read(full, "prefix_share", float, 0.0),
        growth=read(full, "growth", float, 0.0),
        years=read(full, "years_ahead", float, 0.0),
    )


def _profile(text: str) -> tuple[float, ...]:
    if text in profiles():
        return profiles()[text]
    try:
        return tuple(float(share) for share in text.split(","))
    except ValueError:
        raise ScenarioError(
            f'profile is "{text[:40]}": name one of {", ".join(profiles())}, or give the shares of up to 24 hours '
            "between commas."
        ) from None


def _slo(full: Mapping[str, str]) -> Slo:
    limits = {key: read(full, column, float, None) for key, column in PROMISES.items()}
    promises = (Promise(*key, limit * MILLISECOND) for key, limit in limits.items() if limit is not None)
    return slo(promises, read(full, "spare_replicas", whole, 0), read(full, "headroom", float, 0.0))


def _terms(full: Mapping[str, str]) -> Terms:
    def given(name: str, unit: float) -> float | None:
        value = read(full, name, float, None)
        return None if value is None else value * unit

    return Terms(
        plan=full["pay"],
        prices=typed_prices(full.get("prices_usd", "")),
        years=read(full, "years_written_off", float, 4.0),
        utilisation=given("utilisation", 1.0),
        power_price=given("power_usd_per_kwh", 1 / KILOWATT_HOUR),
        pue=given("pue", 1.0),
        hosting=given("hosting_usd_per_kw_month", 1 / (KILO * MONTH)),
        co2=given("co2_g_per_kwh", GRAM / KILOWATT_HOUR),
        api_prompt=given("api_usd_per_million_prompt_tokens", 1 / MILLION),
        api_output=given("api_usd_per_million_output_tokens", 1 / MILLION),
    )


def typed_prices(text: str) -> dict[str, Price]:
    """Prices as a person types them: "h100-sxm on_demand 2.5, b200 purchase 40000".

    text : GPU, kind and price of each, between commas; rent in USD an hour [USD/h], purchase [USD]
    returns : by GPU's id [USD/s], [USD]
    raises : ScenarioError
    """
    found: dict[str, dict[str, Quote]] = {}
    for part in names(text):
        words = part.split()
        try:
            kind, value = words[-2], float(words[-1])
            unit = PRICE_KINDS[kind]
        except (ValueError, KeyError, IndexError):
            raise ScenarioError(
                f'A price is "{part[:40]}": write a GPU, one of {", ".join(PRICE_KINDS)}, and USD, such as '
                '"h100-sxm on_demand 2.5".'
            ) from None
        gpu = find_gpu(" ".join(words[:-2])).id
        if not 0 <= value < float("inf"):
            raise ScenarioError(f'A price is "{part[:40]}": it must be 0 or more.')
        found.setdefault(gpu, {})[kind] = Quote(value * unit, Source("typed in"), "")
    return {gpu: Price(**kinds) for gpu, kinds in found.items()}


def _techniques(full: Mapping[str, str], drafter: Model | None) -> Techniques:
    drafted, count = read(full, "drafted_tokens", whole, 0), read(full, "adapters", whole, 0)
    if drafter is None and full.get("drafter"):
        drafter = find_model(full["drafter"])
    return Techniques(
        speculation=Speculation(drafted, read(full, "acceptance", float, 0.7), drafter) if drafted else None,
        adapters=Adapters(count, read(full, "adapter_rank", whole, 16)) if count else None,
        pools=read(full, "pools", truth, False),
        pool_link=read(full, "pool_link_gb_s", float, 0.0) * GIGA,
    )
