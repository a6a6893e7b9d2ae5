"""The roofline: ceilings, ridge points, predicted ops and measured marks on log-log axes.

The specification is made once for each theme; a rerun sends data alone, under the names in DATASETS.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import altair as alt

from charts import palette
from charts.roof_labels import INTENSITY, SIZES, Rows, beside, labelled, sided
from planner.estimate import Phase
from planner.gpu import Gpu
from planner.marks import Mark
from planner.quantities import TERA
from planner.roofline import Bound, attainable, ridge_point
from planner.words import duration, percent, tera
from words.text import kernel_name, op_name

DATASETS = ("ceilings", "ridges", "ops", "measured")
FORMATS = ("fp16", "bf16", "int8", "fp8", "fp4")
DECADES = [10.0**power for power in range(-4, 6)]
HEIGHT = 460
PICK = "pick"
"""Name of the selection of measured marks: a click gives the place of the mark among those that were sent."""


@cache
def roofline_spec(theme: str, *, measured: bool = True) -> dict[str, Any]:
    """The chart as a Vega-Lite specification without data.

    theme : "light" or "dark"
    measured : with marks for what was measured; a group of none has no name that could be read out
    """
    return chart(theme, measured=measured).to_dict()


def chart(theme: str, *, measured: bool = True) -> alt.LayerChart:
    """The chart as a value, on named data.

    theme, measured : as for roofline_spec
    """
    layers = [*_ceilings(theme), *_ridges(theme), _ops(theme), _op_labels(theme)]
    if measured:
        layers += [_measured(theme), *_measured_labels(theme)]
    return alt.layer(*layers).properties(height=HEIGHT).resolve_scale(size="independent")


def datasets(
    gpu: Gpu, used: str, marks: Iterable[Mark], measured: Iterable[Mark] = (), *, measured_alone: bool = False
) -> dict[str, Rows]:
    """What a rerun sends: a list of rows for each name in DATASETS.

    gpu : whose ceilings are drawn [FLOP/s], [B/s]
    used : format of the weights' products, drawn heavier
    marks : predicted ops [FLOP/B], [FLOP/s]
    measured : measured marks in the same units
    measured_alone : label these only, where each predicted mark has a measured twin
    """
    return {
        "ceilings": [row for names in _ceilings_of(gpu) for row in _ceiling(gpu, names, used)],
        "ridges": [_ridge(gpu, used)],
        "ops": [_op_row(mark) for mark in marks] if measured_alone else labelled([_op_row(mark) for mark in marks]),
        "measured": sided(
            labelled([_measured_row(mark) | {"place": at} for at, mark in enumerate(measured)]), measured_alone
        ),
    }


def described(gpu: Gpu, *phases: Phase) -> str:
    """The chart in words, for screen readers."""
    said = [f"{phase.intensity:.3g} FLOP/B at {tera(phase.achieved)}, bound by {phase.bound.label}" for phase in phases]
    return f"Roofline of {gpu.label}: " + "; ".join(said)


def _ceilings_of(gpu: Gpu) -> list[list[str]]:
    """Matrix formats by their peak: those with the same peak share a line."""
    by_peak: dict[float, list[str]] = {}
    for name in FORMATS:
        if name in gpu.peaks:
            by_peak.setdefault(gpu.peaks[name], []).append(name)
    return list(by_peak.values())


def _ceiling(gpu: Gpu, names: list[str], used: str) -> Rows:
    """A line of the roof, its label above it: under it stand the ops that come close."""
    label = f"{', '.join(names)} {tera(gpu.peaks[names[0]])}"
    peak, ridge = gpu.peaks[names[0]], float(ridge_point(gpu.peaks[names[0]], gpu.bandwidth))
    points = (INTENSITY[0], ridge, INTENSITY[1])
    return [
        {
            "format": ", ".join(names),
            "intensity": x,
            "rate": float(attainable(x, peak, gpu.bandwidth)) / TERA,
            "label": label if x == INTENSITY[1] else "",
            "used": used in names,
        }
        for x in points
    ]


def _ridge(gpu: Gpu, used: str) -> dict[str, Any]:
    peak = gpu.peaks[used]
    ridge = float(ridge_point(peak, gpu.bandwidth))
    return {"intensity": ridge, "rate": peak / TERA, "label": f"ridge {ridge:.0f}"}


def _op_row(mark: Mark) -> dict[str, Any]:
    return _row(mark) | {"name": op_name(mark.name)}


def _measured_row(mark: Mark) -> dict[str, Any]:
    said = "above the roof: not this model, batch or context" if mark.above_roof else "measured time, the model's FLOPs"
    return _row(mark) | {"name": kernel_name(mark.name), "said": said, "above": mark.above_roof}


def _row(mark: Mark) -> dict[str, Any]:
    return {
        "phase": mark.phase,
        "bound": mark.bound.label,
        "intensity": mark.intensity,
        "rate": mark.rate / TERA,
        "share": mark.share,
        "share_text": percent(mark.share),
        "time_text": duration(mark.seconds),
        "rate_text": tera(mark.rate),
        "label": "",
    }


def _x() -> alt.X:
    scale = alt.Scale(type="log", domain=list(INTENSITY), nice=False)
    return alt.X(
        "intensity:Q",
        scale=scale,
        title="Arithmetic intensity (FLOP/B)",
        axis=alt.Axis(format="~g", grid=False, values=DECADES),
    )


def _y() -> alt.Y:
    scale = alt.Scale(type="log", nice=False, padding=12)
    return alt.Y(
        "rate:Q", scale=scale, title="Rate of one GPU (TFLOP/s)", axis=alt.Axis(format="~g", grid=True, values=DECADES)
    )


def _ceilings(theme: str) -> list[alt.Chart]:
    base = alt.Chart(alt.NamedData("ceilings")).encode(x=_x(), y=_y(), detail="format:N")
    weight = alt.condition("datum.used", alt.value(2.5), alt.value(1.0))
    line = base.mark_line(color=palette.MUTED[theme]).encode(strokeWidth=weight)
    text = base.mark_text(align="right", dy=-7, fontSize=12, color=palette.MUTED[theme]).encode(text="label:N")
    return [line, text]


def _ridges(theme: str) -> list[alt.Chart]:
    base = alt.Chart(alt.NamedData("ridges")).encode(x=_x(), y=_y())
    rule = base.mark_rule(strokeDash=[3, 3], color=palette.MUTED[theme]).encode(y=alt.Y("rate:Q"))
    foot = base.mark_text(align="left", baseline="bottom", dx=6, dy=-4, fontSize=12, color=palette.MUTED[theme])
    text = foot.encode(y=alt.value("height"), text="label:N")
    return [rule, base.mark_point(shape="circle", filled=True, size=40, color=palette.MUTED[theme], opacity=1), text]


def _bound_colour() -> alt.Color:
    scale = alt.Scale(domain=[bound.label for bound in Bound], range=[palette.BOUND[bound] for bound in Bound])
    return alt.Color(
        "bound:N",
        scale=scale,
        title="Bound by",
        legend=_legend(symbolType="square", symbolStrokeWidth=0, columns=2),
    )


def _shape(field: str, theme: str) -> alt.Shape:
    """One legend for predicted and measured marks: beside that of the bounds a phone has room for one."""
    scale = alt.Scale(domain=list(palette.SHAPE), range=list(palette.SHAPE.values()))
    legend = _legend(
        columns=1, symbolFillColor="transparent", symbolStrokeColor=palette.TEXT[theme], symbolStrokeWidth=1.5
    )
    return alt.Shape(f"{field}:N", scale=scale, title="Mark", legend=legend)


def _legend(**more: Any) -> alt.Legend:
    return alt.Legend(
        orient="top", symbolSize=70, labelFontSize=11, titleFontSize=11, rowPadding=0, columnPadding=8, **more
    )


def _ops(theme: str) -> alt.Chart:
    return (
        alt.Chart(alt.NamedData("ops"))
        .mark_point(filled=True, opacity=0.85, stroke="white", strokeWidth=0.5, clip=True)
        .encode(
            x=_x(),
            y=_y(),
            color=_bound_colour(),
            shape=_shape("phase", theme),
            size=alt.Size("share:Q", scale=alt.Scale(domain=[0, 1], range=[40, 900]), legend=None),
            tooltip=_tooltip(),
        )
    )


def _op_labels(theme: str) -> alt.Chart:
    text = alt.Chart(alt.NamedData("ops")).mark_text(**beside(), dy=1, fontSize=11, color=palette.TEXT[theme])
    return text.encode(x=_x(), y=_y(), text="label:N").add_params(*SIZES)


def _measured(theme: str) -> alt.Chart:
    return (
        alt.Chart(alt.NamedData("measured"))
        .transform_calculate(kind="'measured'")
        .mark_point(filled=False, strokeWidth=2.2, color=palette.MEASURED[theme], clip=True)
        .encode(
            x=_x(),
            y=_y(),
            shape=_shape("kind", theme),
            size=alt.Size("share:Q", scale=alt.Scale(domain=[0, 1], range=[60, 700]), legend=None),
            tooltip=[*_tooltip(), alt.Tooltip("said:N", title="Note")],
        )
        .add_params(alt.selection_point(name=PICK, fields=["place"]))
    )


def _measured_labels(theme: str) -> list[alt.Chart]:
    base = alt.Chart(alt.NamedData("measured")).encode(x=_x(), y=_y())
    style = {"dy": 1, "fontSize": 11, "fontWeight": "bold", "color": palette.MEASURED[theme]}
    left = base.mark_text(**beside("left"), **style).encode(text="label:N")
    return [left, base.mark_text(**beside("right", "label_right"), **style).encode(text="label_right:N")]


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("name:N", title="Op"),
        alt.Tooltip("phase:N", title="Phase"),
        alt.Tooltip("bound:N", title="Bound by"),
        alt.Tooltip("intensity:Q", title="Intensity (FLOP/B)", format=",.3~g"),
        alt.Tooltip("rate_text:N", title="Rate"),
        alt.Tooltip("time_text:N", title="Time of one run"),
        alt.Tooltip("share_text:N", title="Share of time"),
    ]
