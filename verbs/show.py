"""`show`: one run, with its notes and its points or kernels."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from importers.reference import reference_runs
from planner.marks import totals
from planner.measured import Run
from planner.overlay import format_cell
from planner.quantities import MILLISECOND
from store.runs import Store, default_root
from verbs.runs import run_head
from verbs.status import DONE

name, about = "show", "show a run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, and as text or as JSON."""
    parser.add_argument("run", help="a run's id, or the first digits of one")
    parser.add_argument("--json", action="store_true")


def run(given: argparse.Namespace) -> int:
    """Shows one run: what it is, its notes, its points or kernels."""
    found = next((known for known in reference_runs() if known.id == given.run), None)
    found = found or Store(default_root()).run(given.run)
    if given.json:
        points = [_point(point) for point in found.points]
        print(json.dumps(run_head(found) | {"points": points, "kernels": _kernels(found)}, indent=2))
        return DONE
    print("\n".join(_run_text(found)))
    return DONE


def _point(point: Any) -> dict[str, Any]:
    return {name: value for name in point.__slots__ if (value := getattr(point, name)) is not None}


def _kernels(run: Run) -> list[dict[str, Any]]:
    return [{name: getattr(kernel, name) for name in kernel.__slots__} for kernel in run.kernels]


def _run_text(run: Run) -> Iterator[str]:
    yield f"{run.id}  {run.source_name}  ({run.tool} {run.tool_version})"
    told = ", ".join(run.gpu_names) or "not told"
    yield f"  GPU: {told} -> {run.gpu or 'not known'}; model: {run.model_name or 'not told'}"
    yield from (f"  {key}: {format_cell(value)}" for key, value in {**run.settings, **run.summary}.items())
    yield from (f"  {note.severity}: {note.text}" for note in run.notes)
    yield from (f"  {kind:<16} {seconds / MILLISECOND:12.3f} ms" for kind, seconds in totals(run.kernels).items())
    for point in run.points:
        rate = f"rate {point.request_rate:g}/s" if point.request_rate else ""
        load = f"concurrency {point.concurrency:g}" if point.concurrency else rate
        yield f"  {point.metric:<26} {point.statistic:<7} {point.value:14.6g}  {load}"
