"""Latencies of a load test: how many requests were at least so quick, measured beside predicted; and over time."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import numpy as np

from charts import palette
from planner.loads import Sample, in_flight
from planner.quantities import MILLISECOND, FloatArray
from planner.roofline import Bound
from planner.words import duration, percent

PREDICTED = palette.BOUND[Bound.COMPUTE]
POINTS, BINS = 300, 120
"""Of one curve, and of one line over time: what a screen can show."""
HEIGHT = 240

Rows = list[dict[str, Any]]


@cache
def shares_spec(theme: str) -> dict[str, Any]:
    """Share of requests (or gaps) that took at most so long, as a Vega-Lite specification without data.

    theme : "light" or "dark"
    """
    source = {"measured": palette.MEASURED[theme], "predicted": PREDICTED}
    chart = alt.Chart(alt.NamedData("shares")).mark_line(interpolate="step-after", strokeWidth=2)
    return (
        chart.encode(
            x=alt.X("ms:Q", title="Time (ms)", scale=alt.Scale(type="log", nice=False), axis=_axis()),
            y=alt.Y("share:Q", title="At most so long", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("source:N", scale=alt.Scale(domain=list(source), range=list(source.values())), **_legend()),
            strokeDash=alt.StrokeDash(
                "source:N", scale=alt.Scale(domain=list(source), range=[[1, 0], [6, 3]]), **_legend()
            ),
            tooltip=[alt.Tooltip(f"{name}:N", title=title) for name, title in
                     (("source", ""), ("time", "Time"), ("part", "At most so long"))],
        )
        .properties(height=HEIGHT)
        .to_dict()
    )  # fmt: skip


@cache
def over_time_spec(theme: str, title: str) -> dict[str, Any]:
    """A value over the time of the test, with the band of eight tenths of it, and the prediction as a dashed line.

    theme : "light" or "dark"
    title : of the value, with its unit
    """
    measured, bins = palette.MEASURED[theme], alt.Chart(alt.NamedData("bins"))
    x = alt.X("second:Q", title="Time since the first request (s)")
    tips = [alt.Tooltip("second:Q", title="s", format=".3~g"), alt.Tooltip("value:Q", title=title, format=".3~g")]
    layers = [
        bins.mark_area(color=measured, opacity=0.18).encode(x=x, y=alt.Y("low:Q", title=title), y2="high:Q"),
        bins.mark_line(color=measured, strokeWidth=1.5).encode(x=x, y=alt.Y("value:Q", title=title), tooltip=tips),
        alt.Chart(alt.NamedData("level"))
        .mark_rule(color=PREDICTED, strokeDash=[6, 3], strokeWidth=2)
        .encode(y=alt.Y("value:Q"), tooltip=[alt.Tooltip("label:N", title="")]),
    ]
    return alt.layer(*layers).properties(height=HEIGHT).to_dict()


def shares(measured: FloatArray, predicted: FloatArray, weights: FloatArray | None = None) -> dict[str, Rows]:
    """What a rerun sends: both distributions, at most POINTS places of each.

    measured, predicted : values [s]
    weights : of the predicted ones; None: all alike [1]
    """
    alike = np.ones(len(predicted)) if weights is None else weights
    return {
        "shares": [
            *_shares("measured", measured, np.ones(len(measured))),
            *_shares("predicted", predicted, alike),
        ]
    }


def over_time(at: FloatArray, values: FloatArray, level: float | None) -> dict[str, Rows]:
    """What a rerun sends of latencies over time: median and tenths of each of BINS spans.

    at, values : when and how long [s]
    level : predicted median; None: no line [s]
    """
    known = np.isfinite(at) & np.isfinite(values) & (values > 0)
    at, values = at[known], values[known] / MILLISECOND
    if not len(at):
        return {"bins": [], "level": []}
    edges = np.linspace(at.min(), at.max(), min(BINS, max(1, len(at) // 5)) + 1)
    place = np.clip(np.searchsorted(edges, at, "right") - 1, 0, len(edges) - 2)
    rows = []
    for number in np.unique(place):
        low, middle, high = np.quantile(values[place == number], [0.1, 0.5, 0.9]).tolist()
        second = float(edges[number] + edges[number + 1]) / 2
        rows.append({"second": second, "value": middle, "low": low, "high": high})
    told = [] if level is None else [{"value": level / MILLISECOND, "label": f"predicted median {duration(level)}"}]
    return {"bins": rows, "level": told}


def concurrency(sample: Sample, level: float | None) -> dict[str, Rows]:
    """What a rerun sends of the requests in flight over time.

    sample : requests [s]
    level : that the load was to hold; None: no line [1]
    """
    last = float(np.nanmax(sample.sent + sample.e2e, initial=0.0))
    moments = np.linspace(0.0, last, POINTS)
    counts = in_flight(sample, moments).tolist()
    rows = [
        {"second": at, "value": count, "low": 0.0, "high": count}
        for at, count in zip(moments.tolist(), counts, strict=True)
    ]
    return {"bins": rows, "level": [] if level is None else [{"value": level, "label": f"asked for {level:g}"}]}


def _shares(source: str, values: FloatArray, weights: FloatArray) -> Rows:
    known = np.isfinite(values) & (values > 0) & (weights > 0)
    order = np.argsort(values[known], kind="stable")
    ranked, reached = values[known][order], np.cumsum(weights[known][order])
    if not len(ranked):
        return []
    reached = reached / reached[-1]
    kept = np.unique(np.searchsorted(reached, np.linspace(0, 1, POINTS)).clip(0, len(ranked) - 1))
    return [
        {"source": source, "ms": value / MILLISECOND, "share": share, "time": duration(value), "part": percent(share)}
        for value, share in zip(ranked[kept].tolist(), reached[kept].tolist(), strict=True)
    ]


def _axis() -> alt.Axis:
    return alt.Axis(format="~s", tickCount=4, labelOverlap=True)


def _legend() -> dict[str, Any]:
    return {"title": None, "legend": alt.Legend(orient="top", symbolType="stroke")}
