"""What the answer hangs on: a bar for each input, from what the cheapest option costs at its low to its high end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt

from charts import palette
from planner.roofline import Bound
from planner.sensitivity import Swing
from planner.words import digits

ENDS = ("input lower", "input higher")
COLOURS = (palette.BOUND[Bound.COMPUTE], palette.BOUND[Bound.MEMORY])
ROW = 40


@cache
def tornado_spec(theme: str, unit: str) -> dict[str, Any]:
    """The chart as a Vega-Lite specification without data.

    theme : "light" or "dark"
    unit : of the cost, "USD a month" or "GPUs"
    """
    base = alt.Chart(alt.NamedData("swings")).encode(
        y=alt.Y(
            "name:N", sort=None, title=None, axis=alt.Axis(labelLimit=220, ticks=False, domain=False, labelFontSize=12)
        ),
    )
    bars = base.mark_bar(height=16, opacity=0.9).encode(
        x=alt.X("from:Q", title=unit, scale=alt.Scale(zero=False, padding=40), axis=alt.Axis(format="~s", tickCount=6)),
        x2="to:Q",
        color=alt.Color(
            "end:N", scale=alt.Scale(domain=list(ENDS), range=list(COLOURS)), title=None,
            legend=alt.Legend(orient="top", symbolType="square"),
        ),
        tooltip=[
            alt.Tooltip("name:N", title="Input"),
            alt.Tooltip("factor:N", title="Multiplied with"),
            alt.Tooltip("text:N", title=unit),
            alt.Tooltip("switch:N", title="Another is cheaper"),
        ],
    )  # fmt: skip
    labels = [
        base.transform_filter(f"datum.side === '{side}'")
        .mark_text(fontSize=11, align=align, dx=shift, color=palette.TEXT[theme])
        .encode(x="to:Q", text="label:N")
        for side, align, shift in (("left", "right", -6), ("right", "left", 6))
    ]
    rule = (
        alt.Chart(alt.NamedData("base"))
        .mark_rule(strokeDash=[3, 3], color=palette.MUTED[theme], strokeWidth=1.5)
        .encode(x="value:Q")
    )
    return alt.layer(bars, *labels, rule).properties(height=alt.Step(ROW)).to_dict()


def rows(swings: Sequence[Swing], now: float) -> dict[str, list[dict[str, Any]]]:
    """What a rerun sends: two bars for each input; an end that cannot be served reaches to the largest other.

    swings : from planner.sensitivity
    now : what the option costs as asked [USD], or its GPUs [1]
    """
    finite = [end for swing in swings for end in (swing.low, swing.high) if math.isfinite(end)]
    edge = 1.1 * max([now, *finite])
    found = []
    for swing in swings:
        ends = ((swing.low_at, swing.low, swing.below), (swing.high_at, swing.high, swing.above))
        for name, (factor, cost, switch) in zip(ENDS, ends, strict=True):
            reached = min(cost, edge)
            found.append(
                {
                    "name": swing.name[0].upper() + swing.name[1:],
                    "end": name,
                    "from": now,
                    "to": reached,
                    "factor": f"× {factor:.2f}",
                    "text": digits(cost) if math.isfinite(cost) else "cannot be served",
                    "label": f"× {factor:.2f}" if reached != now else "",
                    "side": "right" if reached > now else "left",
                    "switch": f"from × {switch.factor:.2f}" if switch else "not within a factor of 4",
                }
            )
    return {"swings": found, "base": [{"value": now}]}
