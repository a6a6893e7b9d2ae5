"""Scenes of a talk: one sentence, a few figures, one chart, notes to speak from; on slides and on a full screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from charts import memory as memory_chart
from charts import pareto, roofline, waterfall
from charts.waterfall import KERNELS
from planner.alternatives import alternatives
from planner.catalogue_models import known_model
from planner.errors import CatalogueError, InsufficientMemory
from planner.estimate import Estimate, estimate
from planner.marks import totals
from planner.measured import Run
from planner.memory import memory
from planner.overlay import Comparison, compare, scenario_of, step_marks
from planner.quantities import Basis
from planner.scenario import Scenario
from planner.waterfall import Part
from planner.words import digits, duration
from report.answers import planned_origin, question_words, told_figures
from report.images import Rows
from report.note import note
from report.origin import Origin, unmarked
from report.planned import roofline_data
from words.rows import METRICS, verdict
from words.text import answer_sentence, gpus_text, memory_sentence, memory_text, plain

MOST_FIGURES = 5
CHARTS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "roofline": partial(roofline.roofline_spec, measured=False),
    "memory": memory_chart.memory_spec,
    "waterfall": waterfall.waterfall_spec,
    "cost": lambda theme: pareto.pareto_spec(theme, pareto.THROUGHPUT, reverse=True),
}
"""Name -> specification of a theme."""
Told = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing to show.

    name : as its owner calls it
    said : the sentence, as Markdown
    figures : label, value, what belongs under it; at most MOST_FIGURES
    chart : one of CHARTS
    data : rows of the chart
    alt : the chart in words
    origin : of all of it
    notes : to speak from
    assumed : what it takes for granted, as text
    """

    name: str
    said: str
    figures: tuple[Told, ...]
    chart: str
    data: Rows
    alt: str
    origin: Origin
    notes: str
    assumed: str


def scene(name: str, scenario: Scenario, link: str = "", notes: str = "") -> Scene:
    """A question's scene; where the answer is no, that is what it shows.

    name : as its owner calls it
    link : path and query of the question
    notes : of its owner, to speak from
    raises : PlannerError
    """
    try:
        return _answered(name, estimate(scenario), link, notes)
    except InsufficientMemory as no:
        return _refused(name, scenario, str(no), link, notes)


def measured_scene(name: str, run: Run, link: str = "", notes: str = "") -> Scene:
    """A run's scene: a load test on the roof beside its prediction, a trace by where its time goes.

    run : whole
    raises : PlannerError
    """
    said, source = verdict(run), f"measured with {run.tool} {run.tool_version}, run {run.id}"
    origin = Origin(unmarked(said), f"What was measured in {run.source_name}", source, link)
    if run.kernels:
        spent = totals(run.kernels)
        parts = [Part(f"{KERNELS}{kind}", seconds, Basis.MEASURED) for kind, seconds in spent.items()]
        figures = tuple((waterfall.part_name(part.name), duration(part.seconds), "measured") for part in parts)
        rows = waterfall.rows(parts, "Kernel time")
        return Scene(
            name, said, figures[:MOST_FIGURES], "waterfall", rows, unmarked(said), origin, notes or source, source
        )
    return _load_test(name, run, said, origin, notes)


def _answered(name: str, found: Estimate, link: str, notes: str) -> Scene:
    said = answer_sentence(found)
    alt = roofline.described(found.scenario.deployment.gpu, found.prefill, found.decode)
    told = [notes, unmarked(memory_sentence(found.memory, found.scenario.workload))]
    told += [f"Basis: {found.basis.label}. Between the two ends of an interval lie 90 % of measurements."]
    told += found.caveats
    return Scene(
        name, said, told_figures(found), "roofline", roofline_data(found), alt, planned_origin(found, link=link),
        "\n".join(part for part in told if part), note(found, link),
    )  # fmt: skip


def _refused(name: str, scenario: Scenario, why: str, link: str, notes: str) -> Scene:
    room, gpu = memory(scenario), scenario.deployment.gpu
    said = f"**No:** {plain(scenario.model.name)} does not run on **{gpus_text(scenario)}**."
    nearest = [text for text, _ in alternatives(scenario)]
    instead = f"What fits instead: {', or '.join(nearest)}." if nearest else "No single change makes it fit."
    figures = (
        ("Weights on each GPU", memory_text(room.weights), "needed"),
        ("Each GPU has", memory_text(room.total), gpu.label),
    )
    origin = Origin(
        unmarked(said), question_words(scenario), f"Headroom's planner; {gpu.label}: {gpu.source.text}", link
    )
    spoken = "\n".join(part for part in (notes, why, instead) if part)
    rows = memory_chart.parts(room)
    return Scene(name, said, figures, "memory", rows, unmarked(said), origin, spoken, f"{why}\n{instead}\n")


def _load_test(name: str, run: Run, said: str, origin: Origin, notes: str) -> Scene:
    if run.gpu is None or run.model is None:
        raise CatalogueError(
            f"{run.source_name} does not tell its GPU and model: it has no place on a roof. Say both on Evidence first."
        )
    model = known_model(run.model)
    compared = compare(run, run.gpu, model)
    predicted, measured = step_marks(compared)
    scenario = scenario_of(run, run.gpu, model)
    gpu = scenario.deployment.gpu
    if measured:
        data = roofline.datasets(gpu, scenario.quantization.matmul, predicted, measured, measured_alone=True)
    else:
        data = roofline_data(estimate(scenario))
    alt = f"Roofline of {gpu.label} with {len(measured)} measured steps beside {len(predicted)} predicted ones"
    beside = f"Beside it: the prediction for {question_words(scenario)}."
    figures = tuple(_figure(one) for one in compared[:MOST_FIGURES])
    residuals = [one.residual for one in compared if one.residual is not None]
    if residuals:
        said += f" Measured over predicted: **{digits(median(residuals))}** in the median of {len(residuals)}."
    spoken = "\n".join(part for part in (notes, beside) if part)
    return Scene(name, said, figures, "roofline", data, alt, origin, spoken, f"{origin.source}\n{beside}\n")


def _figure(one: Comparison) -> Told:
    """A measured value, its prediction under it."""
    rate = "throughput" in one.point.metric
    words: Callable[[float], str] = digits if rate or "intensity" in one.point.metric else duration
    under = f"predicted {words(one.predicted)}" if one.predicted is not None else "not predicted"
    label = METRICS.get(one.point.metric, one.point.metric) + ("/s" if rate else "")
    at = one.point.concurrency
    return label + (f", batch {at:g}" if at is not None else ""), words(one.point.value), under


def listed(scenes: Sequence[Scene]) -> list[str]:
    """What a talk shows, a line for each scene."""
    return [f"{place}. {one.name}" for place, one in enumerate(scenes, start=1)]
