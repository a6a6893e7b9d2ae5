"""Verbs of the terminal: modules with `name`, `about`, `arguments(parser)`, and `run(given)` that returns a status."""

from __future__ import annotations

import argparse
from typing import Protocol, cast

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
