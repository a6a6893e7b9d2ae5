"""The reader's runs: the workspace of who looks, its store, and the demo's runs, which are part of the product.

What a session sees and changes goes through `store`, and what all sessions share is kept under `cache_key`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import streamlit as st

from importers.reference import TOOL as DEMO
from importers.reference import reference_runs
from intake.known import known_run
from planner.differences import settings_that_differ
from planner.loads import TABLES, Load, loads
from planner.measured import Run
from planner.whose import own
from settings import settings
from store.runs import Store
from store.workspaces import Workspace, workspaces

CHOSEN, ENTERED = "workspace", "entered_workspace"
IN = "in"
"""The key of a link that names the workspace it was made in."""
ELSEWHERE = (
    "The link was made in a workspace that is not open to you, so it is shown as the question alone. If it should be "
    "open, log in on Account, then open the link again; or ask who sent it."
)
NO_LOGIN = (
    "The link was made in a workspace of an app where people log in, which they do not here, so it is shown as the "
    "question alone. Open it where it was made."
)


def claims() -> dict[str, Any]:
    """What the login says of who looks; nothing where nobody logs in. Streamlit has checked its signature."""
    return dict(st.user) if settings().login else {}


def open_workspaces() -> tuple[Workspace, ...]:
    """The workspaces that who looks may enter."""
    return workspaces(claims(), settings())


def workspace() -> Workspace:
    """The workspace that the session is in: the chosen one, as long as it may be entered."""
    there = open_workspaces()
    return next((one for one in there if one.name == st.session_state.get(CHOSEN)), there[0])


def enter() -> str:
    """To be called before each page: what a session holds of one workspace, it forgets in another.

    returns : a sentence where the link that opened the session names a workspace that is not open; whether there is
        such a one, nobody learns
    """
    told = "" if ENTERED in st.session_state else _led()
    now = workspace().name
    if st.session_state.get(ENTERED, now) != now:
        st.session_state.clear()
    st.session_state[ENTERED] = st.session_state[CHOSEN] = now
    return told


def place() -> dict[str, str]:
    """What a link says of the workspace that it is made in: nothing of the one in which everybody begins."""
    name = workspace().name
    return {} if name == open_workspaces()[0].name else {IN: name}


def shared_with() -> str:
    """Title of the team's workspace that the session is in, where a link may have led; empty in every other."""
    return workspace().title if place() else ""


def _led() -> str:
    asked = st.query_params.get(IN)
    if asked in {one.name for one in open_workspaces()}:
        st.session_state[CHOSEN] = asked
        return ""
    if not asked:
        return ""
    return ELSEWHERE if settings().login else NO_LOGIN


def store() -> Store:
    """The store of the workspace."""
    return workspace().store(settings().store)


def cache_key(run: Run) -> str:
    """Names a run in caches that all sessions share: by workspace, and by the own entries that answers rest on."""
    return f"{workspace().name}/{own().key}/{run.id}"


def known_runs() -> dict[str, Run]:
    """Own runs, latest first, then the demo's, under their ids; without points and kernels where stored."""
    return {run.id: run for run in store().runs()} | demo_runs()


def demo_runs() -> dict[str, Run]:
    """The demo's runs under their ids; they need no store."""
    return {run.id: run for run in reference_runs()}


def whole_run(run: Run, kept: Store | None = None) -> Run:
    """A run with its points, kernels of the kinds that its reader tells, and the tables of the checks and charts.

    kept : the store that has it; None: the workspace's
    """
    return run if is_demo(run) else known_run(kept or store(), run.id, TABLES)


@st.cache_resource(max_entries=16, show_spinner="Reading requests")
def _loads(key: str, _run: Run) -> tuple[Load, ...]:  # noqa: ARG001 - the key stands for the run
    return loads(_run)


def loads_of(run: Run) -> tuple[Load, ...]:
    """The loads of a load test, read once."""
    return _loads(cache_key(run), run)


def forget_loads() -> None:
    """Drops the loads of all runs from memory; those that are wanted again are read again."""
    _loads.clear()


def may_change(run: Run) -> bool:
    """Whether who looks may change what is kept of a run."""
    return not is_demo(run) and workspace().rules.writable


def is_demo(run: Run) -> bool:
    """Whether a run belongs to the demo workspace."""
    return run.tool == DEMO


def pair(runs: Mapping[str, Run]) -> tuple[str, str]:
    """Two runs worth a comparison: the first two of one GPU, model and set of metrics that differ in one setting.

    runs : known runs under their ids, at least one
    """
    for (one, before), (other, after) in combinations(runs.items(), 2):
        alike = (before.gpu, before.model, _metrics(before)) == (after.gpu, after.model, _metrics(after))
        if alike and before.points and len(settings_that_differ(before, after)) == 1:
            return one, other
    return next(iter(runs)), next(iter(runs))


def label(run: Run) -> str:
    """A run as a list shows it."""
    return f"Demo · {run.source_name}" if is_demo(run) else f"{run.source_name} · {run.tool} · {run.id}"


def _metrics(run: Run) -> frozenset[str]:
    return frozenset(point.metric for point in run.points)
