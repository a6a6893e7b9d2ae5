"""From the floor to the clock: the parts of a time as a waterfall, each bar starting where the one before it ends."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import cache
from typing import Any

import altair as alt

from charts import palette
from planner.quantities import MILLISECOND, Basis
from planner.roofline import Bound
from planner.waterfall import COLLECTIVES, FLOOR, FLOPS, GAPS, HOST, KV_READS, OTHER_BYTES, QUEUE, UNEXPLAINED, Part
from planner.words import duration, percent
from words.text import OP_KINDS

GROUPS = ("what the roof allows", "kernels", "collectives", "waiting", "not explained", "sum")
COLOURS = {
    "what the roof allows": palette.BOUND[Bound.MEMORY],
    "kernels": palette.BOUND[Bound.COMPUTE],
    "collectives": palette.BOUND[Bound.LINK],
    "waiting": palette.BOUND[Bound.OVERHEAD],
    "not explained": "#8A7A2B",
    "sum": "#51606F",
}
GROUP_OF = {
    **dict.fromkeys((FLOOR, KV_READS, OTHER_BYTES, FLOPS), "what the roof allows"),
    COLLECTIVES: "collectives",
    UNEXPLAINED: "not explained",
    **dict.fromkeys((GAPS, HOST, QUEUE), "waiting"),
}
KERNELS = "kernels: "
ROW, BAR, LINE, NAMES = 36, 12, 8, 230
"""Of a row and its bar; from the middle of a row up to its words and down to its bar; room for a name [px]. Name and
time stand above the bar, so that a chart as narrow as a phone has all its width for bars."""


@cache
def waterfall_spec(theme: str) -> dict[str, Any]:
    """The chart as a Vega-Lite specification without data.

    theme : "light" or "dark"
    """
    base = alt.Chart(alt.NamedData("waterfall")).encode(y=alt.Y("part:N", sort=None, axis=None))
    group = alt.Color(
        "group:N", scale=alt.Scale(domain=list(GROUPS), range=[COLOURS[name] for name in GROUPS]), legend=None
    )
    bars = base.mark_bar(height=BAR, yOffset=LINE).encode(
        x=alt.X("start:Q", title="Time (ms)", axis=alt.Axis(tickCount=5)),
        x2="end:Q",
        color=group,
        opacity=alt.Opacity("opacity:Q", scale=None, legend=None),
        tooltip=[
            alt.Tooltip("part:N", title="Part"),
            alt.Tooltip("group:N", title="Of"),
            alt.Tooltip("text:N", title="Time"),
            alt.Tooltip("share:N", title="Of the whole"),
            alt.Tooltip("basis:N", title="Basis"),
        ],
    )
    names, times = (
        base.mark_text(align="left", dy=-LINE, color=palette.TEXT[theme], fontWeight=weight) for weight in (400, 600)
    )
    layers = (names.encode(x=alt.value(0), text="part:N"), times.encode(x=alt.value(NAMES), text="text:N"))
    return alt.layer(bars, *layers).properties(height=alt.Step(ROW)).to_dict()


def scaled(theme: str, longest: float) -> dict[str, Any]:
    """The specification with its time axis fixed, so that two of them can be compared by eye.

    longest : bar of both [s]
    """
    spec = copy.deepcopy(waterfall_spec(theme))
    spec["layer"][0]["encoding"]["x"]["scale"] = {"domain": [0, longest / MILLISECOND]}
    return spec


def rows(parts: Iterable[Part], whole: str) -> dict[str, list[dict[str, Any]]]:
    """What a rerun sends: a bar for each part, and one for their sum.

    parts : in their order [s]
    whole : name of the sum, such as "decode step"
    """
    told = tuple(parts)
    total = sum(part.seconds for part in told)
    found, at = [], 0.0
    for part in told:
        found.append(
            _row(part_name(part.name), GROUP_OF.get(part.name, "kernels"), at, at + part.seconds, total, part.basis)
        )
        at += part.seconds
    found.append(_row(whole, "sum", 0.0, total, total, max((part.basis for part in told), default=Basis.ASSUMED)))
    return {"waterfall": found}


def part_name(name: str) -> str:
    """A part as people read it: a kind of op by its words."""
    kind = name.removeprefix(KERNELS)
    return f"Kernels: {OP_KINDS.get(kind, kind)}" if name.startswith(KERNELS) else name[0].upper() + name[1:]


def _row(part: str, group: str, start: float, end: float, total: float, basis: Basis) -> dict[str, Any]:
    return {
        "part": part,
        "group": group,
        "start": start / MILLISECOND,
        "end": end / MILLISECOND,
        "text": f"{'−' if end < start else ''}{duration(abs(end - start))}",
        "share": percent((end - start) / total) if total else "",
        "basis": basis.label,
        "opacity": 0.55 if basis is Basis.ASSUMED else 1.0,
    }
