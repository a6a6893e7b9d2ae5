"""Results of AIPerf and GenAI-Perf as CSV: a block of distributions, a block of single values.

| their column or row                                         | ours                                |
| ----------------------------------------------------------- | ----------------------------------- |
| Metric, avg, min, max, p99, ... rows "Request Latency (ms)" | points (importers/aiperf_points.py) |
| Metric, Value rows "Request Throughput (requests/sec)"      | the same                            |
| 1,234.56 (GenAI-Perf)                                       | 1234.56                             |
| blocks of GPU telemetry and all that follows them           | left out: they name hosts           |

The CSV does not tell model and load: its JSON beside it does. Its numbers have two decimals.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from importers.aiperf_points import DEFINITIONS, Summary
from importers.csv_text import cell_number, first_row, rows
from importers.files import content_hash, head, source_name
from importers.load_points import Conditions
from planner.errors import MalformedFile
from planner.measured import Note, Run, Severity, sorted_notes

name = "AIPerf, GenAI-Perf (CSV)"

SINGLE = ["Metric", "Value"]
_NAME = re.compile(r"(.+?)(?: \(([a-z/]+)\))?")
NAMES = {"request_goodput": "request_goodput", "good_request_throughput": "request_goodput"}


def identify(path: Path) -> bool:
    """Whether the first line is the header of the block of distributions."""
    found = first_row(head(path))
    return found[:4] == ("Metric", "avg", "min", "max")


def read(path: Path) -> Run:
    """The run of one result.

    path : the file
    raises : MalformedFile, TooLarge
    """
    metrics = _metrics(path)
    if "request_latency" not in metrics:
        raise MalformedFile(f'{source_name(path)}: no row "Request Latency (ms)". Import the JSON of AIPerf.')
    summary = Summary(metrics, Conditions())
    rounded = Note(Severity.INFO, "The CSV rounds to two decimals and names neither model nor load: prefer the JSON.")
    return Run(
        tool="AIPerf" if "benchmark_duration" in metrics or "request_count" in metrics else "GenAI-Perf",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        settings=DEFINITIONS,
        summary=summary.totals(),
        points=tuple(summary.points()),
        notes=sorted_notes([rounded, *summary.notes()]),
    )


def _metrics(path: Path) -> dict[str, dict[str, Any]]:
    """Metrics of the first two blocks, under the names of the JSON."""
    found: dict[str, dict[str, Any]] = {}
    header: list[str] = []
    for row in rows(path):
        if row[0] == "Metric":
            header = ["avg"] if row == SINGLE else row[1:]
        elif len(row) != len(header) + 1:
            break
        else:
            metric, unit = _named(row[0])
            values = dict(zip(header, map(cell_number, row[1:]), strict=True))
            found[metric] = {"unit": unit, **{key: value for key, value in values.items() if value is not None}}
    return found


def _named(cell: str) -> tuple[str, str]:
    """A metric's name as the JSON has it, and its unit.

    >>> _named("Output Token Throughput (tokens/sec)")
    ('output_token_throughput', 'tokens/sec')
    """
    match = _NAME.fullmatch(cell)
    words, unit = (match[1], match[2] or "") if match else (cell, "")
    return words.lower().replace(" ", "_"), unit
