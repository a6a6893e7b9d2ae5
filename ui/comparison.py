"""Tables of a run: measured beside predicted, and kernels by class and name."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from planner.marks import Mark
from planner.measured import KernelSample, Run
from planner.overlay import Comparison
from planner.quantities import MICROSECOND, MILLISECOND, TERA
from ui.glossary import meaning
from words.rows import comparison_row

MANY = 200


def comparison_table(compared: Iterable[Comparison]) -> None:
    """Each measured value beside its prediction, the residual, and the bandwidth floor."""
    rows = [comparison_row(comparison) for comparison in compared]
    if not rows:
        st.caption("Nothing here that the planner predicts.")
        return
    frame = pd.DataFrame(rows).dropna(axis="columns", how="all")
    st.markdown("**Measured beside predicted**")
    number = st.column_config.NumberColumn
    st.dataframe(
        frame,
        hide_index=True,
        placeholder="–",
        column_config={
            **{name: number(format="%.0f") for name in ("Requests at once", "Prompt", "Output", "Cached")},
            "Measured": number(format="%.4g"),
            "Predicted": number(format="%.4g"),
            "Measured ÷ predicted": number(format="%.3f"),
            "Floor (ms)": number("Bandwidth floor (ms)", format="%.4g", help=meaning("bandwidth floor")),
            "Floor reached": number(format="percent", help="Bandwidth floor over measured"),
        },
    )


def placed_words(counted: int, shaped: int, placed: int, unplaced: float) -> str:
    """Where the kernels on the roof have their FLOPs from, as Markdown.

    counted : kernels whose FLOPs and DRAM bytes a profiler counted, of those placed
    shaped : kernels with FLOPs alone, from the shapes of their op, of those placed
    unplaced : share of the kernel time without a place [1]
    """
    own = f"**{counted}** of {placed} kernels on the roof stand at the FLOPs and DRAM bytes that were counted"
    models = (
        f"**{placed - counted}** kernels stand on the roof with the FLOPs of the model's ops that their class "
        f"implements{f' (**{shaped}** with the FLOPs of their own shapes)' * bool(shaped)} and their own measured time"
    )
    said = [own] * bool(counted) + [models] * (placed > counted or not counted)
    return f"{'; '.join(said)}; {100 * unplaced:.0f} % of kernel time has neither counts nor an op in the model."


def kernel_table(run: Run, marks: Iterable[Mark]) -> None:
    """Kernels by time: class, launches, mean, share, and the rate that the mark stands for."""
    placed = {mark.name: mark for mark in marks}
    counts = any(kernel.flops is not None for kernel in run.kernels)
    whole = sum(kernel.seconds for kernel in run.kernels) or 1.0
    longest = sorted(run.kernels, key=lambda kernel: -kernel.seconds)[:MANY]
    rows = [
        {
            "Kernel": kernel.name,
            "Class": kernel.kind,
            "GPU": kernel.device,
            "Launches": kernel.launches,
            "Total (ms)": kernel.seconds / MILLISECOND,
            "Mean (µs)": kernel.seconds / max(kernel.launches, 1) / MICROSECOND,
            "Share": kernel.seconds / whole,
            **(_counts(kernel) if counts else {}),
            "On the roof": "yes" if kernel.name in placed else "not counted, no op of this model",
        }
        for kernel in longest
    ]
    st.markdown(
        f"**Kernels by time**{f' (the {MANY} longest of {len(run.kernels):,})' if len(run.kernels) > MANY else ''}"
    )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "Kernel": st.column_config.TextColumn(width="large"),
            "Total (ms)": st.column_config.NumberColumn(format="%.4g"),
            **{name: st.column_config.NumberColumn(format="%.4g") for name in ("Mean (µs)", "TFLOP/s", "FLOP/B")},
            "Share": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        },
    )


def _counts(kernel: KernelSample) -> dict[str, float | None]:
    """Achieved rate and operational intensity, where the profiler or the op's shapes told FLOPs and bytes."""
    flops, moved = kernel.flops, kernel.bytes
    return {
        "TFLOP/s": flops / kernel.seconds / TERA if flops is not None and kernel.seconds else None,
        "FLOP/B": flops / moved if flops is not None and moved else None,
    }
