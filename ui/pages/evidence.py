"""Evidence: drop a file, see what it is and what it says, and its points on the same roof as the prediction."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from planner.estimate import phases
from planner.kernel_marks import kernel_marks
from planner.marks import predicted_marks, roof_share
from planner.measured import Run, Severity
from planner.memory import memory
from planner.overlay import compare, scenario_of, step_marks
from planner.scenario import Scenario
from planner.table import table_rows
from ui.calibrate import offer_calibration
from ui.comparison import comparison_table, kernel_table, placed_words
from ui.confirm import Confirmed, confirm
from ui.download import report_button, take_along
from ui.findings import show_findings
from ui.loadtest import show_load_test
from ui.run_box import run_box
from ui.show import roof_chart
from ui.table_view import show_table
from ui.telling import errors_told
from ui.templates import templates
from ui.uploads import uploads
from ui.workspace import is_demo, may_change, store, whole_run, workspace
from words.compared import compared_sentence, roof_sentence
from words.rows import verdict
from words.text import plain


def page() -> None:
    """Upload, choice of a run, and what it says."""
    headline = st.empty()
    uploads()
    templates()
    chosen = run_box()
    with errors_told():
        evidence(whole_run(chosen), headline)


OWN = "Drop a trace or a load test below, and this line says how your own run did."


@st.fragment
def evidence(run: Run, headline: DeltaGenerator) -> None:
    """What the run is, the confirmed GPU and model, its points on the roof, the tables.

    headline : an empty place above, for what the run says in one sentence
    """
    headline.markdown(f"#### {verdict(run)}")
    st.markdown(("**Demo workspace.** " if is_demo(run) else "") + verdict(run))
    checked = st.container()
    show_notes(run)
    rows = table_rows(run)
    with errors_told():
        if rows:
            with checked:
                show_findings(run, None, None, "decode", {})
            _say(headline, run, compared_sentence(show_table(run, rows)))
            offer_calibration(run, None, None, {})
            report_button(run, None, None, {})
        else:
            chosen = confirm(run)
            with checked:
                phase = st.session_state.get("phase", "decode")
                show_findings(run, chosen.gpu, chosen.model, phase, chosen.cells)
            _say(headline, run, chosen.proviso + show_run(run, chosen))
            report_button(run, chosen.gpu, chosen.model, chosen.cells)
    with errors_told():
        if not is_demo(run):
            take_along(run)
        if may_change(run):
            _delete(run)


def _say(headline: DeltaGenerator, run: Run, said: str) -> None:
    """The run in a sentence; under a demo's, what to do for one's own where files are taken."""
    own = f"\n\n{OWN}" if is_demo(run) and workspace().rules.writable else ""
    headline.markdown(f"#### {'Demo: ' if is_demo(run) else ''}{said}{own}")


def show_run(run: Run, chosen: Confirmed) -> str:
    """A trace or load test on the roof, beside the prediction for what was confirmed; what that says in a sentence."""
    scenario = scenario_of(run, chosen.gpu, chosen.model, **chosen.cells)
    return show_kernels(run, scenario) if run.kernels else show_points(run, scenario, chosen)


def show_notes(run: Run) -> None:
    """Errors and warnings in view, the rest one click away."""
    for note in run.notes:
        if note.severity is Severity.ERROR:
            st.error(plain(note.text))
        elif note.severity is Severity.WARNING:
            st.caption(f"⚠ {plain(note.text)}")
    more = [note.text for note in run.notes if note.severity is Severity.INFO]
    if more:
        with st.expander(f"What else to know of this file ({len(more)})"):
            st.markdown("\n".join(f"- {plain(text)}" for text in more))


def show_kernels(run: Run, scenario: Scenario) -> str:
    """Kernels of a trace on the roof, beside the ops of the step that it is taken to show."""
    prefill, decode = phases(scenario, memory(scenario))
    phase = decode if st.session_state.get("phase", "decode") == "decode" else prefill
    name = "decode" if phase is decode else "prefill"
    marks, unplaced = kernel_marks(run, phase)
    with_flops = {kernel.name: kernel.bytes is not None for kernel in run.kernels if kernel.flops is not None}
    counted, shaped = (sum(with_flops.get(mark.name) is told for mark in marks) for told in (True, False))
    st.markdown(placed_words(counted, shaped, len(marks), unplaced))
    model = predicted_marks(name, phase)
    roof_chart(scenario, model, marks, f"roof-{run.id}", measured_alone=bool(counted))
    kernel_table(run, marks)
    return roof_sentence(roof_share(marks, phase), roof_share(model, phase))


def show_points(run: Run, scenario: Scenario, chosen: Confirmed) -> str:
    """Points of a load test or sweep on the roof and in a table, each beside its prediction."""
    compared = compare(run, chosen.gpu, chosen.model, **chosen.cells)
    predicted, measured = step_marks(compared)
    if measured:
        roof_chart(scenario, predicted, measured, f"roof-{run.id}", measured_alone=True)
    elif compared and all(comparison.refusal for comparison in compared):
        st.error(plain(compared[0].refusal or ""))
    comparison_table(compared)
    show_load_test(run, chosen)
    offer_calibration(run, chosen.gpu, chosen.model, chosen.cells)
    return compared_sentence(compared)


def _delete(run: Run) -> None:
    if st.button("Delete this run", key=f"delete-{run.id}"):
        store().delete(run.id)
        st.session_state.pop("run", None)
        st.rerun()


page()
