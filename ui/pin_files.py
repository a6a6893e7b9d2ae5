"""What can be taken along of pins: their chart, and every figure of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.contrast import METRICS, Known
from planner.quantities import MILLISECOND, Basis
from planner.side_by_side import RATES
from report.images import Drawing, Rows
from report.origin import Origin, unmarked
from report.tables import Row, Tables

UNITS = {"cost": "USD per million output tokens", **dict.fromkeys(RATES, "1/s")}
Figures = Sequence[tuple[str, dict[str, Known]]]


def taken(said: str, link: str, spec: dict[str, Any], data: Rows, figures: Figures) -> tuple[Drawing, Tables]:
    """The chart of pins and their figures.

    said : the page's sentence, as Markdown
    link : path and query of the page
    spec, data : of the chart
    figures : name of a pin, and metric -> figure
    """
    known = [one for _, found in figures for one in found.values()]
    measured = any(one.basis is Basis.MEASURED for one in known)
    source = "Headroom's planner, predictions" + (", beside measurements imported by Headroom" if measured else "")
    origin = Origin(unmarked(said), f"Side by side: {'; '.join(name for name, _ in figures)}", source, link)
    return Drawing(spec, data, origin), Tables({"Figures": figure_rows(figures)}, origin, {})


def figure_rows(figures: Figures) -> list[Row]:
    """A row for each figure of each pin, with its interval and basis."""
    return [
        {
            "scenario": name,
            "figure": metric,
            "unit": UNITS.get(metric, "ms"),
            **{part: _scaled(metric, getattr(found[metric], part)) for part in ("value", "low", "high")},
            "basis": found[metric].basis.label,
        }
        for name, found in figures
        for metric in METRICS
        if metric in found
    ]


def _scaled(metric: str, value: float | None) -> float | None:
    return value if value is None or metric in UNITS else value / MILLISECOND
