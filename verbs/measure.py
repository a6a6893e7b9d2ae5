"""`measure`: makes the measurement that the planner needs, and shows it beside the prediction."""

from __future__ import annotations

import argparse

from verbs import measure_loads, measure_tools, measure_tune

name, about = "measure", "start vLLM, load it, and compare with the prediction; or measure the GPU itself"


def arguments(parser: argparse.ArgumentParser) -> None:
    """A parser for each kind of measurement."""
    kinds = parser.add_subparsers(dest="kind", required=True)
    measure_loads.arguments(kinds)
    measure_tune.arguments(kinds)
    measure_tools.arguments(kinds)


def run(given: argparse.Namespace) -> int:
    """Makes the measurement that was asked for."""
    return int(given.measure(given))
