"""`calibrations`: those that are kept, a line each; `--delete` removes one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from planner.calibration import Calibration
from planner.errors import CalibrationError
from store import calibrations
from store.runs import Store, default_root
from verbs.calibrate import missed
from verbs.status import DONE

name, about = "calibrations", "list the calibrations of the store, or delete one"


def arguments(parser: argparse.ArgumentParser) -> None:
    """As text or as JSON, or a name to delete."""
    parser.add_argument("--delete", metavar="NAME", help="remove this calibration for good")
    parser.add_argument("--json", action="store_true")


def run(given: argparse.Namespace) -> int:
    """Deletes the one that is named, then lists what is there."""
    store = Store(default_root())
    if given.delete is not None:
        calibrations.delete(store, given.delete)
        print(f"headroom: calibration {given.delete} deleted", file=sys.stderr)
    known = list(_readable(store))
    if given.json:
        print(json.dumps([_as_json(one) for one in known], indent=2))
        return DONE
    for one in known:
        own = one.correction
        where = f"{', '.join(one.models)} on {', '.join(own.gpus)}, {own.batch[0]:g} to {own.batch[1]:g} at once"
        print(f"{own.name}  {missed(one.before):.1f} % -> {missed(one.after):.1f} %  {where}")
    return DONE


def _readable(store: Store) -> Iterator[Calibration]:
    """Those that can be read; of the others stands why on the error stream."""
    for known in calibrations.names(store):
        try:
            yield calibrations.load(store, known)
        except CalibrationError as error:
            print(f"headroom: {error}", file=sys.stderr)


def _as_json(found: Calibration) -> dict[str, Any]:
    own = found.correction
    return {
        "name": own.name,
        "models": list(found.models),
        "gpus": list(own.gpus),
        "batch": list(own.batch),
        "points": len(found.points),
        "mean_error_before_percent": missed(found.before),
        "mean_error_after_percent": missed(found.after),
    }
