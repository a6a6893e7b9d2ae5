"""Verbs of the terminal: modules with `name`, `about`, `arguments(parser)`, and `run(given)` that returns a status."""

from __future__ import annotations

import argparse
import sys
from typing import Protocol, cast

from planner.errors import BadSetting, StoreError
from planner.whose import count
from store import entries
from store.runs import Store, default_root
from verbs import (
    advise,
    buy,
    calibrate,
    calibrations,
    check,
    export,
    importing,
    measure,
    plan,
    predict,
    report,
    runs,
    settings,
    show,
    studies,
)


def know_own_entries() -> None:
    """Makes the store's own GPUs, models and prices known; what cannot be read is told, and the verb goes on."""
    try:
        found, told = entries.load(Store(default_root()))
        count(found)
    except (BadSetting, StoreError) as error:
        told = [str(error)]
    for sentence in told:
        print(f"headroom: {sentence}", file=sys.stderr)


class Verb(Protocol):
    """What a module of this package offers."""

    name: str
    about: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds its options to its parser."""

    def run(self, given: argparse.Namespace) -> int:
        """Does it; raises PlannerError, returns the exit status."""


ALL = (
    plan,
    predict,
    advise,
    buy,
    check,
    calibrate,
    calibrations,
    importing,
    export,
    runs,
    show,
    report,
    studies,
    measure,
    settings,
)
VERBS: tuple[Verb, ...] = tuple(cast(Verb, verb) for verb in ALL)
