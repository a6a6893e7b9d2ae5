"""Reports of GuideLLM 0.2 to 0.8 as CSV: a row is a benchmark; the header has one line (0.2, 0.3) or several.

| their column                                                   | ours                                   |
| -------------------------------------------------------------- | -------------------------------------- |
| Time to First Token / Successful ms / Mean, Median, Std Dev    | points (importers/guidellm_points.py)  |
| Successful Time to first token ms mean (0.2, 0.3)              | the same                               |
| ... Percentiles: [min, 0.1, 1, 5, 10, 25, 75, 90, 95, 99, max] | each                                   |
| Benchmark / Strategy: concurrent@4; Name (0.2, 0.3)            | concurrency or request_rate of a point |
| Timings / Duration; Request Counts / Successful, Errored       | summary duration_s, requests, failed   |
| Runtime Info / Metadata: guidellm_version                      | tool_version                           |
| Run Info / Backend: model                                      | model_name                             |
| Backend / target, Environment, Arguments, Run ID               | never kept                             |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from importers.csv_text import cell_number, first_row, rows
from importers.files import content_hash, head, source_name
from importers.guidellm_points import BY_TOKEN, Benchmark, definitions
from importers.json_text import text_of
from planner.errors import MalformedFile
from planner.measured import Run

name = "GuideLLM report (CSV)"

OLD_SIGNS = {"Run Id", "Name", "Successful Requests"}
NEW_SIGNS = {"Benchmark", "Timings"}
METRICS = {
    ("Request Latency", "Sec"): "request_latency",
    ("Time to First Token", "ms"): "time_to_first_token_ms",
    ("Time per Output Token", "ms"): "time_per_output_token_ms",
    ("Inter Token Latency", "ms"): "inter_token_latency_ms",
    ("Server Throughput", "Requests/Sec"): "requests_per_second",
    ("Token Metrics", "Input Tokens"): "prompt_token_count",
    ("Token Metrics", "Output Tokens"): "output_token_count",
    ("Token Throughput", "Output Tokens/Sec"): "output_tokens_per_second",
    ("Token Throughput", "Total Tokens/Sec"): "tokens_per_second",
}
OLD_METRICS = {metric.replace("_", " ").capitalize(): metric for metric in METRICS.values()}
PERCENTILES = ("min", "p0.1", "p1", "p5", "p10", "p25", "p75", "p90", "p95", "p99", "max")
_OLD_COLUMN = re.compile(rf"Successful ({'|'.join(OLD_METRICS)}) (mean|median|std dev|\[min.*max\])")
Column = tuple[str, ...]


def identify(path: Path) -> bool:
    """Whether the first line holds the columns of either age."""
    found = set(first_row(head(path)))
    return found >= OLD_SIGNS or found >= NEW_SIGNS


def read(path: Path) -> Run:
    """The run of a report: no requests, for its CSV lists none.

    path : the file
    raises : MalformedFile, TooLarge
    """
    columns, benchmarks = _table(path)
    modern = len(columns[0]) > 1
    cells = [dict(zip(columns, row, strict=True)) for row in benchmarks]
    found = [_benchmark(row, modern=modern) for row in cells]
    return Run(
        tool="GuideLLM",
        tool_version=_told(cells[0], "Runtime Info", "Metadata", "guidellm_version")
        or ("0.4 or later" if modern else "0.2 or 0.3"),
        source_name=source_name(path),
        file_hash=content_hash(path),
        model_name=_told(cells[0], "Run Info", "Backend", "model") or _told(cells[0], "Worker", "", "backend_model"),
        settings=definitions(modern=modern),
        summary=_summary(cells),
        points=tuple(point for benchmark in found for point in benchmark.points()),
        notes=() if all(benchmark.one_length for benchmark in found) else (BY_TOKEN,),
    )


def _table(path: Path) -> tuple[list[Column], list[list[str]]]:
    """Columns as (group, field, statistic), or as their one name, and a row for each benchmark."""
    lines = rows(path)
    depth = next((place for place, row in enumerate(lines) if _is_data(row)), len(lines))
    header, body = lines[:depth], lines[depth:]
    if not header or not body:
        raise MalformedFile(f"{source_name(path)}: no benchmark in GuideLLM's report.")
    if any(len(row) != len(lines[0]) for row in lines):
        raise MalformedFile(
            f"{source_name(path)}: rows of different lengths. GuideLLM leaves out empty columns in some rows, not in "
            "others, so values cannot be told apart. Import its JSON report."
        )
    if depth == 1:
        return [(cell,) for cell in header[0]], body
    return list(zip(*header, *[[""] * len(header[0])] * (3 - depth), strict=True)), body


def _is_data(row: Sequence[str]) -> bool:
    return any(cell.strip() in ("generative_benchmark", "benchmark") for cell in row)


def _benchmark(cells: Mapping[Column, str], *, modern: bool) -> Benchmark:
    metrics: dict[str, dict[str, Any]] = {}
    for column, cell in cells.items():
        metric, statistic = _metric(column)
        if metric:
            metrics.setdefault(metric, {}).update(_values(statistic, cell))
    strategy = cells.get(("Benchmark", "Strategy", ""), "") if modern else cells.get(("Name",), "")
    kind, _, load = strategy.partition("@")
    return Benchmark(kind, cell_number(load), metrics, modern)


def _metric(column: Column) -> tuple[str | None, str]:
    if len(column) == 1:
        match = _OLD_COLUMN.fullmatch(column[0])
        return (OLD_METRICS[match[1]], match[2]) if match else (None, "")
    group, status_and_unit, statistic = column
    status, _, unit = status_and_unit.partition(" ")
    return (METRICS.get((group, unit)) if status == "Successful" else None), statistic.lower()


def _values(statistic: str, cell: str) -> dict[str, Any]:
    if statistic.startswith(("[", "percentiles")):
        listed = [cell_number(text) for text in cell.strip("[] ").split(",")]
        return dict(zip(PERCENTILES, listed, strict=True)) if len(listed) == len(PERCENTILES) else {}
    return {statistic: cell_number(cell)}


def _told(cells: Mapping[Column, str], group: str, field: str, key: str) -> str | None:
    """A value of a cell that holds JSON."""
    cell = cells.get((group, field, "")) if field else cells.get((group,))
    try:
        value = msgspec.json.decode(cell or "")
    except (ValueError, RecursionError):
        return None
    return text_of(value.get(key)) if isinstance(value, dict) else None


def _summary(cells: Sequence[Mapping[Column, str]]) -> dict[str, float]:
    columns = {
        "duration_s": (("Timings", "Duration", "Sec"), ("Duration",)),
        "requests": (("Request Counts", "Successful", ""), ("Successful Requests",)),
        "failed": (("Request Counts", "Errored", ""), ("Errored Requests",)),
        "incomplete": (("Request Counts", "Incomplete", ""), ("Incomplete Requests",)),
    }
    return {"results": len(cells)} | {key: total for key, names in columns.items() for total in _totals(cells, names)}


def _totals(cells: Sequence[Mapping[Column, str]], names: Sequence[Column]) -> Iterator[float]:
    found = [cell_number(row[column]) for row in cells for column in names if column in row]
    if found and None not in found:
        yield sum(value for value in found if value is not None)
