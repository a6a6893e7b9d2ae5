"""Measured beside predicted: figures and curves, the roof, where the time went, and how much of the GPU was used."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping

from charts import curves, heatmap, roofline, waterfall
from planner.curves import axis_of, lines, on_one_line
from planner.estimate import Estimate
from planner.inferred import DECODE, inferred_parts
from planner.loads import Load
from planner.marks import Mark, predicted_marks
from planner.overlay import Comparison, step_marks
from planner.quantities import MILLISECOND
from planner.waterfall import Part, predicted
from planner.words import digits, duration, percent
from report.case import Case
from report.sections import Chart, Section, Words, chart_of, table_of
from report.sections_static import bound_sentence
from words.rows import METRICS, comparison_row

ACROSS = {"concurrency": "Requests at once", "request_rate": "Requests/s", "prompt_tokens": "Prompt tokens"}
NAMES = {**METRICS, "step_time": "Decode step", "output_throughput": "Output tokens/s"}
MOST_CURVES = 4
OVERLOAD = "above what it can serve, a wait depends on how long the test ran"


def measured_against_predicted(case: Case) -> Section:
    """Every figure that the planner predicts, with the interval of its prediction, and curves over the load."""
    title = "Measured against predicted"
    known = [one for one in case.compared if one.residual is not None]
    if not known:
        return Section(title, "The file holds no figure that the planner predicts.")
    middle = statistics.median(one.residual or 1.0 for one in known)
    bounded = [inside for one in known if (inside := _inside(one)) is not None]
    within = f", and **{sum(bounded)} of {len(bounded)}** lie inside of its 90 % interval" if bounded else ""
    several = f"Of {len(known)} figures, the median is" if len(known) > 1 else "The one figure is"
    said = f"{several} **{digits(middle)} times** what was predicted{within}."
    table = table_of("Each figure", (_row(one) for one in case.compared), "Interval: 90 % of measurements lie between.")
    return Section(title, said, (*_curves(case), table))


def roof(case: Case) -> Section:
    """Predicted and measured marks under the ceilings of the GPU."""
    gpu, used = case.scenario.deployment.gpu, case.scenario.quantization.matmul
    marks, dots = step_marks(case.compared)
    if not dots and case.answer is not None:
        marks = marks_of(case.answer)
    data = roofline.datasets(gpu, used, marks, dots, measured_alone=bool(dots))
    above = sum(mark.above_roof for mark in dots)
    said = (
        f"The roof is what {gpu.label} allows: at the left its memory limits the rate, at the right its matrix units."
    )
    said += f" **{above} measured marks lie above it**, which is not possible." if above else ""
    alt = f"Roofline of {gpu.label} with {len(dots)} measured and {len(marks)} predicted marks"
    return Section("Roofline", said, (chart_of("", roofline.roofline_spec, data, alt),))


def waterfalls(case: Case) -> Section:
    """Times taken apart, from the floor to the clock."""
    return Section(
        "Where the time goes",
        "Each bar starts where the one before it ends: from the least that physics allows to what the clock shows.",
        tuple(
            chart_of(title, waterfall.waterfall_spec, waterfall.rows(parts, name), f"{title}, in its parts")
            for title, name, parts in _taken_apart(case)
        )
        + ((Words("Pale parts are inferred from the model: a load test tells the sums alone."),) if case.run else ()),
    )


def bottleneck(case: Case) -> Section:
    """What limits it, and the largest part beyond the floor."""
    if case.answer is None:
        return Section("Bottleneck", "It does not fit, so nothing else limits it.")
    said = []
    for title, _, parts in _taken_apart(case):
        floor, *rest = parts
        largest = max(rest, key=lambda part: part.seconds, default=floor)
        whole = sum(part.seconds for part in parts)
        part, spent = waterfall.part_name(largest.name), duration(largest.seconds)
        beyond = f"the largest part beyond it is **{part}**, {spent} ({percent(largest.seconds / whole)})"
        if largest.seconds > whole:
            beyond = f"the model expects **{part}** of {spent}, more than all that was measured: {OVERLOAD}"
        said.append(f"{title}: {digits(whole / floor.seconds)} times its floor; {beyond}.")
    return Section("Bottleneck", bound_sentence(case.answer), tuple(Words(text) for text in said))


def utilisation(case: Case) -> Section:
    """Shares of each resource at each load."""
    uses = {load: dict(each) for load, each in _uses(case) if each}
    title = "Utilisation: how much of each resource is used"
    if not uses:
        return Section(title, "Nothing is known of it: the model does not fit, or no load was told.")
    most = max(((used, name, load) for load, each in uses.items() for name, used in each.items()))
    said = f"The fullest is **{most[1].split(',')[0]}** with **{percent(most[0])}** ({most[2]})."
    across = ACROSS.get(axis_of(case.loads) or "", "Load")
    chart = chart_of("", lambda theme: heatmap.heatmap_spec(theme, across), heatmap.rows(uses), said)
    return Section(title, said, (chart,))


def _row(one: Comparison) -> Mapping[str, object]:
    row, ends = comparison_row(one), one.interval
    scale = MILLISECOND if row["Unit"] == "ms" else 1.0
    told = f"{digits(ends[0] / scale)}–{digits(ends[1] / scale)}" if ends else None
    reached = one.floor_utilisation
    return {name: value for name, value in row.items() if name not in ("Floor (ms)", "Floor reached", "Why not")} | {
        "90 % interval": told,
        "Of the bandwidth floor": percent(reached) if reached is not None else None,
        "Why not": row["Why not"],
    }


def _inside(one: Comparison) -> bool | None:
    return one.interval[0] <= one.point.value <= one.interval[1] if one.interval else None


def _curves(case: Case) -> Iterator[Chart]:
    axis = axis_of(case.loads)
    if axis is None or case.run is None:
        return
    kept = on_one_line(case.loads, axis)
    cells = {name: text for name, (text, who) in case.told.items() if who == "you"}
    found = lines(kept, axis, case.scenario.deployment.gpu.id, case.scenario.model, **cells)
    for line in [one for one in found if one.dots][:MOST_CURVES]:
        name, unit = NAMES[line.metric], "1/s" if line.metric == "output_throughput" else "ms"
        up = f"{name} ({unit})"
        yield chart_of(
            f"{name} over {ACROSS[axis].lower()}",
            lambda theme, up=up: curves.curves_spec(theme, ACROSS[axis], up),  # type: ignore[misc]
            curves.datasets(line, ()),
            f"{name}: {len(line.dots)} measured points beside the predicted line with its 90 % band",
        )


def _taken_apart(case: Case) -> Iterator[tuple[str, str, tuple[Part, ...]]]:
    """Title, name of the sum and parts of each time: measured where it is, else predicted."""
    found, load = case.answer, case.load
    if found is None:
        return
    apart = list(inferred_parts(load, found)) if load is not None else []
    for metric, parts in apart:
        whole = duration(sum(part.seconds for part in parts))
        yield f"{NAMES[metric]}, {whole} measured", f"Measured {NAMES[metric]}", parts
    for name, phase, floor in (("decode", found.decode, found.floor), ("prefill", found.prefill, 0.0)):
        if not apart:
            yield (
                f"A {name} step, {duration(phase.seconds)} predicted", f"{name.capitalize()} step",
                predicted(phase, found.scenario.deployment.gpu, floor),
            )  # fmt: skip


def _uses(case: Case) -> Iterator[tuple[str, Iterator[tuple[str, float]]]]:
    pairs = case.answers or ([(None, case.answer)] if case.answer else [])
    for load, found in pairs:
        yield (load.label if load else "as asked"), _of_load(load, found)


def _of_load(load: Load | None, found: Estimate) -> Iterator[tuple[str, float]]:
    """Resource -> share that is used: over measured times where there are, beside the predicted."""
    gpu, asked = found.scenario.deployment.gpu, found.scenario.workload
    step = next((value for name in DECODE if load and (value := load.value(name))), None)
    if step:
        moved, flops = float(found.decode.time.moved), float(found.decode.time.flops)
        yield "Memory bandwidth in decode, measured", moved / step / gpu.bandwidth
        yield "Matrix units in decode, measured", flops / step / found.decode.peak
    yield "Memory bandwidth in decode, predicted", found.decode.mbu
    yield "Matrix units in decode, predicted", found.decode.mfu
    first = load.value("ttft") if load else None
    if first:
        yield (
            "Matrix units until the first token, measured",
            float(found.prefill.time.flops) / first / found.prefill.peak,
        )
    yield "Matrix units in prefill, predicted", found.prefill.mfu
    yield "GPU busy in a decode step, predicted", busy(found)
    if not asked.open_loop:
        held = asked.concurrency * (asked.prompt_tokens + asked.output_tokens / 2)
        yield "KV cache, predicted", min(1.0, held / found.memory.kv_cache_tokens)


def busy(found: Estimate) -> float:
    """Share of a decode step in which the GPU runs a kernel [1]."""
    return float(found.decode.time.gpu) / found.decode.seconds


def marks_of(found: Estimate) -> tuple[Mark, ...]:
    """Every op of both steps on the roof."""
    return (*predicted_marks("prefill", found.prefill), *predicted_marks("decode", found.decode))
