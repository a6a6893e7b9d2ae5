"""How much of each resource is used at each load: a square for each pair, its share written in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import altair as alt

from charts import palette
from planner.roofline import Bound
from planner.words import percent

EMPTY = {"light": "#EEF3F9", "dark": "#1A222D"}
FULL = palette.BOUND[Bound.COMPUTE]
ROW = 34


@cache
def heatmap_spec(theme: str, across: str) -> dict[str, Any]:
    """The chart as a Vega-Lite specification without data.

    theme : "light" or "dark"
    across : title of the loads
    """
    base = alt.Chart(alt.NamedData("uses")).encode(
        x=alt.X("load:N", sort=None, title=across, axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False)),
        y=alt.Y("resource:N", sort=None, title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False)),
    )
    tips = [alt.Tooltip(f"{name}:N", title=title) for name, title in
            (("resource", "Resource"), ("load", across), ("text", "Used"))]  # fmt: skip
    colour = alt.Color("used:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[EMPTY[theme], FULL], clamp=True))
    squares = base.mark_rect(cornerRadius=3, stroke=palette.BACKGROUND[theme], strokeWidth=2)
    words = base.mark_text(fontSize=12, fontWeight="bold", color=palette.MEASURED[theme])
    layers = (squares.encode(color=colour, tooltip=tips), words.encode(text="text:N", tooltip=tips))
    return alt.layer(*layers).properties(height=alt.Step(ROW)).to_dict()


def rows(uses: Mapping[str, Mapping[str, float]]) -> dict[str, list[dict[str, Any]]]:
    """What is drawn.

    uses : load -> resource -> share of it that is used [1]
    """
    return {
        "uses": [
            {"load": load, "resource": resource, "used": used, "text": percent(used)}
            for load, each in uses.items()
            for resource, used in each.items()
        ]
    }
