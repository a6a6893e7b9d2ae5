"""Options as marks: what they cost against what they give; those that no other beats are joined by a line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import altair as alt

from charts import palette
from planner.offer import between, chance_text, deployment, setup
from planner.option import Option
from planner.quantities import MILLISECOND
from planner.ranking import frontier
from planner.roofline import Bound
from planner.slo import NAMES, Key

HEIGHT = 320
LABELLED = 6
THROUGHPUT = "Output tokens/s while the promises hold"
COLOURS = {"not beaten": palette.BOUND[Bound.COMPUTE], "beaten in both": "#8E9AA8"}


@cache
def pareto_spec(theme: str, x_title: str, reverse: bool) -> dict[str, Any]:
    """The chart as a Vega-Lite specification without data.

    theme : "light" or "dark"
    x_title : of what options give
    reverse : more is better: the better end on the left all the same
    """
    scale = alt.Scale(type="log", nice=False, padding=24, reverse=reverse)
    axis = alt.Axis(format="~s", grid=False, tickCount=6, labelOverlap=True)
    base = alt.Chart(alt.NamedData("options")).encode(
        x=alt.X("value:Q", scale=scale, title=x_title, axis=axis),
        y=alt.Y(
            "cost:Q", scale=alt.Scale(type="log", nice=False, padding=24), title="USD a month",
            axis=alt.Axis(format="~s", grid=True, tickCount=6, labelOverlap=True),
        ),
    )  # fmt: skip
    line = base.transform_filter("datum.kind === 'not beaten'").mark_line(
        interpolate="linear", strokeWidth=1.5, color=palette.MUTED[theme], opacity=0.7
    )
    marks = base.mark_point(filled=True, size=90).encode(
        opacity=alt.condition("datum.kind === 'not beaten'", alt.value(1.0), alt.value(0.45)),
        color=alt.Color(
            "kind:N", scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())), title=None,
            legend=alt.Legend(orient="top", symbolSize=100),
        ),
        shape=alt.Shape(
            "kind:N", scale=alt.Scale(domain=list(COLOURS), range=["diamond", "circle"]), legend=None
        ),
        tooltip=[
            alt.Tooltip("name:N", title="Option"),
            alt.Tooltip("setup:N", title="Runs"),
            alt.Tooltip("cost:Q", title="USD a month", format=",.0f"),
            alt.Tooltip("text:N", title=x_title),
            alt.Tooltip("chance:N", title="Promises hold"),
            alt.Tooltip("binds:N", title="What binds"),
        ],
    )  # fmt: skip
    labels = base.mark_text(align="left", dx=8, dy=-8, fontSize=11, color=palette.TEXT[theme]).encode(text="label:N")
    return alt.layer(line, marks, labels).properties(height=HEIGHT).to_dict()


def latency_rows(options: Sequence[Option], key: Key) -> dict[str, list[dict[str, Any]]]:
    """Cost against a latency; options without a price or without the figure are left out.

    key : metric and quantile
    """
    shown = [one for one in options if key in one.figures and math.isfinite(one.figures[key].value)]
    return _rows(
        shown, lambda one: one.figures[key].value / MILLISECOND, lambda one: between(one.figures[key]), more=False
    )


def throughput_rows(options: Sequence[Option]) -> dict[str, list[dict[str, Any]]]:
    """Cost against the output tokens that a deployment can generate while the promises hold."""
    return _rows(
        options,
        lambda one: one.output_tokens_per_second,
        lambda one: f"{one.output_tokens_per_second:,.0f} tokens/s",
        more=True,
    )


def latency_title(key: Key) -> str:
    """What the axis says."""
    return f"p{100 * key[1]:.0f} {NAMES[key[0]]} (ms)"


def described(rows: Sequence[dict[str, Any]]) -> str:
    """The chart in words, for screen readers."""
    best = [f"{row['name']} at {row['cost']:,.0f} USD a month and {row['text']}" for row in rows if row["label"]]
    return f"Cost against what {len(rows)} options give; not beaten by any other: {'; '.join(best)}"


def _rows(
    options: Sequence[Option], value: Callable[[Option], float], text: Callable[[Option], str], *, more: bool
) -> dict[str, list[dict[str, Any]]]:
    priced = [(one, month.value) for one in options if (month := one.per_month) is not None and month.value > 0]
    costs = {id(one): month for one, month in priced}
    shown = [one for one, _ in priced]
    best = frontier(shown, lambda one: costs[id(one)], lambda one: -value(one) if more else value(one))
    rows = [
        {
            "name": deployment(one),
            "setup": setup(one),
            "cost": costs[id(one)],
            "value": value(one),
            "text": text(one),
            "chance": chance_text(one.chance),
            "binds": one.binds,
            "kind": "not beaten" if unbeaten else "beaten in both",
            "label": "",
        }
        for one, unbeaten in zip(shown, best, strict=True)
    ]
    _label(rows, shown)
    return {"options": rows}


def _label(rows: list[dict[str, Any]], shown: Sequence[Option]) -> None:
    """A few unbeaten marks get their GPU's name: as many as fit without lying over each other."""
    named: set[str] = set()
    for row, one in sorted(zip(rows, shown, strict=True), key=lambda pair: pair[0]["cost"]):
        name = f"{one.gpus} {one.scenario.deployment.gpu.name}"
        if row["kind"] == "not beaten" and name not in named and len(named) < LABELLED:
            row["label"] = name
            named.add(name)
