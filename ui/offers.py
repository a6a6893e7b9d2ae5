"""Options on the page: the sentence, the figures of the best one, the ranked table, and what is no option."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import pandas as pd
import streamlit as st

from planner.demand import Demand
from planner.engine import LATEST
from planner.offer import USUAL, between, chance_text, sentence, setup
from planner.offer_reasons import offer_reasons
from planner.option import Option, Refusal
from planner.quantities import KILO, KILOWATT_HOUR, MILLISECOND, YEAR
from planner.slo import NAMES, Key
from planner.words import digits, dollars
from ui import link
from ui.basis import BASIS_HELP, TILE_WIDTH
from ui.question import PARAMETERS, gpu_label
from ui.why import why
from words.text import plain


def told_keys(asked: Demand) -> tuple[Key, ...]:
    """Figures that the page shows: those promised, else TTFT and TPOT at p95."""
    return tuple(promise.key for promise in asked.slo.promises) or USUAL


def headline(best: Option, asked: Demand) -> str:
    """The answer in one sentence, in Markdown."""
    return f"#### {plain(sentence(best, asked.slo.promises))}"


def tiles(best: Option, asked: Demand) -> None:
    """The few figures of the best option that everyone asks for."""
    row, known = st.container(horizontal=True), cache(partial(offer_reasons, best, asked))
    for key, label, value, under, text in _tiles(best, asked):
        tile = row.container(width=TILE_WIDTH, gap="xxsmall")
        tile.metric(
            label, value, delta=under or None, delta_color="off", delta_arrow="off", help=plain(text), border=True
        )
        if key:
            with tile:
                why(key, known)
    st.caption(
        f"Basis: **{best.basis.label}**, {BASIS_HELP[best.basis]}. What keeps a replica from carrying more: "
        f"**{plain(best.binds)}**. {best.needed.value:.0f} of {best.replicas} replicas are needed in the busiest hour."
    )
    for caveat in best.caveats:
        st.caption(f"⚠ {plain(caveat)}")


def _tiles(best: Option, asked: Demand) -> list[tuple[str, str, str, str, str]]:
    """Key of its reason, label, figure, what stands under it, and help."""
    month, bill = best.per_month, best.bill
    missing = f"missing: {', '.join(bill.missing)}" if bill.missing else ""
    paid, sources = dollars(month.value) if month else "no price", missing or "; ".join(bill.sources)
    latencies = [
        ("", f"p{100 * key[1]:.0f} {NAMES[key[0]]}", _time(figure.value), between(figure), LATENCY_HELP)
        for key in told_keys(asked)
        if (figure := best.figures.get(key)) is not None
    ]
    return [
        ("month" if month else "", "USD a month", paid, _range(month), sources),
        *latencies,
        ("replicas", "Replicas", f"{best.replicas}", f"{best.needed.value:.0f} needed", REPLICAS_HELP),
        ("", "Promises hold", chance_text(best.chance), "chance", CHANCE_HELP),
        (
            "output" if month else "",
            "Per 1M output",
            _price(best.output_price),
            f"prompt {_price(best.prompt_price)}",
            TOKEN_HELP,
        ),
        ("energy", "MWh a year", _megawatt_hours(best), f"{digits(bill.co2 * YEAR / KILO)} t CO2", ENERGY_HELP),
    ]


LATENCY_HELP = "In the busiest hour, spares lost. Between the two ends lie 90 % of measurements."
REPLICAS_HELP = "Copies of the whole deployment, spares included."
CHANCE_HELP = (
    "From the residuals of the accuracy study, laid over this option's latencies: slow steps make queues too. More "
    "headroom makes it surer."
)
TOKEN_HELP = "The bill, divided over prompt and output tokens by the GPUs' time, at the mean of a day."  # noqa: S105
ENERGY_HELP = "GPUs with their share of the servers and of the site, at the mean load of a day."


def table(options: Sequence[Option], asked: Demand, cells: dict[str, str]) -> None:
    """Every option as a row, cheapest first, each with its link into Plan."""
    keys = told_keys(asked)
    frame = pd.DataFrame([_row(one, keys, cells) for one in options])
    number = st.column_config.NumberColumn
    st.dataframe(
        frame.dropna(axis="columns", how="all"),
        hide_index=True,
        placeholder="–",
        column_config={
            "GPU": st.column_config.TextColumn(pinned=True),
            "GPUs": number(pinned=True, width="small"),
            "USD a month": number(format="localized", help="Empty: a price is missing, not free"),
            "Promises hold": st.column_config.TextColumn(help=CHANCE_HELP),
            "USD per 1M output": number(format="%.3f", help=TOKEN_HELP),
            "USD per 1M prompt": number(format="%.3f", help=TOKEN_HELP),
            "Tokens/s": number(format="localized", help="Output tokens that it can generate while the promises hold"),
            "Requests/s a replica": number(format="%.3g", help="Highest that keeps the promises"),
            "What binds": st.column_config.TextColumn(width="medium"),
            "Plan": st.column_config.LinkColumn(display_text="open", help="The whole question in Plan"),
        },
    )


def refused(refusals: Sequence[Refusal]) -> None:
    """What is no option, and why."""
    if not refusals:
        return
    with st.expander(f"Why not another? {len(refusals)} that are no option"):
        rows = [
            {
                "GPU": gpu_label(one.candidate.gpu),
                "GPUs a replica": one.candidate.tensor_parallel,
                "Quantization": one.candidate.scheme,
                "Why": one.reason,
            }
            for one in refusals
        ]
        st.dataframe(
            pd.DataFrame(rows), hide_index=True, column_config={"Why": st.column_config.TextColumn(width="large")}
        )


def plan_address(of: Option, model_name: str) -> str:
    """The address of Plan with an option's whole question: one replica at its load in the busiest hour.

    model_name : as the controls name it
    """
    scenario, built = of.scenario, of.candidate
    load, engine, formats = scenario.workload, scenario.engine, scenario.quantization
    return link.address(
        "plan",
        PARAMETERS,
        {
            "gpu": built.gpu,
            "gpus": built.tensor_parallel,
            "experts": built.expert_parallel,
            "model": model_name,
            "quantization": built.scheme if built.scheme == "auto" else formats.scheme,
            "kv": formats.kv_cache if formats.kv_cache != formats.base else "auto",
            "concurrency": max(1, round(load.concurrency)),
            "prompt": max(1, round(load.prompt_tokens)),
            "output": max(1, round(load.output_tokens)),
            "cached": round(load.prefix_cached_tokens),
            "rate": load.request_rate,
            "version": "" if engine.version == LATEST else engine.version,
            "seqs": built.sequences and int(built.sequences),
            "budget": built.budget and int(built.budget),
        },
    )


def _row(one: Option, keys: Sequence[Key], cells: dict[str, str]) -> dict[str, Any]:
    month = one.per_month
    latencies = {}
    for key in keys:
        label = f"p{100 * key[1]:.0f} {NAMES[key[0]]}"
        latencies[label] = between(one.figures[key]) if key in one.figures else "–"
    return {
        "GPUs": one.gpus,
        "GPU": one.scenario.deployment.gpu.label,
        "Replicas": _replicas(one),
        "Runs": setup(one),
        "USD a month": round(month.value) if month else None,
        "90 % interval": _range(month) or "no price",
        **latencies,
        "Promises hold": chance_text(one.chance),
        "Plan": plan_address(one, cells["model"]),
        "What binds": one.binds,
        "USD per 1M output": one.output_price,
        "USD per 1M prompt": one.prompt_price,
        "Tokens/s": round(one.output_tokens_per_second),
        "Requests/s a replica": one.capacity.value,
        "Nodes": one.nodes,
        "Basis": one.basis.label,
    }


def _replicas(one: Option) -> str:
    size = one.candidate.tensor_parallel
    return f"{one.pooled[0]} + {one.pooled[1]} of {size}" if one.pooled else f"{one.replicas} of {size}"


def _range(month: Any) -> str:
    if month is None:
        return ""
    if month.low == month.high:
        return "no spread"
    return f"{dollars(month.low)} or more" if math.isinf(month.high) else f"{dollars(month.low)}–{dollars(month.high)}"


def _time(seconds: float) -> str:
    return f"{digits(seconds / MILLISECOND)} ms" if seconds < 1 else f"{digits(seconds)} s"


def _price(usd: float | None) -> str:
    return "no price" if usd is None else dollars(usd)


def _megawatt_hours(best: Option) -> str:
    return digits(best.bill.power * YEAR / KILOWATT_HOUR / KILO)
