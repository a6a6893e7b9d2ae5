"""Explain: where the time of a measured run went, from the floor to the clock, beside what was predicted."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from planner.measured import Run
from planner.table import table_rows
from ui.confirm import confirm
from ui.download import report_button
from ui.explained import show_trace
from ui.findings import show_findings
from ui.loadtest import show_load_test
from ui.promise import next_and_kept
from ui.run_box import run_box
from ui.telling import errors_told
from ui.workspace import whole_run
from words.rows import verdict


def page() -> None:
    """Choice of a run, and the view that fits it."""
    st.markdown("#### Why did it take as long as it did?")
    chosen = run_box()
    with errors_told():
        explanation(whole_run(chosen))


@st.fragment
def explanation(run: Run) -> None:
    """The view of a run, or where to look for one that has none."""
    st.markdown(verdict(run))
    view = next((view for fits, view in VIEWS if fits(run)), None)
    if view is None:
        st.info(
            "This run has neither kernels nor a load test's points. What was measured stands beside its "
            f"prediction on the [Evidence page](evidence?run={run.id})."
        )
        return
    with errors_told():
        view(run)


def load_test(run: Run) -> None:
    """A load test beside the prediction for what its reader confirms, and what to do about it."""
    chosen = confirm(run)
    show_findings(run, chosen.gpu, chosen.model, "decode", chosen.cells)
    show_load_test(run, chosen)
    next_and_kept(run, chosen)
    report_button(run, chosen.gpu, chosen.model, chosen.cells)


def table(run: Run) -> None:
    """A table of measurements: what physics says of its rows; each names its own GPU and model."""
    show_findings(run, None, None, "decode", {})
    st.info(f"Each of its series stands beside its prediction on the [Evidence page](evidence?run={run.id}).")


VIEWS: tuple[tuple[Callable[[Run], bool], Callable[[Run], None]], ...] = (
    (lambda run: bool(run.kernels), show_trace),
    (lambda run: bool(table_rows(run)), table),
    (lambda run: bool(run.points), load_test),
)
"""What a run must have, and the view of it; the first that fits is shown."""

page()
