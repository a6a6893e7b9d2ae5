"""`runs`: the store's runs and the demo workspace's, a line each."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from importers.reference import reference_runs
from planner.measured import Run
from store.runs import Store, default_root
from verbs.status import DONE

name, about = "runs", "list the runs of the store"


def arguments(parser: argparse.ArgumentParser) -> None:
    """As text or as JSON."""
    parser.add_argument("--json", action="store_true")


def run(given: argparse.Namespace) -> int:
    """Lists the store's runs and the demo workspace's."""
    store = Store(default_root())
    known = [*store.runs(), *reference_runs()]
    if given.json:
        print(json.dumps([run_head(one) for one in known], indent=2))
    else:
        for one in known:
            print(f"{one.id}  {one.started or '-':19.19}  {one.tool:10.10}  {one.source_name}")
    for problem in store.problems():
        print(f"headroom: {problem}", file=sys.stderr)
    return DONE


def run_head(run: Run) -> dict[str, Any]:
    """What a run is, without its points and tables."""
    return {
        "id": run.id,
        "tool": run.tool,
        "tool_version": run.tool_version,
        "file": run.source_name,
        "started": run.started,
        "gpu": run.gpu,
        "gpu_names": list(run.gpu_names),
        "model": run.model or run.model_name,
        "settings": dict(run.settings),
        "summary": dict(run.summary),
        "notes": [note.text for note in run.notes],
    }
