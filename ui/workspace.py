"""The reader's runs: their store, and the demo workspace that is part of the product."""

from __future__ import annotations

from importers.reference import TOOL as DEMO
from importers.reference import reference_runs
from planner.loads import TABLES
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


def is_demo(run: Run) -> bool:
    """Whether a run belongs to the demo workspace."""
    return run.tool == DEMO


def label(run: Run) -> str:
    """A run as a list shows it."""
    return f"Demo · {run.source_name}" if is_demo(run) else f"{run.source_name} · {run.tool} · {run.id}"
