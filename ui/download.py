"""A run as a file to take along, in each of the store's forms."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import streamlit as st

from planner.measured import Run
from planner.quantities import MIB
from store import exports
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
                partial(_content, run.id, form),
                file_name=f"{run.id}-{form}{exports.ENDINGS[form]}",
                key=f"download-{form}-{run.id}",
                on_click="ignore",
                width="stretch",
            )


def _content(run_id: str, form: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="headroom-") as folder:
        target = Path(folder, "run")
        exports.write(store(), run_id, target, form)
        return target.read_bytes()
