"""What the checks look at: a run, case by case, each with the question that it answers; and what a check finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from planner.catalogue import find_gpu
from planner.catalogue_models import known_model
from planner.checks.columns import NO_LAUNCHES, Launches, Requests, launches, requests
from planner.errors import CatalogueError, PlannerError
from planner.gpu import Gpu
from planner.measured import MeasuredPoint, Run, Severity
from planner.model import Model
from planner.overlay import SHORTEST, conditions_of, scenario_of
from planner.predict import question
from planner.scenario import Scenario
from planner.table import Row, cells_of, number, row_run, table_rows

CENTRES = ("mean", "total", "median")
"""Statistics that stand for a metric, best first."""
LARGEST = 1e10
"""Of a measured time or rate, and of a load, that is looked at; the smallest is a clock's tick [s], [1/s], [1]."""
REPLICATED = ("data_parallel", "pipeline_parallel")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check holds against a measurement, in computed numbers.

    check : the check's name
    subject : which point, kernel or device
    sentence : what was found
    measured, limit : in `unit`; the ratio is measured over limit
    cause : the likely one
    experiment : what would settle it
    """

    check: str
    severity: Severity
    subject: str
    sentence: str
    measured: float
    limit: float
    unit: str
    cause: str
    experiment: str

    @property
    def ratio(self) -> float:
        """Measured over limit [1]."""
        return self.measured / self.limit


@dataclass(frozen=True, slots=True)
class Case:
    """Everything measured under one load.

    run : with the points of this load alone
    row : of the table that it is from; empty where there is none
    scenario : the question that it answers; None where GPU or model are not known, or it cannot be asked
    """

    subject: str
    run: Run
    row: Row
    scenario: Scenario | None

    def value(self, metric: str, *statistics: str) -> float | None:
        """A measured value, by the first of the statistics that is there [s], [1/s].

        statistics : CENTRES where none is given
        valid : from a clock's tick on; what is smaller or beyond reason is a fault of the file, and missing
        """
        sane = (point for point in self.run.points if point.metric == metric and SHORTEST <= point.value <= LARGEST)
        found = {point.statistic: point.value for point in sane}
        return next((found[name] for name in statistics or CENTRES if name in found), None)

    def told(self, name: str) -> float | None:
        """A number of the load; None if it is not told, 0 or beyond reason.

        name : field of MeasuredPoint ("concurrency", "request_rate", "prompt_tokens", ...), or a setting
        """
        value: Any = getattr(self.run.points[0], name, None) if self.run.points else None
        if value is None:
            value = self.run.settings.get(name)
        told = number(value if value is None else str(value))
        return told if told is not None and SHORTEST <= told <= LARGEST else None

    @property
    def asked(self) -> Scenario:
        """The question, where it is known that there is one.

        raises : ValueError where there is none
        """
        if self.scenario is None:
            raise ValueError(f"{self.subject} has no question")
        return self.scenario

    @property
    def replicas(self) -> float:
        """Copies and stages of the model beside its tensor-parallel group [1]."""
        product = 1.0
        for name in REPLICATED:
            product *= self.told(name) or 1.0
        return product


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run as the checks see it.

    cases : its points by load, or its table by row
    gpu, model : chosen by the reader or known from the file
    scenario : what the run is taken to show; None where GPU or model are not known, or it cannot be asked
    phase : "prefill" or "decode", that a trace is taken to show
    requests, launches : of its tables, result by result and over the whole trace
    """

    run: Run
    cases: tuple[Case, ...] = ()
    gpu: Gpu | None = None
    model: Model | None = None
    scenario: Scenario | None = None
    phase: str = "decode"
    requests: tuple[Requests, ...] = ()
    launches: Launches = NO_LAUNCHES


def evidence(run: Run, gpu: str | None, model: Model | None, phase: str = "decode", **cells: str) -> Evidence:
    """A run as evidence, whatever it is.

    run : with its tables, as far as they are to be looked at
    gpu, model : chosen or confirmed by the reader, or known from the file; None: not known. A table names its own
    phase : that a trace is taken to show
    cells : further columns of predict.INPUTS that the reader chose
    """
    rows = table_rows(run)
    return table_evidence(run, rows) if rows else run_evidence(run, gpu, model, phase, **cells)


def told_model(run: Run) -> Model | None:
    """The model that a run's file names, if the catalogue knows it."""
    try:
        return known_model(run.model or run.model_name or "")
    except CatalogueError:
        return None


def run_evidence(run: Run, gpu: str | None, model: Model | None, phase: str = "decode", **cells: str) -> Evidence:
    """A trace or load test as evidence.

    run, gpu, model, phase, cells : as in evidence
    """

    def ask(**conditions: str) -> Scenario | None:
        if gpu is None or model is None:
            return None
        try:
            return scenario_of(run, gpu, model, **{**cells, **conditions})
        except PlannerError:
            return None

    parts = _loads(run)
    cases = [Case(_subject(part.points[0], run), part, {}, ask(**conditions_of(part.points[0]))) for part in parts]
    known = find_gpu(gpu) if gpu else None
    return Evidence(run, tuple(cases), known, model, ask(), phase, requests(run), launches(run))


def table_evidence(run: Run, rows: Iterable[Row]) -> Evidence:
    """A table of measurements as evidence, each row a case with its own GPU and model.

    run : of the whole table
    rows : of it [ms], [1/s]
    """
    parts = [(row, row_run(run, row)) for row in rows]
    several = len({(row["model"]) for row, _ in parts}) > 1
    cases = [
        Case(_row_subject(row, part, several), part, row, _question(cells_of(row)))
        for row, part in parts
        if part.points
    ]
    return Evidence(run, tuple(cases))


def same_but(cases: Iterable[Case], *varied: str) -> list[list[Case]]:
    """Cases of a known question that differ in the named cells alone, in groups.

    varied : columns of predict.INPUTS
    """
    grouped: dict[tuple[object, ...], list[Case]] = {}
    for case in cases:
        if case.scenario is not None:
            grouped.setdefault(_fixed(case, varied), []).append(case)
    return list(grouped.values())


def _fixed(case: Case, varied: tuple[str, ...]) -> tuple[object, ...]:
    cells: Mapping[str, object] = {**case.run.settings, **conditions_of(case.run.points[0])}
    return (case.run.gpu, case.run.model, *sorted((key, str(cells[key])) for key in cells if key not in varied))


def _loads(run: Run) -> list[Run]:
    """The run split where its conditions change, or where a result begins that repeats a value."""
    parts: list[list[MeasuredPoint]] = []
    for _, points in groupby(run.points, key=lambda point: tuple(conditions_of(point).items())):
        seen: set[tuple[str, str]] = set()
        parts.append([])
        for point in points:
            if (point.metric, point.statistic) in seen:
                seen = set()
                parts.append([])
            seen.add((point.metric, point.statistic))
            parts[-1].append(point)
    return [replace(run, points=tuple(points), tables={}) for points in parts]


def _question(cells: Mapping[str, str]) -> Scenario | None:
    try:
        return question(cells)
    except PlannerError:
        return None


def _subject(point: MeasuredPoint, run: Run) -> str:
    batch = "batch {:g}" if run.settings.get("mode") == "batch" else "{:g} at once"
    said = {
        batch: point.concurrency,
        "{:g} requests/s": point.request_rate,
        "prompt {:,.0f}": point.prompt_tokens,
        "output {:,.0f}": point.output_tokens,
    }
    return ", ".join(text.format(value) for text, value in said.items() if value) or run.source_name


def _row_subject(row: Row, part: Run, several_models: bool) -> str:
    who = [row["gpu"], *([row["model"].rsplit("/", 1)[-1]] if several_models else [])]
    count = part.settings.get("tensor_parallel", "1")
    who += [f"TP {count}"] if count != "1" else []
    name = [f"run {row['run']}"] if row.get("run") else []
    phase = [row["phase"]] if row.get("phase") else []
    return ", ".join([*who, *name, *phase, _subject(part.points[0], part)])
