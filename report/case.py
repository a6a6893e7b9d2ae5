"""What a report is about: a question with its answer and, where a run measured it, the run beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from planner.catalogue_models import known_model
from planner.checks import told_model
from planner.errors import InsufficientMemory, ScenarioError
from planner.estimate import Estimate, estimate
from planner.loads import Load, loads
from planner.measured import Run
from planner.model import Model
from planner.overlay import Comparison, compare, conditions_of, format_cell, scenario_of
from planner.predict import DEFAULTS
from planner.scenario import Scenario
from planner.table import row_run, series, table_rows

MOST_SERIES = 6
"""Of one table of measurements that a report shows."""
ASKED = {"input_tokens": "prompt tokens", "output_tokens": "output tokens", "concurrency": "requests at once"}


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its answer.

    name : for people
    answer : None where the model does not fit, and `refusal` says why
    run : that measured it; None for a prediction alone
    loads, compared : of the run; the question is that of its last load
    told : columns of predict.INPUTS -> text and who told it
    """

    name: str
    scenario: Scenario
    answer: Estimate | None
    refusal: str = ""
    run: Run | None = None
    loads: tuple[Load, ...] = ()
    compared: tuple[Comparison, ...] = ()
    told: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def load(self) -> Load | None:
        """The load that the question is about."""
        return self.loads[-1] if self.loads else None

    @property
    def answers(self) -> tuple[tuple[Load, Estimate], ...]:
        """Each load that the planner can predict, with its estimate."""
        known = {_key(one): one.estimate for one in self.compared if one.estimate is not None}
        keyed = ((load, known.get(tuple(sorted(load.conditions.items())))) for load in self.loads)
        return tuple((load, found) for load, found in keyed if found is not None)


def planned(scenario: Scenario) -> Case:
    """A question of which nothing was measured."""
    name = f"{scenario.model.name} on {scenario.deployment.tensor_parallel} × {scenario.deployment.gpu.label}"
    return _answered(Case(name, scenario, None))


def measured(run: Run, gpu: str | None = None, model: Model | None = None, **cells: str) -> Iterator[Case]:
    """The cases of a run: one, or of a table one for each of its first series.

    run : with its points and kernels, a table with its rows
    gpu, model, cells : the reader's word, where the file does not tell or tells wrongly
    raises : ScenarioError where nobody tells GPU or model, CatalogueError
    """
    rows = table_rows(run)
    if not rows:
        yield _measured(run, gpu or run.gpu, model or told_model(run), cells)
    for label, named in list(series(rows).items())[:MOST_SERIES] if rows else ():
        parts = [part for row in named if (part := row_run(run, row)).points]
        if parts:
            points = tuple(point for part in parts for point in part.points)
            identity = hashlib.sha256(f"{run.file_hash} {label}".encode()).hexdigest()
            name = f"{run.source_name}: {label}"
            whole = replace(parts[0], source_name=name, file_hash=identity, points=points)
            yield _measured(whole, gpu or whole.gpu, model or known_model(whole.model or ""), cells)


def _measured(run: Run, gpu: str | None, model: Model | None, cells: Mapping[str, str]) -> Case:
    missing = " and ".join(name for name, known in (("--gpu", gpu), ("--model", model)) if known is None)
    if gpu is None or model is None:
        raise ScenarioError(f"{run.source_name} does not tell what was measured: name it with {missing}.")
    found = loads(run)
    conditions = found[-1].conditions if found else {}
    scenario = scenario_of(run, gpu, model, **{**cells, **conditions})
    told = {name: (format_cell(value), "the file") for name, value in run.settings.items()}
    told |= {name: (text, "you") for name, text in cells.items() if text}
    told |= {name: (text, "the file") for name, text in conditions.items()}
    usual = {name: (format_cell(value), "assumed") for name, value in DEFAULTS.items()}
    if scenario.workload.open_loop:
        usual.pop("concurrency")
    compared = compare(run, gpu, model, **cells)
    return _answered(Case(run.source_name, scenario, None, "", run, found, compared, usual | told))


def _answered(case: Case) -> Case:
    known = next((found for load, found in reversed(case.answers) if load is case.load), None)
    try:
        return replace(case, answer=known or estimate(case.scenario))
    except InsufficientMemory as no:
        return replace(case, refusal=str(no))


def _key(one: Comparison) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(conditions_of(one.point).items()))
