"""`report`: runs and files as one HTML file that opens anywhere: measured beside predicted, and what follows."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from importers.reference import reference_runs
from planner.catalogue_models import find_model
from planner.errors import RunNotFound, StoreError
from planner.loads import TABLES
from planner.measured import Run
from report.case import Case, measured
from report.document import of_runs
from report.grades import FILE, thresholds
from report.html import page
from store.runs import Store, default_root
from verbs.check import file_or_run
from verbs.status import DONE

name, about = "report", "a report of runs as one HTML file"
CHOSEN = ("quantization", "tensor_parallel", "input_tokens", "output_tokens", "concurrency")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Runs, files or names of the demo workspace's runs, and where the report goes."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help='id, file, or part of a demo run\'s name ("load test b8")'
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html")
    parser.add_argument(
        "--thresholds", type=Path, default=FILE, help="what is good and bad; default: data/thresholds.yaml"
    )
    for option in ("gpu", "model", *CHOSEN):
        parser.add_argument("--" + option.replace("_", "-"), help="that was measured, where the file does not tell")


def run(given: argparse.Namespace) -> int:
    """Writes the report."""
    held = thresholds(given.thresholds)
    cases = tuple(case for text in given.runs for case in _cases(given, known_run(text)))
    asked = (
        shlex.join(["python", "cli.py", *sys.argv[1:]])
        if sys.argv[1:2] == [name]
        else f"report {shlex.join(given.runs)}"
    )
    written = page(of_runs(cases, held, asked, Store(default_root())))
    try:
        given.out.write_text(written, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{given.out}: {error.strerror}. Name a file in a folder that you may write to.") from error
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.1f} MB, opens without a network.")
    return DONE


def known_run(text: str) -> Run:
    """A run by its id, its file, or a part of a demo run's name that means one run alone.

    raises : RunNotFound listing the demo runs that the text could mean; ImporterError, StoreError
    """
    named = [one for one in reference_runs() if text.lower() in one.source_name.lower()]
    if len(named) == 1:
        return named[0]
    if named and not Path(text).is_file():
        told = "; ".join(one.source_name for one in named)
        raise RunNotFound(f'"{text[:60]}" is part of the names of {len(named)} runs: {told}. Say more of the name.')
    return file_or_run(text, TABLES)


def _cases(given: argparse.Namespace, one: Run) -> tuple[Case, ...]:
    cells = {option: value for option in CHOSEN if (value := getattr(given, option)) is not None}
    model = find_model(given.model) if given.model else None
    return tuple(measured(one, given.gpu, model, **cells))
