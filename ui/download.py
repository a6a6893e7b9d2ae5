"""A run as a file to take along: in each of the store's forms, and as a report."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import streamlit as st

from planner.measured import Run
from planner.model import Model
from planner.quantities import MIB
from report.html import run_report
from store import exports
from store.runs import Store
from ui.own import later
from ui.workspace import store

LARGEST = 16 * MIB
"""Of the run's Parquet: a download is made in memory, and JSON of it has ten times as many [B]."""
WORDS = {"parquet": "Parquet, the smallest", "csv": "CSV for a spreadsheet", "json": "JSON"}


def take_along(run: Run) -> None:
    """A button for each form; for a large run, the command."""
    with st.popover("Take this run along"):
        if store().size(run.id) > LARGEST:
            st.caption(f"This run is large. `python cli.py export {run.id} --to run.zip` writes it where the store is.")
            return
        st.caption("Each of them can be imported again, here or elsewhere, and is the same run then.")
        for form, words in WORDS.items():
            st.download_button(
                words,
                partial(_content, store(), run.id, form),
                file_name=f"{run.id}-{form}{exports.ENDINGS[form]}",
                key=f"download-{form}-{run.id}",
                on_click="ignore",
                width="stretch",
            )


def report_button(run: Run, gpu: str | None, model: Model | None, cells: Mapping[str, str]) -> None:
    """The run's report as one HTML file; made when it is asked for.

    run : whole
    gpu, model, cells : the reader's word on what was measured; a table names its own
    """
    st.download_button(
        "Report (HTML)",
        later(run_report, run, f"evidence?run={run.id}", store(), gpu, model, **cells),
        file_name=f"{run.id}-report.html",
        mime="text/html",
        key=f"report-{run.id}",
        on_click="ignore",
        icon=":material/description:",
        help="One file that opens without a network: measured beside predicted, checks, advice, all inputs. "
        "It takes some seconds to make; of a crowded open loop, up to half a minute.",
    )


def _content(kept: Store, run_id: str, form: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="headroom-") as folder:
        target = Path(folder, "run")
        exports.write(kept, run_id, target, form)
        return target.read_bytes()
