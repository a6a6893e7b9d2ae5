"""What a run measured, as questions with their answers: what a calibration is fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.catalogue_models import known_model
from planner.correction import Correction
from planner.errors import PlannerError
from planner.measured import Run
from planner.memory import memory
from planner.model import Model
from planner.overlay import conditions_of, scenario_of
from planner.quantities import FloatArray
from planner.scenario import Scenario
from planner.serving import Latencies, latencies
from planner.table import row_run, table_rows


def _mean(values: FloatArray) -> float:
    return float(np.nanmean(values))


METRICS: Mapping[str, Callable[[Latencies, Scenario], float]] = {
    "ttft": lambda found, _: _mean(found.ttft),
    "tpot": lambda found, _: _mean(found.tpot),
    "itl": lambda found, _: _mean(found.tpot),
    "e2e": lambda found, _: _mean(found.e2e),
    "latency_per_output_token": lambda found, asked: found.duration / asked.workload.output_tokens,
    "output_throughput": lambda found, _: found.throughput,
}


@dataclass(frozen=True, slots=True)
class Observation:
    """One measured value with the question that it answers.

    metric : key of METRICS
    measured : [s], or [1/s] for throughput
    """

    scenario: Scenario
    metric: str
    measured: float


def observations(run: Run, gpu: str | None = None, model: Model | None = None, **cells: str) -> tuple[Observation, ...]:
    """The means of a run that the planner can predict.

    run : with its table of rows, if it is a table [s]
    gpu, model, cells : that were measured, as in planner.overlay.scenario_of; None: what file or row tells
    returns : in the run's order; points without a load, GPU or model that can be asked about are left out
    """
    rows = table_rows(run)
    parts = [row_run(run, row) for row in rows] if rows else [run]
    return usable(one for part in parts for one in _of(part, gpu, model, cells))


def predicted(asked: Sequence[Observation], correction: Correction | None) -> FloatArray:
    """Each observation's metric as the planner says it, with or without a calibration [s], or [1/s].

    asked : that can be asked about
    correction : None: the catalogue as it is
    """
    found: dict[int, Latencies] = {}
    for one in asked:
        if id(one.scenario) not in found:
            found[id(one.scenario)] = _latencies(replace(one.scenario, correction=correction))
    return np.array([METRICS[one.metric](found[id(one.scenario)], one.scenario) for one in asked])


def usable(asked: Iterable[Observation]) -> tuple[Observation, ...]:
    """The observations that can be compared with a prediction: of a known metric, above zero, of what fits.

    asked : of one or several runs
    """
    return tuple(one for one in asked if one.metric in METRICS and one.measured > 0 and _answered(one))


def _answered(one: Observation) -> bool:
    try:
        found = float(predicted([one], None)[0])
    except PlannerError:
        return False
    return bool(np.isfinite(found) and found > 0)


def _latencies(asked: Scenario) -> Latencies:
    room = memory(asked)
    room.require(asked)
    return latencies(asked, room)


def _of(run: Run, gpu: str | None, model: Model | None, cells: Mapping[str, str]) -> Iterator[Observation]:
    """One scenario for all metrics of a load: it is predicted once."""
    asked: dict[tuple[tuple[str, str], ...], Scenario] = {}
    for point in run.points:
        conditions = conditions_of(point)
        key = tuple(conditions.items())
        if point.statistic != "mean" or point.metric not in METRICS:
            continue
        try:
            if key not in asked:
                chosen = model or known_model(run.model or run.model_name or "")
                asked[key] = scenario_of(run, gpu or run.gpu or "", chosen, **{**cells, **conditions})
        except PlannerError:
            continue
        yield Observation(asked[key], point.metric, point.value)
