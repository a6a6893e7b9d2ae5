"""A metric over batch, arrivals or prompt length on log axes: predicted line with its band, measured points, bends."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import altair as alt

from charts import palette
from planner.curves import Line
from planner.quantities import MILLISECOND
from planner.roofline import Bound
from planner.words import digits

PREDICTED = palette.BOUND[Bound.COMPUTE]
KINDS = ("measured elbow", "predicted elbow", "ridge of the roof")
COLOURS = {
    "predicted": PREDICTED,
    "predicted elbow": PREDICTED,
    "ridge of the roof": palette.BOUND[Bound.MEMORY],
}
DASHES = {"measured elbow": [1, 0], "predicted elbow": [6, 4], "ridge of the roof": [2, 3]}
HEIGHT, ROOM, LABEL = 320, 40, 14
"""Of the chart, of the labels over it, and of one of them [px]."""

Rows = list[dict[str, Any]]


@cache
def curves_spec(theme: str, across: str, up: str) -> dict[str, Any]:
    """The chart as a Vega-Lite specification without data.

    theme : "light" or "dark"
    across, up : titles of the axes, with their units
    """
    measured = palette.MEASURED[theme]
    x = alt.X("x:Q", title=across, scale=alt.Scale(type="log", nice=False, padding=14), axis=_axis())
    y = alt.Y("value:Q", title=up, scale=alt.Scale(type="log", nice=False, padding=10), axis=_axis())
    line, dots = alt.Chart(alt.NamedData("line")), alt.Chart(alt.NamedData("dots"))
    band = line.mark_area(color=PREDICTED, opacity=0.18).encode(x=x, y=y.copy(), y2="high:Q")
    band.encoding.y.shorthand = "low:Q"
    tips = [alt.Tooltip("x:Q", title=across, format=",.4~g"), alt.Tooltip("text:N", title=up)]
    layers = [
        band,
        line.mark_line(color=PREDICTED, strokeWidth=2).encode(x=x, y=y, order="order:Q", tooltip=tips),
        dots.mark_rule(color=measured, strokeWidth=1.5, aria=False).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        dots.mark_point(shape="diamond", filled=True, size=70, color=measured, opacity=1, aria=False).encode(
            x=x, y=y, tooltip=tips
        ),
    ]
    for place, kind in enumerate(KINDS):
        layers += _bend(kind, COLOURS.get(kind, measured), x, ROOM - LABEL * place)
    return alt.layer(*layers).properties(height=HEIGHT, padding={"top": ROOM}).to_dict()


def datasets(line: Line, bends: Iterable[tuple[str, float]]) -> dict[str, Rows]:
    """What a rerun sends: the predicted line, the measured points, and where either bends.

    line : predicted and measured [s] or [1/s]
    bends : a name of KINDS and its place on the axis
    """
    scale = 1.0 if line.metric == "output_throughput" else MILLISECOND
    columns = zip(*(column.tolist() for column in (line.x, line.value, line.low, line.high)), strict=True)
    predicted = [_row(order, x, value, low, high, scale, "predicted") for order, (x, value, low, high) in
                 enumerate(columns)]  # fmt: skip
    measured = [_row(order, dot.x, dot.value, dot.low, dot.high, scale, "measured") for order, dot in
                enumerate(line.dots)]  # fmt: skip
    return {
        "line": predicted,
        "dots": measured,
        "bends": [{"kind": kind, "x": at, "label": f"{kind} {digits(at)}"} for kind, at in bends],
    }


def paired(across: Line, up: Line) -> dict[str, Rows]:
    """What a rerun sends for one metric over another, such as TPOT over throughput, in the order of the load.

    across, up : lines of one sweep [1/s], [s]
    """
    order = range(len(across.x))
    predicted = [
        _row(at, float(across.value[at]), float(up.value[at]), None, None, MILLISECOND, "predicted") for at in order
    ]
    of = {dot.x: dot for dot in up.dots}
    measured = [
        _row(at, dot.value, of[dot.x].value, of[dot.x].low, of[dot.x].high, MILLISECOND, "measured")
        for at, dot in enumerate(across.dots)
        if dot.x in of
    ]
    return {"line": predicted, "dots": measured, "bends": []}


def _row(
    order: int, x: float, value: float, low: float | None, high: float | None, scale: float, source: str
) -> dict[str, Any]:
    known = low is not None and high is not None
    least, most = (low, high) if low is not None and high is not None else (value, value)
    bounds = f" ({digits(least / scale)}–{digits(most / scale)})" if known else ""
    return {
        "order": order,
        "x": x,
        "value": value / scale,
        "low": least / scale,
        "high": most / scale,
        "text": f"{source} {digits(value / scale)}{bounds}",
    }


def _axis() -> alt.Axis:
    return alt.Axis(format="~s", tickCount=4, labelOverlap=True)


def _bend(kind: str, colour: str, x: alt.X, top: int) -> list[alt.Chart]:
    """A bend's line and label. Marks that may be absent are told in the chart's own words, not one by one: an empty
    group of marks that claims to be a picture is a fault to a screen reader.
    """
    chosen = alt.Chart(alt.NamedData("bends")).transform_filter(alt.datum.kind == kind)
    return [
        chosen.mark_rule(color=colour, strokeDash=DASHES[kind], aria=False).encode(x=x),
        chosen.mark_text(color=colour, align="center", baseline="bottom", fontSize=11).encode(
            x=x, y=alt.value(-4 - (ROOM - top)), text="label:N"
        ),
    ]
