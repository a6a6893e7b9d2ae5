"""Real lengths in the place of assumed ones: from a CSV of the reader's, or the requests of an imported load test."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import streamlit as st

from importers.request_table import read_requests
from planner.errors import PlannerError
from planner.recorded import MAX_RECORDED, Recorded, recorded
from ui.uploader import file_box
from ui.workspace import label, store
from words.text import plain

TABLE = "requests"
LIMIT_MB = 16
LISTED = 50
"""Of the latest runs, looked through for requests."""
NONE = ""


def recording_box() -> None:
    """Takes a CSV, or a run that has a table of requests; both stay in the session and are not part of a link."""
    file_box(
        "Real requests (CSV: prompt_tokens, output_tokens, arrival_s)", type="csv", key="requests_csv",
        max_upload_size=LIMIT_MB, help="Lengths stand in for means and spread; times give peak and day where told.",
    )  # fmt: skip
    runs = _with_requests()
    if runs:
        st.selectbox(
            "Or the requests of a load test", (NONE, *runs), key="requests_run", persist_state="session",
            format_func=lambda run: runs.get(run, "–"),
        )  # fmt: skip
    found = recording()
    if isinstance(found, Recorded):
        means = np.mean(found.prompts), np.mean(found.outputs)
        st.caption(f"{len(found.prompts):,} requests, in the mean {means[0]:,.0f} and {means[1]:,.0f} tokens. In use.")


def recording() -> Recorded | None:
    """The requests that stand in, or None.

    raises : PlannerError
    """
    uploaded, run = st.session_state.get("requests_csv"), st.session_state.get("requests_run")
    if uploaded is not None:
        with tempfile.TemporaryDirectory(prefix="headroom-") as folder:
            path = Path(folder) / "requests.csv"
            path.write_bytes(uploaded.getbuffer())
            return read_requests(path)
    return _requests_of(run) if run else None


def _with_requests() -> dict[str, str]:
    """Runs of the store that list their requests, with a label."""
    found = {}
    kept = store()
    for run in kept.runs()[:LISTED]:
        try:
            if TABLE in kept.tables(run.id):
                found[run.id] = label(run)
        except PlannerError:
            continue
    return found


def _requests_of(run_id: str) -> Recorded:
    table = store().table(run_id, TABLE, ["prompt_tokens", "output_tokens"]).to_pandas().dropna()
    usable = table[(table > 0).all(axis="columns")].head(MAX_RECORDED)
    return recorded(usable["prompt_tokens"].tolist(), usable["output_tokens"].tolist())


def told() -> str:
    """What stands in, in words; empty if nothing does."""
    if st.session_state.get("requests_csv") is not None:
        return f"lengths from {plain(st.session_state['requests_csv'].name[:60])}"
    return f"lengths from run {st.session_state['requests_run']}" if st.session_state.get("requests_run") else ""
