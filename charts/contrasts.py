"""One figure of several scenarios and runs: its value with its interval, predicted and measured told apart by shape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt

from charts import palette
from planner.contrast import Known
from planner.quantities import Basis
from planner.roofline import Bound

PREDICTED = palette.BOUND[Bound.COMPUTE]
ROW = 34


@cache
def contrasts_spec(theme: str, title: str) -> dict[str, Any]:
    """The chart as a Vega-Lite specification without data.

    theme : "light" or "dark"
    title : the figure with its unit
    """
    source = {"predicted": PREDICTED, "measured": palette.MEASURED[theme]}
    base = alt.Chart(alt.NamedData("pins")).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=180, ticks=False, domain=False)),
        color=alt.Color(
            "source:N",
            scale=alt.Scale(domain=list(source), range=list(source.values())),
            title=None,
            legend=alt.Legend(orient="top"),
        ),
    )
    shape = alt.Shape("source:N", scale=alt.Scale(domain=list(source), range=["circle", "diamond"]), title=None)
    x = alt.X("value:Q", title=title, scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(tickCount=6))
    text = alt.Text("text:N")
    return (
        alt.layer(
            base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q"),
            base.mark_point(filled=True, size=90, opacity=1).encode(
                x=x,
                shape=shape,
                tooltip=[alt.Tooltip("name:N", title="Scenario"), alt.Tooltip("told:N", title=title)],
            ),
            base.mark_text(dy=-11, color=palette.TEXT[theme]).encode(
                x=x, text=text, color=alt.value(palette.TEXT[theme])
            ),
        )
        .properties(height=alt.Step(ROW))
        .to_dict()
    )


def rows(sides: Sequence[tuple[str, Known, str, str]], scale: float) -> dict[str, list[dict[str, Any]]]:
    """What a rerun sends.

    sides : name, figure, its value in words, and its interval in words
    scale : of the axis' unit
    """
    return {
        "pins": [
            {
                "name": name,
                "source": "measured" if known.basis is Basis.MEASURED else "predicted",
                "value": known.value / scale,
                "low": (known.value if known.low is None else known.low) / scale,
                "high": (known.value if known.high is None else known.high) / scale,
                "text": text,
                "told": f"{text} ({interval})" if interval else text,
            }
            for name, known, text, interval in sides
        ]
    }
