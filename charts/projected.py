"""A chart for a wall: the same marks, with text that is read from the last row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from charts import palette

LARGER = 1.4
"""What is told in pixels grows by this [1]."""
GROWING = frozenset({"fontSize", "labelLimit", "step", "dx", "dy", "height"})
FIXED = frozenset({"step", "height", "clip"})
"""What no expression may say: as on a wall."""
PHONE = "windowSize()[0] <= 640"
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
    larger = _enlarged(spec, theme, LARGER)
    return {**larger, **({"height": height} if height else {})}


def on_any_screen(spec: Mapping[str, Any], theme: str) -> dict[str, Any]:
    """The same, but with the text of a page where the window is a phone's; the window alone knows which it is.

    spec, theme : as in `projected`
    """
    chosen: dict[str, Any] = _either(_enlarged(spec, theme, 1), projected(spec, theme))
    return chosen


def _enlarged(spec: Mapping[str, Any], theme: str, by: float) -> dict[str, Any]:
    larger: dict[str, Any] = _larger(spec, by)
    text = dict.fromkeys(("labelFontSize", "titleFontSize"), AXIS * by / LARGER)
    text |= dict.fromkeys(("labelColor", "titleColor"), palette.TEXT[theme])
    limits = {part: {**text, "labelLimit": limit * by / LARGER} for part, limit in LIMITS.items()}
    return {**larger, "config": {**larger.get("config", {}), **limits}}


def _either(phone: Any, wall: Any) -> Any:
    """Two specifications of one shape as one: where they differ, an expression chooses."""
    if isinstance(wall, Mapping):
        if isinstance(wall.get("value"), int | float) and "name" in wall:  # a parameter, which is an expression itself
            return {"name": wall["name"], **_either(phone["value"], wall["value"])}
        return {key: value if key in FIXED else _either(phone[key], value) for key, value in wall.items()}
    if isinstance(wall, list):
        return [_either(*pair) for pair in zip(phone, wall, strict=True)]
    return wall if phone == wall else {"expr": f"{PHONE} ? {phone:g} : {wall:g}"}


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


def _larger(node: Any, by: float) -> Any:
    if isinstance(node, Mapping):
        return {key: _grown(key, value, by) for key, value in node.items()}
    return [_larger(each, by) for each in node] if isinstance(node, list) else node


def _grown(key: str, value: Any, by: float) -> Any:
    if key == "columns":
        return 2 * value if by > 1 else value
    if key in GROWING and isinstance(value, int | float):
        return value * by
    if key == "params":
        return [{**one, "value": one["value"] * by} if "value" in one else one for one in value]
    if key == "mark" and isinstance(value, Mapping) and value.get("type") == "text":
        return {"fontSize": SMALL * by, **_larger(value, by), "clip": by == 1}
    return _larger(value, by)
