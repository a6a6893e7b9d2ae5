"""One mark of a trace's roofline, clicked: the op it stands for, its launches, their shapes, and how they spread."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import streamlit as st

from charts import spread
from planner.estimate import Phase
from planner.marks import Mark
from planner.matching import Matched, ungrouped
from planner.measured import Run
from planner.quantities import MICROSECOND
from planner.words import digits, duration, percent
from report.trace_steps import launch_shapes
from ui.show import chart, theme
from ui.workspace import store
from words.text import kernel_name, op_name, plain

MANY = 50


def drill(run: Run, mark: Mark | None, phase: Phase, matched: Iterable[Matched] = ()) -> None:
    """What a clicked mark is made of; a hint where none is clicked.

    mark : of the roofline; its phase names the op, or the kernel's class
    phase : the model's step
    matched : kernels of the typical steps and their ops; none where the whole trace is shown
    """
    if mark is None:
        st.caption("Click a measured mark for its launches.")
        return
    with st.container(border=True):
        st.markdown(f"**{plain(kernel_name(mark.name, 80))}** {_op_words(mark, phase)}")
        for text in _parts_words(mark, list(matched)):
            st.markdown(text)
        show_launches(run, mark.name, f"drill-{run.id}")


def _op_words(mark: Mark, phase: Phase) -> str:
    """What it stands for, and how long the planner gives that op."""
    own = next((time for time in phase.time.ops if time.op.name == mark.phase), None)
    took = f"takes **{duration(mark.seconds)}** a run, {percent(mark.share)} of kernel time"
    if own is None:
        return f"({plain(mark.phase)}) {took}; the model's ops of its class share one mean."
    predicted = float(own.total)
    return (
        f"stands for **{op_name(ungrouped(own.op.name))}** and {took}. Predicted: **{duration(predicted)}**, "
        f"bound by {own.bound.label}: measured is **{digits(mark.seconds / predicted)} times** that."
    )


def _parts_words(mark: Mark, matched: list[Matched]) -> list[str]:
    """Which kernels together are that op in the typical steps, and what else this kernel stands for."""
    own = [one for one in matched if one.op == mark.phase]
    beside = [one for one in matched if one.kernel == mark.name and one.op != mark.phase]
    said = []
    if own:
        listed = ", ".join(f"{plain(kernel_name(one.kernel))} ×{one.launches}" for one in own)
        said.append(f"Kernels of this op in the typical steps: {listed}.")
    if beside:
        ops = ", ".join(f"{op_name(ungrouped(one.op)) if one.op else 'no op'} ×{one.launches}" for one in beside)
        said.append(f"The same kernel also stands for: {ops}.")
    return said


def show_launches(run: Run, name: str, key: str) -> None:
    """All launches of a kernel in the whole trace: by shape, and by how long they took.

    key : of the chart
    """
    shapes, seconds = launch_shapes(store(), run.id, name)
    if not len(seconds):
        st.caption("The trace keeps sums of this kernel, not its launches.")
        return
    low, middle, high = np.percentile(seconds, (0, 50, 99))
    st.markdown(
        f"**{len(seconds):,}** launches in the whole trace: median **{duration(float(middle))}**, shortest "
        f"{duration(float(low))}, p99 {duration(float(high))}."
    )
    grouped = pd.DataFrame({"Shape": shapes, "seconds": seconds}).groupby("Shape", sort=False)["seconds"]
    rows = grouped.agg(Launches="count", Mean="mean", Whole="sum").reset_index().sort_values("Whole", ascending=False)
    shown = pd.DataFrame(
        {
            "Shape": rows["Shape"],
            "Launches": rows["Launches"],
            "Mean (µs)": rows["Mean"] / MICROSECOND,
            "Share": rows["Whole"] / rows["Whole"].sum(),
        }
    )
    columns = st.columns(2)
    columns[0].dataframe(
        shown.head(MANY),
        hide_index=True,
        column_config={
            "Mean (µs)": st.column_config.NumberColumn(format="%.4g"),
            "Share": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        },
    )
    with columns[1]:
        said = f"How long {len(seconds):,} launches took"
        chart(spread.launches_spec(theme()), spread.launch_data(seconds), key=key, alt=said)
