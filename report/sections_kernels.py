"""A trace in a report: its kernels by class, on the roof, and its typical step taken apart beside the predicted one."""

from __future__ import annotations

from charts import roofline, waterfall
from planner.estimate import phases
from planner.intervals import fastest_step
from planner.kernel_marks import kernel_marks
from planner.marks import predicted_marks, totals
from planner.memory import memory
from planner.quantities import MILLISECOND
from planner.traced import explained
from planner.waterfall import predicted
from planner.words import digits, duration, percent
from report.case import Case
from report.sections import Section, Table, chart_of
from report.trace_steps import step_rows, traced_steps
from store.runs import Store
from words.text import kernel_name

PHASES = ("prefill", "decode")
LONGEST = 20
"""Kernels that are named."""


def kernels(case: Case, phase_name: str = "decode") -> tuple[Section, ...]:
    """Where a trace's time goes by class and kernel, and how close each comes to the roof."""
    run = case.run
    if run is None or not run.kernels:
        return ()
    phase = dict(zip(PHASES, phases(case.scenario, memory(case.scenario)), strict=True))[phase_name]
    marks, unplaced = kernel_marks(run, phase)
    whole = sum(kernel.seconds for kernel in run.kernels) or 1.0
    gpu, used = case.scenario.deployment.gpu, case.scenario.quantization.matmul
    data = roofline.datasets(gpu, used, predicted_marks(phase_name, phase), marks)
    classes = tuple((kind, duration(spent), percent(spent / whole)) for kind, spent in totals(run.kernels).items())
    longest = sorted(run.kernels, key=lambda kernel: -kernel.seconds)[:LONGEST]
    named = tuple(
        (kernel_name(kernel.name, 60), kernel.kind, f"{kernel.launches:,}", digits(kernel.seconds / MILLISECOND),
         percent(kernel.seconds / whole))
        for kernel in longest
    )  # fmt: skip
    said = f"**{duration(whole)}** of kernel time; most of it is **{classes[0][0]}**, {classes[0][2]}."
    blocks = (
        chart_of("Kernels on the roof", roofline.roofline_spec, data, f"{len(marks)} kernels on the roof"),
        Table("By class", ("Class", "Time", "Share"), classes),
        Table("The longest kernels", ("Kernel", "Class", "Launches", "Time (ms)", "Share"), named,
              f"{percent(unplaced)} of the kernel time has neither counts nor an op in the model."),
    )  # fmt: skip
    return (Section("Kernels", said, blocks),)


def steps(case: Case, store: Store) -> tuple[Section, ...]:
    """The typical step of each kind in a trace, from the floor to the clock, beside the predicted one."""
    run = case.run
    groups = step_rows(store, run.id) if run is not None and run.kernels else []
    if not groups or run is None:
        return ()
    known, gpu = phases(case.scenario, memory(case.scenario)), case.scenario.deployment.gpu
    floors = (0.0, fastest_step(case.scenario))
    found = []
    for name, phase, floor in zip(PHASES, known, floors, strict=True):
        measured = traced_steps(store, run.id, groups[0], name, ()) if name in groups[0].kinds else []
        if measured:
            sides = {
                "measured": explained(measured, phase, gpu, floor, {}).parts,
                "predicted": predicted(phase, gpu, floor),
            }
            drawn = tuple(
                chart_of(
                    f"{name.capitalize()} step, {side}: {duration(sum(part.seconds for part in parts))}",
                    waterfall.waterfall_spec, waterfall.rows(parts, "Step"), f"A {side} {name} step in its parts",
                )
                for side, parts in sides.items()
            )  # fmt: skip
            spent = [sum(part.seconds for part in parts) for parts in sides.values()]
            said = (
                f"A {name} step takes **{duration(spent[0])}**, {digits(spent[0] / spent[1])} times the predicted one."
            )
            found.append(Section(f"Where the time of a {name} step goes", said, drawn))
    return tuple(found)
