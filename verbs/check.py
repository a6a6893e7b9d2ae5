"""`check`: is a measurement possible, and does it agree with itself? Files and runs of the store alike."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import importers
from importers.reference import reference_runs
from intake.known import known_run
from planner.catalogue_models import find_model
from planner.checks import NEEDED, evidence, findings, report, told_model
from planner.measured import Run
from store.runs import Store, default_root
from verbs.status import DONE

name, about = "check", "is a measurement possible, and does it agree with itself?"
CHOSEN = ("quantization", "tensor_parallel")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Files or runs, and what was measured where they do not tell."""
    parser.add_argument("runs", nargs="+", metavar="FILE_OR_RUN")
    for option in ("gpu", "model", *CHOSEN):
        parser.add_argument("--" + option.replace("_", "-"), help="that was measured, where the file does not tell")
    parser.add_argument("--json", action="store_true")


def run(given: argparse.Namespace) -> int:
    """Prints the findings of each file and run."""
    listed: list[dict[str, Any]] = []
    cells = {option: value for option in CHOSEN if (value := getattr(given, option)) is not None}
    chosen = find_model(given.model) if given.model else None
    for name in given.runs:
        one = file_or_run(name)
        found = findings(evidence(one, given.gpu or one.gpu, chosen or told_model(one), **cells))
        if given.json:
            listed += [report.as_json(finding, one.source_name if len(given.runs) > 1 else "") for finding in found]
        else:
            print("\n".join(report.as_text(one.source_name, found)))
    if given.json:
        print(json.dumps(listed, indent=2))
    return DONE


def file_or_run(name: str, tables: Mapping[str, tuple[str, ...]] = NEEDED) -> Run:
    """The run of a file, of the demo workspace or of the store, with its tables.

    name : path of a file, or a run's id
    tables : name -> columns that are read from the store; of a file, all are
    raises : ImporterError, StoreError
    """
    if Path(name).is_file():
        return importers.read(Path(name))
    demo = next((known for known in reference_runs() if known.id == name), None)
    return demo or known_run(Store(default_root()), name, tables)
