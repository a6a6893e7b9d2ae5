"""Explain: where the time of a measured run went, from the floor to the clock, beside what was predicted."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from planner.measured import Run
from planner.table import table_rows
from ui.confirm import confirm
from ui.download import report_button
from ui.explained import show_trace
from ui.findings import show_findings
from ui.loadtest import reason_sentence, show_load_test
from ui.promise import next_and_kept
from ui.run_box import run_box
from ui.telling import errors_told
from ui.workspace import whole_run
from words.rows import verdict


def page() -> None:
    """Choice of a run, and the view that fits it."""
    headline = st.empty()
    chosen = run_box()
    with errors_told():
        explanation(whole_run(chosen), headline)


@st.fragment
def explanation(run: Run, headline: DeltaGenerator) -> None:
    """The view of a run, or where to look for one that has none.

    headline : an empty place above, for where the time goes in one sentence
    """
    headline.markdown("#### Why did it take as long as it did?")
    st.markdown(verdict(run))
    view = next((view for fits, view in VIEWS if fits(run)), None)
    if view is None:
        st.info(
            "This run has neither kernels nor a load test's points. What was measured stands beside its "
            f"prediction on the [Evidence page](evidence?run={run.id})."
        )
        return
    with errors_told():
        view(run, headline)


def load_test(run: Run, headline: DeltaGenerator) -> None:
    """A load test beside the prediction for what its reader confirms, and what to do about it."""
    chosen = confirm(run)
    show_findings(run, chosen.gpu, chosen.model, "decode", chosen.cells)
    if said := reason_sentence(run, chosen):
        headline.markdown(f"#### {chosen.proviso}{said}")
    show_load_test(run, chosen)
    next_and_kept(run, chosen)
    report_button(run, chosen.gpu, chosen.model, chosen.cells)


def table(run: Run, headline: DeltaGenerator) -> None:
    """A table of measurements: what physics says of its rows; each names its own GPU and model."""
    headline.markdown("#### A table tells figures, not where the time went: what physics says of them")
    show_findings(run, None, None, "decode", {})
    st.info(f"Each of its series stands beside its prediction on the [Evidence page](evidence?run={run.id}).")


VIEWS: tuple[tuple[Callable[[Run], bool], Callable[[Run, DeltaGenerator], None]], ...] = (
    (lambda run: bool(run.kernels), show_trace),
    (lambda run: bool(table_rows(run)), table),
    (lambda run: bool(run.points), load_test),
)
"""What a run must have, and the view of it; the first that fits is shown."""

page()
