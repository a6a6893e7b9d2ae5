"""B over A, figure by figure on a log axis: the measured ratio with its interval, and the promised one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import altair as alt

from charts import palette
from planner.roofline import Bound
from planner.side_by_side import Change
from planner.words import digits

PREDICTED = palette.BOUND[Bound.COMPUTE]
ROW = 28


@cache
def ratios_spec(theme: str) -> dict[str, Any]:
    """The chart as a Vega-Lite specification without data.

    theme : "light" or "dark"
    """
    source = {"measured": palette.MEASURED[theme], "promised": PREDICTED}
    base = alt.Chart(alt.NamedData("ratios")).encode(
        y=alt.Y("figure:N", sort=None, title=None, axis=alt.Axis(labelLimit=220, ticks=False, domain=False)),
        color=alt.Color(
            "source:N",
            scale=alt.Scale(domain=list(source), range=list(source.values())),
            title=None,
            legend=alt.Legend(orient="top"),
        ),
    )
    x = alt.X("ratio:Q", title="B ÷ A", scale=alt.Scale(type="log", nice=False, padding=20), axis=alt.Axis(tickCount=6))
    shape = alt.Shape("source:N", scale=alt.Scale(domain=list(source), range=["diamond", "circle"]), title=None)
    same = alt.Chart(alt.NamedData("same")).mark_rule(color=palette.MUTED[theme], strokeDash=[2, 3]).encode(x="ratio:Q")
    return (
        alt.layer(
            same,
            base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q"),
            base.mark_point(filled=True, size=80, opacity=1).encode(
                x=x,
                shape=shape,
                tooltip=[alt.Tooltip("figure:N", title="Figure"), alt.Tooltip("text:N", title="B ÷ A")],
            ),
        )
        .properties(height=alt.Step(ROW))
        .to_dict()
    )


def rows(changes: Iterable[tuple[str, Change]]) -> dict[str, list[dict[str, Any]]]:
    """What a rerun sends.

    changes : name for people, and the change
    """
    found = []
    for name, change in changes:
        low, high = change.low or change.ratio, change.high or change.ratio
        bounds = f" ({digits(low)}–{digits(high)})" if change.low is not None else ", interval not known"
        text = f"measured {digits(change.ratio)}{bounds}"
        found.append(
            {"figure": name, "source": "measured", "ratio": change.ratio, "low": low, "high": high, "text": text}
        )
        if change.promised is not None:
            at = change.promised
            text = f"promised {digits(at)}"
            found.append({"figure": name, "source": "promised", "ratio": at, "low": at, "high": at, "text": text})
    return {"ratios": found, "same": [{"ratio": 1.0}]}
