"""`import`: traces, load tests and exported runs into the store, or a reason for each that is refused."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import importers
from intake.imports import Imported, import_path
from planner.errors import UnknownFormat
from planner.quantities import MIB
from store import exports
from store.runs import Store, default_root
from verbs.status import BAD_QUESTION, DONE

name, about = "import", "import traces, load tests and exported runs into the store"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The files."""
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--summary", type=Path, metavar="OUT", help="do not import: write a few MB to upload instead")


def run(given: argparse.Namespace) -> int:
    """Imports each file, or says by name why not; with --summary, writes what of it is worth sending."""
    if given.summary:
        return _summarise(given.files, given.summary)
    store, refused = Store(default_root()), 0
    for outcome in (outcome for path in given.files for outcome in import_path(path, store)):
        if isinstance(outcome, Imported):
            print(f"{outcome.run}  {outcome.file}  {outcome.tool}")
        else:
            refused += 1
            print(f"headroom: {outcome.message}", file=sys.stderr)
    return BAD_QUESTION if refused else DONE


def _summarise(files: list[Path], target: Path) -> int:
    if len(files) != 1:
        raise UnknownFormat("--summary takes one file at a time: each summary is a file of its own.")
    run_id = exports.write_summary(importers.read(files[0]), target)
    print(f"{run_id}  {target}  {target.stat().st_size / MIB:.1f} MiB")
    return DONE
