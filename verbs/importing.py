"""`import`: traces, load tests and exported runs into the store, or a reason for each that is refused."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import importers
from importers.progress import Progress
from intake.imports import Known, Outcome, Refused, import_path
from intake.jobs import Jobs, followed
from intake.limits import limits
from intake.sources import groups
from intake.work import release
from planner.errors import UnknownFormat
from planner.quantities import MIB
from store import exports
from store.local import ID_DIGITS
from store.runs import Store, default_root
from verbs.status import BAD_QUESTION, DONE
from verbs.workers import cluster_of, cluster_option

name, about = "import", "import traces, load tests and exported runs into the store"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to import."""
    parser.add_argument("files", nargs="+", help="files, folders, .zip, .tar or .tar.gz; or URLs that fsspec knows")
    parser.add_argument("--json", action="store_true", help="what became of each file, as JSON")
    parser.add_argument("--summary", type=Path, metavar="OUT", help="do not import: write a few MB to upload instead")
    cluster_option(parser, "read the files")
    parser.add_argument("--release", action="store_true", help="read again what is in quarantine")


def run(given: argparse.Namespace) -> int:
    """Imports each file, folder or archive, and says by name what becomes of each file in it."""
    if given.summary:
        return _summarise([Path(one) for one in given.files], given.summary)
    store, outcomes = Store(default_root()), []
    if given.release:
        release(store)
    cluster = cluster_of(given)
    for outcome in (outcome for one in given.files for outcome in _imported(one, store, cluster)):
        outcomes.append(outcome)
        if not given.json:
            _say(outcome)
    if given.json:
        print(json.dumps([{"outcome": type(one).__name__.lower(), **asdict(one)} for one in outcomes], indent=2))
    return BAD_QUESTION if any(isinstance(outcome, Refused) for outcome in outcomes) else DONE


def _imported(address: str, store: Store, cluster: str | None) -> Iterator[Outcome]:
    """Outcomes of a file or folder: read here one after the other, or by a crew, as they come."""
    if cluster is None and "://" not in address:
        yield from import_path(Path(address), store, _progress())
        return
    crew = Jobs(limits(), cluster)
    try:
        yield from followed(crew.start(store, address, groups(address)), _progress())
    finally:
        crew.close()


def _say(outcome: Outcome) -> None:
    if isinstance(outcome, Refused):
        print(f"headroom: {outcome.message}", file=sys.stderr)
    elif isinstance(outcome, Known):
        print(f"{outcome.run or '-' * ID_DIGITS}  {outcome.file}  known: {outcome.of} has it")
    else:
        print(f"{outcome.run}  {outcome.file}  {outcome.tool}")


def _progress() -> Progress | None:
    """Shows how far an import is, where a person looks on."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int | None) -> None:
        told = f"{100 * done / total:.0f} %" if total else f"{done:,}"
        print(f"\r{told:>14}\r", end="", file=sys.stderr)

    return show


def _summarise(files: list[Path], target: Path) -> int:
    if len(files) != 1:
        raise UnknownFormat("--summary takes one file at a time: each summary is a file of its own.")
    run_id = exports.write_summary(importers.read(files[0]), target)
    print(f"{run_id}  {target}  {target.stat().st_size / MIB:.1f} MiB")
    return DONE
