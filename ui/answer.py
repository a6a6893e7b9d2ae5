"""Parts of an answer: figures with their basis, what they rest on, and the table of ops."""

from __future__ import annotations

from functools import cache, partial

import pandas as pd
import streamlit as st

from planner.estimate import Estimate, Figure, Phase
from planner.quantities import GIB, MICROSECOND, TERA, Basis
from planner.reasons import reasons
from planner.words import digits, dollars, duration, interval_text, percent, tera
from ui.basis import BASIS_HELP, TILE_WIDTH
from ui.glossary import meaning
from ui.why import why
from words.rows import founded_rows
from words.text import op_name, plain


def figures(found: Estimate) -> None:
    """The few numbers that everyone asks for, each with its basis."""
    basis = found.basis
    tpot = duration(found.tpot.value) if found.tpot else "one token"
    waits = f"{meaning('TTFT')} Mean over the requests; {_tail(found.ttft)}. Queue, prefill and host time."
    whole = f"{meaning('end-to-end latency')} Mean; {_tail(found.e2e)}."
    floor = meaning("bandwidth floor")
    gaps = f"{meaning('TPOT')} Mean over the requests."
    gaps += f" {meaning('ITL')} {_tail(found.itl)}." if found.itl else ""
    rate = f"{digits(found.throughput_low)}–{digits(found.throughput_high)}"
    tiles = [
        ("ttft", "First token", duration(found.ttft.value), basis, waits, _sure(found.ttft)),
        ("tpot", "Per token", tpot, basis, gaps, _sure(found.tpot)),
        ("e2e", "End to end", duration(found.e2e.value), basis, whole, _sure(found.e2e)),
        (
            "throughput",
            "Tokens/s",
            digits(found.output_tokens_per_second),
            basis,
            meaning("throughput"),
            rate,
        ),
        ("floor", "Bandwidth floor", duration(found.floor), found.scenario.deployment.gpu.basis, floor, ""),
        ("cost", *_cost_tile(found), ""),
    ]
    row = st.container(horizontal=True)
    known = cache(partial(reasons, found))
    for key, label, value, founded, text, between in tiles:
        tile = row.container(width=TILE_WIDTH, gap="xxsmall")
        tile.metric(
            label,
            value,
            delta=between or (founded.label if founded is not None else "missing"),
            delta_color="off",
            delta_arrow="off",
            help=f"{text} Basis: {BASIS_HELP[founded]}." if founded is not None else text,
            border=True,
        )
        with tile:
            why(key, known)
    st.caption(f"Basis: **{basis.label}**, {BASIS_HELP[basis]}. Between the two ends lie 90 % of measurements.")


def percentiles(found: Estimate) -> None:
    """How the latencies spread over requests, and over the gaps between tokens."""
    named = {
        "First token (TTFT)": found.ttft,
        "Per token (TPOT)": found.tpot,
        "Gap between two tokens (ITL)": found.itl,
        "End to end": found.e2e,
    }
    rows = [
        (name, *(duration(each) for each in (figure.value, figure.p50, figure.p90, figure.p95, figure.p99)))
        for name, figure in named.items()
        if figure
    ]
    st.dataframe(pd.DataFrame(rows, columns=["Latency", "Mean", "p50", "p90", "p95", "p99"]), hide_index=True)
    st.caption(
        "Over the requests; ITL over every gap between two tokens of a request: steps that also hold prompts make long "
        "gaps. The 90 % intervals above are of the means."
    )


def foundations(found: Estimate) -> None:
    """What the answer rests on: each input, its value, its basis and its source."""
    st.markdown(f"**What it rests on** (the weakest of these is *{found.basis.label}*)")
    gpu, rows = found.scenario.deployment.gpu, founded_rows(found)
    st.dataframe(pd.DataFrame(rows, columns=["Input", "Value", "Basis"]), hide_index=True, height=280)
    st.caption(f"Data sheet of {plain(gpu.label)}: {plain(gpu.source.text)}. {plain(gpu.note)}")


def ops_table(found: Estimate) -> None:
    """Each op of both steps with its counts, time and bound."""
    frame = pd.concat([_ops(name, phase) for name, phase in (("prefill", found.prefill), ("decode", found.decode))])
    st.dataframe(
        frame,
        hide_index=True,
        column_config={
            "GFLOP": st.column_config.NumberColumn(format="%.4g"),
            "MB": st.column_config.NumberColumn(format="%.4g"),
            "FLOP/B": st.column_config.NumberColumn("Intensity (FLOP/B)", format="%.4g"),
            "µs": st.column_config.NumberColumn("Time of one (µs)", format="%.4g"),
            "TFLOP/s": st.column_config.NumberColumn(format="%.4g"),
            "share": st.column_config.ProgressColumn("Share of GPU time", format="percent", min_value=0, max_value=1),
        },
    )
    for name, phase in (("Prefill", found.prefill), ("Decode", found.decode)):
        st.caption(
            f"{name}: {phase.intensity:,.1f} FLOP/B of a ridge point at {phase.ridge:,.0f}; attainable "
            f"{tera(phase.attainable)}, reached {tera(phase.achieved)}; MFU {percent(phase.mfu)}, "
            f"MBU {percent(phase.mbu)}; step {duration(phase.seconds)}."
        )


def _ops(name: str, phase: Phase) -> pd.DataFrame:
    whole = float(phase.time.gpu)
    rows = [
        {
            "Phase": name,
            "Op": op_name(time.op.name),
            "Runs": time.op.count,
            "Bound by": time.bound.label,
            "GFLOP": float(time.op.flops) / (TERA / 1000),
            "MB": float(time.op.moved) / (GIB / 1024),
            "FLOP/B": float(time.op.flops) / max(float(time.op.moved), 1.0),
            "µs": float(time.total) / MICROSECOND,
            "TFLOP/s": float(time.op.flops) / float(time.total) / TERA if float(time.total) else 0.0,
            "share": float(time.op.count * time.total) / whole,
            "Basis": time.basis.label,
        }
        for time in phase.time.ops
        if float(time.op.moved) > 0
    ]
    return pd.DataFrame(rows)


def _tail(figure: Figure) -> str:
    return f"p50 {duration(figure.p50)}, p95 {duration(figure.p95)}, p99 {duration(figure.p99)}"


def _sure(figure: Figure | None) -> str:
    return interval_text(figure.low, figure.high) if figure else ""


def _cost_tile(found: Estimate) -> tuple[str, str, Basis | None, str]:
    if found.cost is None:
        return ("Cost", "no price", None, "data/prices.yaml has no price for this GPU: it is missing, not free.")
    text = f"{dollars(found.cost.per_hour)} an hour for the GPUs. Price: {plain(found.cost.source.text)}."
    return ("Per 1M tokens", dollars(found.cost.per_million_output_tokens), found.basis, text)
