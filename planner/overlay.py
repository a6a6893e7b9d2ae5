"""Measured beside predicted: each measured point with the estimate for its own conditions, and marks for the roofline.

A load test gives the time of a step, a trace that of kernels: without counts they stand at the model's arithmetic
intensity, with the model's FLOPs over the measured time. Kernels whose FLOPs and bytes were counted stand at their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from planner.errors import InsufficientMemory
from planner.estimate import Estimate, Figure, Phase, estimate
from planner.marks import Mark
from planner.measured import MeasuredPoint, Run
from planner.model import Model
from planner.predict import question
from planner.quantities import NANOSECOND
from planner.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measured value beside the estimate for the same conditions.

    point : measured
    estimate : for its conditions; None where there is none, and `refusal` says why
    """

    point: MeasuredPoint
    estimate: Estimate | None
    refusal: str | None = None

    @property
    def predicted(self) -> float | None:
        """The estimate's value of the point's metric, in the point's unit."""
        return PREDICTED[self.point.metric](self.estimate) if self.estimate else None

    @property
    def residual(self) -> float | None:
        """Measured over predicted [1]."""
        return self.point.value / self.predicted if self.predicted else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where nine in ten measurements lie, in the point's unit; None where nothing tells of it."""
        if self.estimate is None or self.predicted is None:
            return None
        if self.point.metric in RATES:
            found = self.estimate
            each = self.predicted / found.output_tokens_per_second
            return each * found.throughput_low, each * found.throughput_high
        figure = FIGURES.get(self.point.metric, _nothing)(self.estimate)
        if figure is None or figure.low is None or figure.high is None:
            return None
        return self.predicted * figure.low / figure.value, self.predicted * figure.high / figure.value

    @property
    def floor_utilisation(self) -> float | None:
        """Bandwidth floor over measured, of decode metrics: how close a step comes to the shortest possible [1]."""
        if self.estimate is None or self.point.metric not in DECODE_METRICS:
            return None
        return self.estimate.floor / self.point.value


SHORTEST, LONGEST = NANOSECOND, 1e6
"""No step is shorter than a clock tick or longer than days: such a time is a fault of its file [s]."""
UNLIMITED = "inf"
"""A request rate of load tests that send everything at once."""
DECODE_METRICS = frozenset({"tpot", "itl", "latency_per_output_token"})
PHASE_OF = {"ttft": "prefill", "tpot": "decode", "latency_per_output_token": "decode"}
PREDICTED: Mapping[str, Callable[[Estimate], float | None]] = {
    "ttft": lambda found: found.ttft.value,
    "tpot": lambda found: found.tpot.value if found.tpot else None,
    "itl": lambda found: found.tpot.value if found.tpot else None,
    "e2e": lambda found: found.e2e.value,
    "latency_per_output_token": lambda found: found.latency_per_output_token,
    "output_throughput": lambda found: found.output_tokens_per_second,
    "request_throughput": lambda found: found.requests_per_second,
    "prefill_arithmetic_intensity": lambda found: found.prefill.intensity,
    "decode_arithmetic_intensity": lambda found: found.decode.intensity,
}
RATES = frozenset({"output_throughput", "request_throughput"})
FIGURES: Mapping[str, Callable[[Estimate], Figure | None]] = {
    "ttft": lambda found: found.ttft,
    "tpot": lambda found: found.tpot,
    "itl": lambda found: found.tpot,
    "e2e": lambda found: found.e2e,
    "latency_per_output_token": lambda found: found.e2e,
}
"""Metric -> the figure whose interval it has, in proportion."""


def scenario_of(run: Run, gpu: str, model: Model, **cells: str) -> Scenario:
    """The question that a run answered: what the file tells, and what its reader adds.

    run : its settings are columns of predict.INPUTS
    gpu, model : chosen or confirmed by the reader
    cells : further columns that win over the run's settings
    raises : PlannerError for a question that cannot be asked
    valid : a load test without limit or rate sends all its requests at once
    """
    told = {name: format_cell(value) for name, value in run.settings.items()}
    limits = {told.get(name) or cells.get(name) for name in ("concurrency", "request_rate")}
    if limits <= {None, "", UNLIMITED} and "requests" in told:
        told["concurrency"] = told["requests"]
    return question({**told, **{name: text for name, text in cells.items() if text}, "gpu": gpu}, model)


def compare(run: Run, gpu: str, model: Model, **cells: str) -> tuple[Comparison, ...]:
    """Each point of a run that the planner can predict, beside that prediction.

    run : with points [s]
    gpu, model, cells : as in scenario_of
    returns : in the run's order; a point that does not fit in memory keeps its refusal
    """
    found: dict[tuple[tuple[str, str], ...], Estimate | str] = {}
    compared = []
    for point in run.points:
        if point.metric not in PREDICTED or point.statistic not in ("mean", "median"):
            continue
        conditions = {**cells, **conditions_of(point)}
        key = tuple(sorted(conditions.items()))
        if key not in found:
            found[key] = _estimate(run, gpu, model, conditions)
        answer = found[key]
        compared.append(Comparison(point, None, answer) if isinstance(answer, str) else Comparison(point, answer))
    return tuple(compared)


def conditions_of(point: MeasuredPoint) -> Mapping[str, str]:
    """The columns of predict.INPUTS that a point fixes: load and lengths.

    point : what it does not tell is left out [tokens], [1/s]
    """
    told = {
        "concurrency": point.concurrency,
        "request_rate": point.request_rate,
        "input_tokens": point.prompt_tokens,
        "output_tokens": point.output_tokens,
        "prefix_cached_tokens": point.prefix_cached_tokens,
    }
    return {name: format_cell(value) for name, value in told.items() if value is not None}


def step_marks(compared: Iterable[Comparison]) -> tuple[tuple[Mark, ...], tuple[Mark, ...]]:
    """Steps of a load test on the roof: the model's FLOPs of a step over its predicted and over its measured time.

    compared : comparisons; those of TTFT show a prefill step, those of TPOT and its kin a decode step [s]
    returns : predicted marks, measured marks
    valid : times of 1 ns to 1e6 s: others are no steps, and stay in the table alone. TTFT holds queue and host time
        too, so prefill marks lie below what the GPU reached
    """
    predicted, measured = [], []
    for comparison in compared:
        found, name = comparison.estimate, PHASE_OF.get(comparison.point.metric)
        if found is None or name is None or not comparison.predicted or not _drawable(comparison.point.value):
            continue
        phase = found.prefill if name == "prefill" else found.decode
        label = mark_label(comparison.point)
        predicted.append(_step_mark(label, name, phase, comparison.predicted))
        measured.append(_step_mark(label, name, phase, comparison.point.value))
    return tuple(predicted), tuple(measured)


def mark_label(point: MeasuredPoint) -> str:
    """A point's conditions in a few words.

    point : measured [tokens]
    """
    rate = f"{point.request_rate:g} requests/s" if point.request_rate else "all at once"
    load = f"batch {point.concurrency:g}" if point.concurrency else rate
    return f"{load}, prompt {point.prompt_tokens:.0f}" if point.metric == "ttft" and point.prompt_tokens else load


def _estimate(run: Run, gpu: str, model: Model, conditions: Mapping[str, str]) -> Estimate | str:
    try:
        return estimate(scenario_of(run, gpu, model, **conditions))
    except InsufficientMemory as no:
        return str(no)


def _nothing(_: Estimate) -> None:
    return None


def _drawable(seconds: float) -> bool:
    return SHORTEST <= seconds <= LONGEST


def _step_mark(label: str, name: str, phase: Phase, seconds: float) -> Mark:
    rate = float(phase.time.flops) / seconds
    return Mark(label, name, phase.bound, phase.intensity, rate, seconds, 0.1, rate > phase.attainable)


def format_cell(value: str | float) -> str:
    """A setting as the text of a column.

    value : a number loses nothing, 16.0 becomes "16" [1]

    >>> format_cell(16.0), format_cell("fp8")
    ('16', 'fp8')
    """
    return value if isinstance(value, str) else f"{value:.10g}"
