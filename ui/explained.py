"""A trace explained: the sentence, its steps, measured beside predicted from the floor to the clock, and the roof."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from charts import spread, waterfall
from importers.kernel_patterns import NamePattern
from planner.estimate import Phase, phases
from planner.intervals import fastest_step
from planner.kernel_marks import kernel_marks
from planner.marks import predicted_marks, totals
from planner.matching import ungrouped, unmatched
from planner.measured import Run
from planner.memory import memory
from planner.overlay import scenario_of
from planner.scenario import Scenario
from planner.traced import Explained, explained
from planner.waterfall import Part, predicted
from planner.words import digits, duration, percent
from report.answers import question_words
from report.planned import part_rows
from report.trace_steps import StepRows, step_rows, traced_steps
from ui.comparison import kernel_table, placed_words
from ui.confirm import Confirmed, confirm
from ui.download import report_button
from ui.drill import drill
from ui.export import headed, link_here
from ui.findings import show_findings
from ui.matches import launches_box, match_table
from ui.patterns import pattern_box, patterns_of
from ui.run_files import Measured
from ui.show import chart, roof_chart, theme
from ui.workspace import cache_key, may_change, store
from words.text import kernel_name, plain

PHASES = ("prefill", "decode")
FEW = 5
"""Unmatched kernels that are named."""


def show_trace(run: Run, headline: DeltaGenerator) -> None:
    """Steps if the trace has them, else its whole span.

    run : with kernels
    headline : for where the time goes in one sentence
    """
    cautions = st.container()
    headline.markdown(f"#### {_span_sentence(run)}")
    patterns = patterns_of(run)
    groups = step_rows(store(), run.id)
    if groups:
        _show_steps(run, groups, patterns, headline, cautions)
    else:
        cautions.caption(
            "⚠ No steps are known of this trace: it has no ranges that name them, no CUDA graphs that come again, no "
            "order of kernels that repeats. Kernels of its whole span stand below, at the mean of their class."
        )
        _, scenario, phase, name = _asked(run, None)
        _show_span(run, scenario, phase, name)
    if may_change(run):
        pattern_box(run, patterns)


def _span_sentence(run: Run) -> str:
    """The largest class of kernels of a whole trace, as Markdown."""
    spent = totals(run.kernels)
    (kind, seconds), whole = next(iter(spent.items())), sum(spent.values())
    return (
        f"Of **{duration(whole)}** of kernel time the largest part, **{percent(seconds / (whole or 1.0))}**, goes to "
        f"kernels of the class **{plain(kind)}**."
    )


def _show_steps(
    run: Run,
    groups: list[StepRows],
    patterns: tuple[NamePattern, ...],
    headline: DeltaGenerator,
    cautions: DeltaGenerator,
) -> None:
    steps, kind = _step_box(run, groups)
    chosen, scenario, phase, name = _asked(run, kind)
    ops = {ungrouped(time.op.name) for time in phase.time.ops}
    corrected = {kernel: op for kernel, op in store().choice(run.id).ops if op is None or op in ops}
    found = _explained(
        cache_key(run),
        run.id,
        steps.device,
        steps.process,
        kind,
        name,
        repr(scenario),
        tuple(corrected.items()),
        patterns,
        steps,
        scenario,
    )
    if found is None:
        cautions.caption(
            f"⚠ The trace holds no single kernels of its {kind} steps (CUDA graphs recorded as a whole), or more than "
            "belong to a step. Profile again with --cuda-graph-trace=node. Until then: the means of its whole span."
        )
        _show_span(run, scenario, phase, name)
    else:
        said = _sentence(found, kind, steps)
        headline.markdown(f"#### {chosen.proviso}{said}")
        files = Measured(said, (run,), link_here("explain"), question_words(scenario))
        _show_waterfalls(found.parts, phase, scenario, name, files)
        _show_roof(run, found, phase, scenario, name, files)
        match_table(run, found, phase, corrected)
        launches_box(run, found.matched)
    if len(steps.start) > 1:
        _show_course(run, steps)


def _show_course(run: Run, steps: StepRows) -> None:
    """Step times over the trace: warm-up, drift, prompts among decodes."""
    st.markdown("**Steps over the trace**")
    data = spread.step_data(steps.start, steps.end, steps.kind)
    chart(spread.steps_spec(theme()), data, key=f"steps-{run.id}", alt=f"Times of {len(steps.start):,} steps")


def _step_box(run: Run, groups: list[StepRows]) -> tuple[StepRows, str]:
    """Which GPU and kind of step is looked at; asked where there is a choice."""
    steps = groups[0]
    if len(groups) > 1:
        at = st.selectbox(
            "GPU and process", range(len(groups)), key=f"group-{run.id}",
            format_func=lambda at: f"GPU {groups[at].device}, process {groups[at].process}",
        )  # fmt: skip
        steps = groups[at]
    kinds = list(steps.kinds)
    if len(kinds) == 1:
        return steps, kinds[0]
    kind = st.segmented_control(
        "Steps", kinds, default=kinds[0], required=True, key=f"kind-{run.id}-{steps.device}-{steps.process}",
        format_func=lambda name: f"{name} ({steps.kinds[name]:,})",
    )  # fmt: skip
    return steps, kind


def _asked(run: Run, kind: str | None) -> tuple[Confirmed, Scenario, Phase, str]:
    """What the trace is taken to show: steps that do not tell their phase are the reader's choice."""
    chosen = confirm(run, phase_told=kind in PHASES)
    report_button(run, chosen.gpu, chosen.model, chosen.cells)
    name = kind if kind in PHASES else st.session_state.get("phase", "decode")
    show_findings(run, chosen.gpu, chosen.model, name, chosen.cells)
    scenario = scenario_of(run, chosen.gpu, chosen.model, **chosen.cells)
    return chosen, scenario, phases(scenario, memory(scenario))[PHASES.index(name)], name


@st.cache_data(max_entries=32, show_spinner="Matching kernels with the model's ops")
def _explained(
    key: str,  # noqa: ARG001 - stands for the run
    run_id: str,
    device: int,  # noqa: ARG001 - part of the key
    process: int,  # noqa: ARG001 - part of the key
    kind: str,
    name: str,
    question: str,  # noqa: ARG001 - part of the key
    corrected: tuple[tuple[str, str | None], ...],
    patterns: tuple[NamePattern, ...],
    _steps: StepRows,
    _scenario: Scenario,
) -> Explained | None:
    measured = traced_steps(store(), run_id, _steps, kind, patterns)
    if not measured:
        return None
    phase = phases(_scenario, memory(_scenario))[PHASES.index(name)]
    gpu = _scenario.deployment.gpu
    return explained(measured, phase, gpu, _floor(_scenario, name), dict(corrected))


def _floor(scenario: Scenario, name: str) -> float:
    """Of a decode step: weights that it has to read over bandwidth; a prefill's is its FLOPs, told by 0 [s]."""
    return fastest_step(scenario) if name == "decode" else 0.0


def _sentence(found: Explained, kind: str, steps: StepRows) -> str:
    """Where the time goes, as Markdown."""
    period = sum(part.seconds for part in found.parts)
    floor, *rest = found.parts
    largest = max(rest, key=lambda part: part.seconds)
    count = steps.kinds[kind]
    which_kind = "A step of **unknown kind**" if kind == "unknown" else f"A **{kind}** step"
    which = f"the one nearest to the median of {count:,}" if count > 1 else "the only one"
    until = "from its start to the next one's" if len(steps.start) > 1 else "from its first to its last kernel"
    took = f"{which_kind} on GPU {steps.device} ({which}) takes **{duration(period)}** {until}"
    if period < floor.seconds:
        return (
            f"{took}, **shorter than its floor** of {duration(floor.seconds)}: this is no step of the model, batch and "
            "GPU that are chosen here."
        )
    return (
        f"{took}, **{digits(period / floor.seconds)} times** its floor of {duration(floor.seconds)}. The largest part "
        f"beyond the floor: **{waterfall.part_name(largest.name).lower()}**, **{duration(largest.seconds)}** "
        f"({percent(largest.seconds / period)})."
    )


def _show_waterfalls(parts: tuple[Part, ...], phase: Phase, scenario: Scenario, name: str, files: Measured) -> None:
    """Measured beside predicted, on one scale."""
    model = predicted(phase, scenario.deployment.gpu, _floor(scenario, name))
    longest = max(_reach(parts), _reach(model))
    titles = ("Measured step", f"A predicted {name} step")
    for column, title, told in zip(st.columns(2), titles, (parts, model), strict=True):
        whole = sum(part.seconds for part in told)
        with column:
            data = waterfall.rows(told, "Step")
            said = f"{title}, {duration(whole)}, in its parts"
            spec, rows = waterfall.scaled("light", longest), part_rows(title, told)
            taken = partial(files.taken, spec, data, "Parts", rows, said)
            headed(f"**{title}: {duration(whole)}**", title.lower().replace(" ", "-"), taken)
            chart(waterfall.scaled(theme(), longest), data, key=f"waterfall-{title}", alt=said)


def _reach(parts: tuple[Part, ...]) -> float:
    """How far a waterfall's bars reach [s]."""
    at, farthest = 0.0, 0.0
    for part in parts:
        at += part.seconds
        farthest = max(farthest, at)
    return farthest


def _show_roof(run: Run, found: Explained, phase: Phase, scenario: Scenario, name: str, files: Measured) -> None:
    left, share = unmatched(found.matched)
    placed = sum(mark.share for mark in found.marks)
    said = (
        f"**Roofline**: {percent(1 - share)} of kernel time stands for an op of the model, {percent(placed)} for one "
        "with FLOPs: there it stands on the roof, an op a mark, named by its longest kernel."
    )
    model = list(predicted_marks(name, phase))
    headed(said, "measured-roofline", partial(files.roof, said, scenario, model, found.marks))
    clicked = roof_chart(scenario, model, found.marks, f"roof-{run.id}", measured_alone=True, clicked=True)
    drill(run, clicked, phase, found.matched)
    if left:
        spent: dict[str, float] = {}
        for one in left:
            name = kernel_name(one.kernel, 48)
            spent[name] = spent.get(name, 0.0) + one.seconds * share / sum(other.seconds for other in left)
        listed = [f"{plain(name)} {percent(part)}" for name, part in sorted(spent.items(), key=lambda item: -item[1])]
        more = f" and {len(listed) - FEW} more" * (len(listed) > FEW)
        st.markdown(f"**Not matched**, {percent(share)} of kernel time: {', '.join(listed[:FEW])}{more}.")


def _show_span(run: Run, scenario: Scenario, phase: Phase, name: str) -> None:
    """Kernels of the whole trace, at the mean of their class."""
    marks, unplaced = kernel_marks(run, phase)
    counts: Mapping[str, bool] = {one.name: one.bytes is not None for one in run.kernels if one.flops is not None}
    counted, shaped = (sum(counts.get(mark.name) is told for mark in marks) for told in (True, False))
    st.markdown(placed_words(counted, shaped, len(marks), unplaced))
    clicked = roof_chart(
        scenario, predicted_marks(name, phase), marks, f"roof-{run.id}", measured_alone=bool(counted), clicked=True
    )
    drill(run, clicked, phase)
    kernel_table(run, marks)
