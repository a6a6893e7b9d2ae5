"""Which marks of a roofline have a label, and on which side of them it stands."""

from __future__ import annotations

import math
from typing import Any

import altair as alt

INTENSITY = (0.1, 10_000.0)
"""What is drawn [FLOP/B]."""
MIDDLE = math.sqrt(INTENSITY[0] * INTENSITY[1])
LABELLED_SHARE = 0.04
NEAR = (0.5, 0.5)
"""Marks closer than this share one label [decades of intensity, of rate]."""
SIZES = (alt.param(name="gap", value=11), alt.param(name="letter", value=6.0))
"""Parameters of the chart: from a mark to its label, and what a letter of it takes [px]."""

Rows = list[dict[str, Any]]


def labelled(rows: Rows) -> Rows:
    """Long marks get their name beside them, neighbours share one; drawn from the largest to the smallest."""
    ordered = sorted(rows, key=lambda row: -row["share"])
    named: Rows = []
    for row in ordered:
        if row["share"] < LABELLED_SHARE:
            continue
        host = next((other for other in named if _near(row, other)), None)
        if host is None:
            named.append(row)
        else:
            host["others"] = host.get("others", 0) + 1
    for row in named:
        row["label"] = row["name"] + (f" + {row['others']} more" if "others" in row else "")
    return ordered


def sided(rows: Rows, alone: bool) -> Rows:
    """Labels of measured marks: left of them, but right of those in the left half where no others stand in the way."""
    for row in rows:
        right = alone and row["intensity"] < MIDDLE
        row.update({"label": "", "label_right": row["label"]} if right else {"label_right": ""})
    return rows


def beside(side: str = "right", label: str = "label") -> dict[str, Any]:
    """A label on a side of its mark; on the other where that has more room and this too little for it.

    label : field with its text
    """
    at, text = "scale('x', datum.intensity)", f"(letter * length(datum.{label}))"
    rooms = {"right": f"(width - {at} - gap)", "left": f"({at} - gap)"}
    own, other = rooms.pop(side), rooms.popitem()[1]
    stays = f"({own} >= min({text}, {other}))"
    align, away = ("left", "right") if side == "right" else ("right", "left")
    return {
        "align": alt.expr(f"{stays} ? '{align}' : '{away}'"),
        "dx": alt.expr(f"{stays} == {str(side == 'right').lower()} ? gap : -gap"),
        "limit": alt.expr(f"{stays} ? {own} : {other}"),
        "clip": True,
    }


def _near(one: dict[str, Any], other: dict[str, Any]) -> bool:
    gaps = [abs(math.log10(one[axis] / other[axis])) for axis in ("intensity", "rate")]
    return gaps[0] < NEAR[0] and gaps[1] < NEAR[1]
