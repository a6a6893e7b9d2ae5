"""The reader's runs: their store, and the demo workspace that is part of the product."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import streamlit as st

from importers.reference import TOOL as DEMO
from importers.reference import reference_runs
from planner.differences import settings_that_differ
from planner.loads import TABLES, Load, loads
from planner.measured import Run
from store.runs import Store, default_root
from store.streams import with_tables


def store() -> Store:
    """The store that HEADROOM_STORE names, or the user's own."""
    return Store(default_root())


def known_runs() -> dict[str, Run]:
    """Own runs, latest first, then the demo's, under their ids; without points and kernels where stored."""
    return {run.id: run for run in store().runs()} | demo_runs()


def demo_runs() -> dict[str, Run]:
    """The demo's runs under their ids; they need no store."""
    return {run.id: run for run in reference_runs()}


def whole_run(run: Run) -> Run:
    """A run with its points, kernels, and the tables that the checks and charts look at."""
    return run if is_demo(run) else with_tables(store(), run.id, TABLES)


@st.cache_resource(max_entries=16, show_spinner="Reading requests")
def loads_of(run_id: str, _run: Run) -> tuple[Load, ...]:  # noqa: ARG001 - the id is the key
    """The loads of a load test, read once: a run's id stands for its content."""
    return loads(_run)


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
