"""`import`: traces and load tests into the store, or a reason for each that is refused."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import importers
from planner.errors import PlannerError
from store.runs import Store, default_root
from verbs.status import BAD_QUESTION, DONE

name, about = "import", "import traces and load tests into the store"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The files."""
    parser.add_argument("files", type=Path, nargs="+")


def run(given: argparse.Namespace) -> int:
    """Imports each file, or says by name why not."""
    store, refused = Store(default_root()), 0
    for path in given.files:
        try:
            run = importers.read(path)
            print(f"{store.save(run)}  {path.name}  {run.tool} {run.tool_version}")
        except PlannerError as error:
            refused += 1
            print(f"headroom: {error}", file=sys.stderr)
    return BAD_QUESTION if refused else DONE
