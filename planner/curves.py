"""A latency or a rate over batch, arrivals or prompt length: the predicted line, and measured points beside it.

The points of a sweep tell at which conditions it was measured; between them the others (output, cached prompt) are
taken in proportion, so that the line passes where the points were asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planner.differences import FEWEST, spread
from planner.errors import PlannerError
from planner.estimate import Estimate, Figure, estimate
from planner.loads import CENTRES, Load
from planner.model import Model
from planner.overlay import format_cell, scenario_of
from planner.quantities import FloatArray

AXES = {"concurrency": "concurrency", "request_rate": "request_rate", "prompt_tokens": "input_tokens"}
"""Field of MeasuredPoint -> column of predict.INPUTS."""
OTHERS = {"output_tokens": "output_tokens", "prefix_cached_tokens": "prefix_cached_tokens"}
ALIKE = 1.15
"""Other conditions within this factor of the usual ones are on the same line: tools draw lengths at random."""
BETWEEN = 10
"""Places of a predicted line besides those that were measured."""
MEASURED_PLACES = 24
"""Measured places at most at which the line is predicted; the points themselves are all shown."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A measured value; bounds are its own 90 % interval, None where unknown, in the unit of the value."""

    x: float
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One metric over an axis: arrays of one length with the predicted mean and its 90 % interval.

    x : of the axis, ascending [1], [1/s] or [tokens]
    value, low, high : [s] or [1/s]
    dots : measured
    """

    metric: str
    x: FloatArray
    value: FloatArray
    low: FloatArray
    high: FloatArray
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value with its interval [s] or [1/s]."""

    value: float
    low: float
    high: float


def _figure(found: Figure | None) -> Bounded | None:
    return Bounded(found.value, found.low or found.value, found.high or found.value) if found else None


def _in_proportion(value: float, of: Figure | None) -> Bounded:
    """A time whose error is that of a figure."""
    known = _figure(of)
    return Bounded(value, value * known.low / known.value, value * known.high / known.value) if known else (
        Bounded(value, value, value)
    )  # fmt: skip


PREDICTED: Mapping[str, Callable[[Estimate], Bounded | None]] = {
    "tpot": lambda found: _figure(found.tpot),
    "ttft": lambda found: _figure(found.ttft),
    "e2e": lambda found: _figure(found.e2e),
    "latency_per_output_token": lambda found: _in_proportion(found.latency_per_output_token, found.e2e),
    "output_throughput": lambda found: Bounded(
        found.output_tokens_per_second, found.throughput_low, found.throughput_high
    ),
    "step_time": lambda found: _in_proportion(found.decode.seconds, found.tpot),
}
MEASURED_AS = {"step_time": ("decode_step_time", "step_time")}
"""Metrics of points by other names than the line's."""


def axis_of(found: Sequence[Load]) -> str | None:
    """What varies most from load to load of a run: a key of AXES; None if nothing does.

    found : the run's loads
    """
    each = {axis: {round(np.log(at) / np.log(ALIKE)) for at in _told(found, axis)} for axis in AXES}
    best = max(AXES, key=lambda axis: len(each[axis]))
    return best if len(each[best]) > 1 else None


def on_one_line(found: Sequence[Load], axis: str) -> tuple[Load, ...]:
    """The loads that differ along an axis alone: what else they were sent with is within 15 % of the usual.

    found : the run's loads
    axis : key of AXES
    """
    kept = [one for one in found if _at(one, axis)]
    for other in (*(name for name in AXES if name != axis), "output_tokens"):
        usual = np.median(_told(kept, other)) if _told(kept, other) else None
        kept = [one for one in kept if usual is None or _near(_at(one, other), float(usual))]
    return tuple(sorted(kept, key=lambda one: _at(one, axis) or 0.0))


def lines(found: Sequence[Load], axis: str, gpu: str, model: Model, **cells: str) -> tuple[Line, ...]:
    """Every metric of a run's loads over an axis, predicted and measured.

    found : loads that differ along the axis alone (on_one_line)
    axis : key of AXES
    gpu, model, cells : as in overlay.scenario_of
    returns : metrics that have a measured point, or that the planner alone knows (step time)
    valid : a place that does not fit in memory is left out
    """
    answers = [(at, one) for at in places(_told(found, axis)) if (one := _estimate(found, axis, at, gpu, model, cells))]
    made = (_line(metric, answers, _dots(found, axis, metric)) for metric in PREDICTED)
    return tuple(line for line in made if line is not None and (line.dots or line.metric == "step_time"))


def places(measured: Sequence[float]) -> tuple[float, ...]:
    """Where a line is predicted: at what was measured, and evenly between on the log axis.

    measured : on the axis [1], [1/s] or [tokens]
    """
    known = np.unique(measured)
    known = known[np.unique(np.linspace(0, len(known) - 1, MEASURED_PLACES).round().astype(int))]
    between = np.geomspace(known[0], known[-1], BETWEEN)
    if np.all(known == np.round(known)):
        between = np.round(between)
    return tuple(np.unique([*known, *between]).tolist())


def _line(metric: str, answers: Sequence[tuple[float, Estimate]], dots: tuple[Dot, ...]) -> Line | None:
    known = [(at, bounded) for at, one in answers if (bounded := PREDICTED[metric](one)) is not None]
    if not known:
        return None
    value, low, high = (np.array([getattr(bounded, name) for _, bounded in known]) for name in ("value", "low", "high"))
    return Line(metric, np.array([at for at, _ in known]), value, low, high, dots)


def _estimate(
    found: Sequence[Load], axis: str, at: float, gpu: str, model: Model, cells: Mapping[str, str]
) -> Estimate | None:
    asked = {**cells, **_conditions(found, axis, at), AXES[axis]: format_cell(at)}
    try:
        return estimate(scenario_of(found[0].run, gpu, model, **asked))
    except PlannerError:
        return None


def _conditions(found: Sequence[Load], axis: str, at: float) -> dict[str, str]:
    """What else a request at a place of the axis would have been sent with."""
    told = {}
    for name, column in {**AXES, **OTHERS}.items():
        known = [(place, value) for one in found if (value := _at(one, name)) and (place := _at(one, axis))]
        if known and name != axis:
            here, values = np.array(sorted(known)).T
            told[column] = format_cell(float(np.interp(at, here, values)))
    return told


def _dots(found: Sequence[Load], axis: str, metric: str) -> tuple[Dot, ...]:
    dots = []
    for one in found:
        at = _at(one, axis)
        value = next(
            (value for name in MEASURED_AS.get(metric, (metric,)) if (value := one.value(name, *CENTRES))), None
        )
        if at and value:
            dots.append(Dot(at, value, *_own_interval(one, metric, value)))
    return tuple(dots)


def _own_interval(one: Load, metric: str, value: float) -> tuple[float | None, float | None]:
    """As the tool gives it, else from resampling the requests."""
    given = next((point for point in one.run.points if point.value == value and point.low is not None), None)
    if given is not None:
        return given.low, given.high
    if one.sample is None or metric not in ("ttft", "tpot", "e2e") or len(one.sample.values(metric)) < FEWEST:
        return None, None
    return spread(one.sample.values(metric).tolist())


def _told(found: Sequence[Load], name: str) -> list[float]:
    return [value for one in found if (value := _at(one, name))]


def _at(one: Load, name: str) -> float | None:
    value: float | None = getattr(one.run.points[0], name) if one.run.points else None
    return value


def _near(value: float | None, usual: float) -> bool:
    return value is not None and usual / ALIKE <= value <= usual * ALIKE
