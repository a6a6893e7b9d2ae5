"""Plan: the answer in a sentence, the question under it, and all that the answer rests on."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from charts import memory as memory_chart
from charts import roofline, waterfall
from planner.alternatives import alternatives
from planner.command import serve_command
from planner.errors import InsufficientMemory, PlannerError, UnknownModel
from planner.estimate import Estimate
from planner.memory import memory
from planner.scenario import Scenario
from planner.waterfall import predicted
from planner.words import digits, duration
from report.planned import roofline_data
from ui.advised import advised
from ui.answer import figures, foundations, ops_table, percentiles
from ui.bar import link_box, pin_button, pin_name
from ui.estimated import estimated
from ui.export import headed, link_here
from ui.history import history_buttons, remember
from ui.link import query
from ui.plan_files import PlanFiles
from ui.question import LINK, PARAMETERS, asked, controls, offer_fetch
from ui.show import chart, theme
from ui.unfold import unfold
from words.text import answer_sentence, gpus_text, memory_sentence, plain


def page() -> None:
    """The whole page is one fragment: a change of a control redraws controls and answer, and nothing else."""
    plan()


@st.fragment
def plan() -> None:
    """Controls, then the answer or a clear no."""
    headline, bar = st.container(), st.container(horizontal=True)
    values = controls()
    scenario = None
    try:
        scenario = asked(values)
        show_answer(estimated(scenario), values, headline)
    except InsufficientMemory as no:
        show_refusal(scenario, no, headline)
    except UnknownModel as error:
        headline.error(plain(str(error)))
        offer_fetch(values["model"])
    except PlannerError as error:
        headline.error(plain(str(error)))
    with bar:
        remember("plan", PARAMETERS)
        history_buttons("plan")
        pin_button(pin_name(scenario) if scenario else None, query(PARAMETERS, st.session_state))
        link_box(LINK)


def show_answer(found: Estimate, values: dict[str, str], headline: DeltaGenerator) -> None:
    """The sentence above the controls; figures, chart and tables below.

    values : the question's columns
    """
    files = PlanFiles(found, values, link_here("plan"))
    headline.markdown(f"#### {answer_sentence(found)}")
    headline.markdown(memory_sentence(found.memory, found.scenario.workload))
    for caveat in found.caveats:
        st.caption(f"⚠ {plain(caveat)}")
    figures(found)
    unfold("Percentiles: how the latencies spread", "open-percentiles", lambda: percentiles(found))
    show_roofline(found, files)
    left, right = st.columns(2)
    with left:
        headed("**Memory of each GPU**", "memory", files.memory)
        show_memory(found.scenario)
    with right:
        foundations(found)
    advised(found.scenario)
    unfold("Why is it slower than the roof?", "open-waterfall", lambda: show_waterfall(found, files))
    unfold("Every op of both steps", "open-ops", lambda: ops_table(found))
    unfold("Run it: the vllm serve command", "open-command", lambda: show_command(found.scenario, files))


def show_refusal(scenario: Scenario, no: InsufficientMemory, headline: DeltaGenerator) -> None:
    """Why not, and the nearest that fits."""
    headline.markdown(f"#### No: {plain(scenario.model.name)} does not run on {gpus_text(scenario)}.")
    headline.error(plain(str(no)))
    nearest = [text for text, _ in alternatives(scenario)]
    headline.markdown(
        f"**What fits instead:** {', or '.join(nearest)}." if nearest else "No single change makes it fit."
    )
    show_memory(scenario)
    advised(scenario)


def show_roofline(found: Estimate, files: PlanFiles) -> None:
    """Both steps' ops under the GPU's ceilings."""
    headed(
        "**Roofline**: what each op reaches under the GPU's ceilings. Larger marks take more of their step's time.",
        "roofline",
        files.roofline,
    )
    described = roofline.described(found.scenario.deployment.gpu, found.prefill, found.decode)
    chart(roofline.roofline_spec(theme(), measured=False), roofline_data(found), key="plan-roofline", alt=described)


def show_waterfall(found: Estimate, files: PlanFiles) -> None:
    """Both steps taken apart, from the floor to the clock."""
    gpu = found.scenario.deployment.gpu
    for name, phase, floor in (("decode", found.decode, found.floor), ("prefill", found.prefill, 0.0)):
        parts = predicted(phase, gpu, floor)
        largest = max(parts[1:], key=lambda part: part.seconds)
        rest = waterfall.part_name(largest.name).lower()
        said = (
            f"A **{name}** step takes **{duration(phase.seconds)}**, {digits(phase.seconds / parts[0].seconds)} times "
            f"its floor of {duration(parts[0].seconds)}. Most of the rest: {rest}, "
            f"{duration(largest.seconds)}."
        )
        headed(said, f"{name}-waterfall", partial(files.waterfall, said, name, parts))
        rows = waterfall.rows(parts, f"{name.capitalize()} step")
        chart(waterfall.waterfall_spec(theme()), rows, key=f"plan-waterfall-{name}", alt=f"Parts of a {name} step")


def show_command(scenario: Scenario, files: PlanFiles) -> None:
    """What starts such a server, and what was assumed of it."""
    st.code(serve_command(scenario), language="bash", wrap_lines=True)
    files.texts()


def show_memory(scenario: Scenario) -> None:
    """Memory parts as one bar; also for what does not fit."""
    room = memory(scenario)
    chart(
        memory_chart.memory_spec(theme()), memory_chart.parts(room), key="plan-memory", alt="Memory of each GPU by part"
    )


page()
