"""Times that spread: steps over the course of a trace, and the launches of one kernel."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from charts import palette
from planner.quantities import GIGA, MICROSECOND, MILLISECOND, NANOSECOND
from planner.words import duration

MOST = 2000
"""Points of the chart of steps."""
SHAPES = {"prefill": palette.SHAPE["prefill"], "decode": palette.SHAPE["decode"], "mixed": "square", "unknown": "cross"}
BINS_A_DECADE = 20
HEIGHT = 220

Rows = list[dict[str, Any]]


@cache
def steps_spec(theme: str) -> dict[str, Any]:
    """Step times over the trace, by kind, as a Vega-Lite specification without data.

    theme : "light" or "dark"
    """
    base = alt.Chart(alt.NamedData("steps")).encode(
        x=alt.X("at:Q", title="Since the first step (s)", axis=alt.Axis(grid=False)),
    )
    rule = base.mark_rule(opacity=0.35, color=palette.MEASURED[theme]).encode(
        y=alt.Y("low:Q", title="Step time (ms)"), y2="high:Q"
    )
    points = base.mark_point(filled=True, size=36, opacity=0.7, color=palette.MEASURED[theme]).encode(
        y="mean:Q",
        shape=alt.Shape(
            "kind:N",
            scale=alt.Scale(domain=list(SHAPES), range=list(SHAPES.values())),
            title=None,
            legend=alt.Legend(orient="top", symbolFillColor=palette.TEXT[theme], symbolStrokeWidth=0),
        ),
        tooltip=[
            alt.Tooltip("kind:N", title="Kind"),
            alt.Tooltip("text:N", title="Step time"),
            alt.Tooltip("steps:Q", title="Steps in this point"),
        ],
    )
    return alt.layer(rule, points).properties(height=HEIGHT).to_dict()


@cache
def launches_spec(theme: str) -> dict[str, Any]:
    """How the launches of a kernel spread, as a Vega-Lite specification without data.

    theme : "light" or "dark"
    """
    bars = alt.Chart(alt.NamedData("launches")).mark_bar(color=palette.MEASURED[theme]).encode(
        x=alt.X("low:Q", title="Time of a launch (µs)", scale=alt.Scale(type="log", nice=False)),
        x2="high:Q",
        y=alt.Y("launches:Q", title="Launches"),
        tooltip=[alt.Tooltip("text:N", title="Time"), alt.Tooltip("launches:Q", title="Launches")],
    )  # fmt: skip
    return bars.properties(height=HEIGHT).to_dict()


def step_data(start: NDArray[np.int64], end: NDArray[np.int64], kind: NDArray[np.str_]) -> dict[str, Rows]:
    """Steps as points; beyond MOST, neighbours of a kind together, with their least and longest.

    start, end : [ns]
    """
    together = max(1, math.ceil(len(start) / (MOST - len(SHAPES))))
    found: Rows = []
    for name in SHAPES:
        rows = np.flatnonzero(kind == name)
        for group in np.split(rows, range(together, len(rows), together)) if len(rows) else []:
            spans = (end - start)[group] * NANOSECOND
            found.append(
                {
                    "kind": name,
                    "at": float((start[group[0]] - start[0]) / GIGA),
                    "mean": float(spans.mean()) / MILLISECOND,
                    "low": float(spans.min()) / MILLISECOND,
                    "high": float(spans.max()) / MILLISECOND,
                    "steps": len(group),
                    "text": duration(float(spans.mean())),
                }
            )
    return {"steps": found}


def launch_data(seconds: NDArray[np.float64]) -> dict[str, Rows]:
    """Launches counted in bins that are equally wide on a log axis.

    seconds : of each launch; a clock's tick at least [s]
    """
    known = np.maximum(seconds, NANOSECOND)
    low, high = (
        math.floor(math.log10(known.min()) * BINS_A_DECADE),
        math.floor(math.log10(known.max()) * BINS_A_DECADE),
    )
    edges = 10.0 ** (np.arange(low, high + 2) / BINS_A_DECADE)
    counts, _ = np.histogram(known, edges)
    rows = [
        {
            "low": float(edges[at]) / MICROSECOND,
            "high": float(edges[at + 1]) / MICROSECOND,
            "launches": int(count),
            "text": f"{duration(float(edges[at]))} to {duration(float(edges[at + 1]))}",
        }
        for at, count in enumerate(counts)
        if count
    ]
    return {"launches": rows}
