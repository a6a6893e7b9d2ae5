"""A chart for a wall: the same marks, with text that is read from the last row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from charts import palette

LARGER = 1.4
"""What is told in pixels grows by this [1]."""
GROWING = frozenset({"fontSize", "labelLimit", "step", "dx", "dy", "height", "columns"})
SMALL = 11
"""Text of marks that do not say their size [px]."""
LETTERS, LINE = 20, 0.6
"""What a label takes on a roofline: letters to a decade of intensity, and decades of rate."""
AXIS = 18
"""Text of axes and legends [px]."""
LIMITS = {"axis": 420, "legend": 300}
"""Of labels [px]."""


def projected(spec: Mapping[str, Any], theme: str, height: int | None = None) -> dict[str, Any]:
    """A specification with larger and darker text; the one given stays as it is.

    spec : Vega-Lite
    theme : "light" or "dark"
    height : of the plot; None: it grows as the text does [px]
    """
    larger: dict[str, Any] = _larger(spec)
    text = dict.fromkeys(("labelFontSize", "titleFontSize"), AXIS)
    text |= dict.fromkeys(("labelColor", "titleColor"), palette.TEXT[theme])
    config = {**larger.get("config", {}), **{part: {**text, "labelLimit": limit} for part, limit in LIMITS.items()}}
    return {**larger, "config": config, **({"height": height} if height else {})}


def sparse(data: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[Mapping[str, Any]]]:
    """A roofline's rows without the labels that large text would lay over a larger mark's; other rows as they are.

    data : rows for each name, marks from the largest to the smallest
    """
    kept: list[Mapping[str, Any]] = []
    told: list[Mapping[str, Any]] = []
    for row in data.get("ops", ()):
        hidden = bool(row["label"]) and any(_over(row, other) for other in told)
        kept.append({**row, "label": ""} if hidden else row)
        if row["label"] and not hidden:
            told.append(row)
    return {**{name: list(rows) for name, rows in data.items()}, **({"ops": kept} if kept else {})}


def _over(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two labels, each to the right of its mark, lie over each other."""
    left, right = sorted((one, other), key=lambda row: float(row["intensity"]))
    across = math.log10(right["intensity"] / left["intensity"])
    return across < len(left["label"]) / LETTERS and abs(math.log10(one["rate"] / other["rate"])) < LINE


def _larger(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _grown(key, value) for key, value in node.items()}
    return [_larger(each) for each in node] if isinstance(node, list) else node


def _grown(key: str, value: Any) -> Any:
    if key in GROWING and isinstance(value, int | float):
        return 2 * value if key == "columns" else value * LARGER
    if key == "mark" and isinstance(value, Mapping) and value.get("type") == "text":
        return {"fontSize": SMALL * LARGER, **_larger(value), "clip": False}
    return _larger(value)
