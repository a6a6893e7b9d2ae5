"""Our own plain CSV: a line is a load point, or, where there is a column arrival_s, a request. Units are in the names.

| column                                               | ours                                           |
| ---------------------------------------------------- | ---------------------------------------------- |
| ttft_ms, tpot_ms, itl_ms, e2e_ms; also ..._s         | the mean of a point; of a request its value    |
| ttft_p99_ms, e2e_median_ms, tpot_std_ms, ...         | that statistic of a point                      |
| request_throughput_per_s, output_, input_, total_... | the same, total                                |
| concurrency, request_rate_per_s                      | conditions of a point; of requests one in all  |
| prompt_tokens, output_tokens, prefix_cached_tokens   | conditions of a point; of a request its counts |
| arrival_s                                            | sent_s of the table `requests`                 |
| error                                                | a request that failed: its class               |
| gpu, model, tensor_parallel, quantization, ...       | of the whole run: one value in all lines       |

Templates: data/samples/load_points.csv and requests.csv. An empty cell is unknown; another column is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from importers.csv_text import cell_number, first_row, rows
from importers.derived import DEFINITIONS, points_of, totals
from importers.failures import failure_counts
from importers.files import clean_text, content_hash, head, source_name
from importers.gpus import catalogue_id
from importers.load_points import Conditions, statistic
from importers.requests_table import Requests, Row, of_rows, tables
from planner.errors import MalformedFile, nearest
from planner.measured import MeasuredPoint, Note, Run, Severity
from planner.quantities import MILLISECOND
from planner.table import is_table

name = "plain table of load points or requests (CSV)"

ARRIVAL, ERROR = "arrival_s", "error"
CONDITIONS = {
    "concurrency": "concurrency",
    "request_rate_per_s": "request_rate",
    "prompt_tokens": "prompt_tokens",
    "output_tokens": "output_tokens",
}
CACHED = "prefix_cached_tokens"
RATES = {f"{what}_throughput_per_s": f"{what}_throughput" for what in ("request", "output", "input", "total")}
OF_THE_RUN = (
    "gpu", "model", "tensor_parallel", "expert_parallel", "quantization", "kv_cache", "engine", "engine_version",
    "max_num_seqs", "max_num_batched_tokens", "max_model_len", "gpu_memory_utilization", "enforce_eager", "mode",
)  # fmt: skip
KNOWN = (
    "ttft_ms", "tpot_ms", "itl_ms", "e2e_ms", "ttft_p99_ms", *RATES, *CONDITIONS, CACHED, ARRIVAL, ERROR, *OF_THE_RUN,
)  # fmt: skip
PREDICTIONS = {"basis", "fits"}
UNITS = {"ms": MILLISECOND, "s": 1.0}
_MEASURED = re.compile(r"(ttft|tpot|itl|e2e)(?:_([a-z]+|p\d{1,2}(?:\.\d{1,3})?))?_(ms|s)")
Cells = Mapping[str, str]


def identify(path: Path) -> bool:
    """Whether the first line has a measured column of ours, and none of the predictions that we write."""
    found = [cell.strip() for cell in first_row(head(path))]
    others = is_table(found) and not is_ours(found)
    return any(map(_is_measured, found)) and not set(found) & PREDICTIONS and not others


def is_ours(columns: Iterable[str]) -> bool:
    """Whether every column is one that this table knows; importers/reference_table.py takes the freer ones."""
    return all(_is_measured(column) or column in KNOWN for column in columns)


def read(path: Path) -> Run:
    """The run of a table.

    path : the file
    raises : MalformedFile naming the column and the line, TooLarge
    """
    header, *body = rows(path)
    columns = [cell.strip() for cell in header]
    _check_columns(path, columns)
    if not body or any(len(row) != len(columns) for row in body):
        raise MalformedFile(f"{source_name(path)}: no line below the header, or one with more or fewer cells.")
    lines = [dict(zip(columns, (cell.strip() for cell in row), strict=True)) for row in body]
    _check_numbers(path, lines)
    told = {column: _one(path, lines, column) for column in OF_THE_RUN if column in columns}
    names = (told["gpu"],) if told.get("gpu") else ()
    run = Run(
        tool="table",
        tool_version="1",
        source_name=source_name(path),
        file_hash=content_hash(path),
        gpu_names=tuple(filter(None, names)),
        gpu=catalogue_id(filter(None, names)),
        model_name=told.get("model"),
        settings={key: value for key, value in told.items() if value and key not in ("gpu", "model")},
    )
    return _of_requests(path, run, lines) if ARRIVAL in columns else _of_points(run, lines)


def _of_points(run: Run, lines: Sequence[Cells]) -> Run:
    return replace(run, summary={"points": float(len(lines))}, points=tuple(p for line in lines for p in _points(line)))


def _points(line: Cells) -> Iterator[MeasuredPoint]:
    where = Conditions(**{ours: cell_number(line.get(theirs, "")) for theirs, ours in CONDITIONS.items()})
    cached = cell_number(line.get(CACHED, ""))
    for column, cell in line.items():
        value, match = cell_number(cell), _MEASURED.fullmatch(column)
        if value is not None and match:
            point = where.point(match[1], statistic(match[2] or "mean") or "mean", value * UNITS[match[3]])
            yield replace(point, prefix_cached_tokens=cached)
        elif value is not None and column in RATES:
            yield replace(where.point(RATES[column], "total", value), prefix_cached_tokens=cached)


def _of_requests(path: Path, run: Run, lines: Sequence[Cells]) -> Run:
    requests = of_rows(map(_row, lines)) or Requests()
    load = {CONDITIONS[key]: _one(path, lines, key) for key in ("concurrency", "request_rate_per_s") if key in lines[0]}
    why = failure_counts(requests.words("error"))
    return replace(
        run,
        settings={**DEFINITIONS, **run.settings},
        summary=totals(requests),
        points=tuple(points_of(requests, Conditions(**{key: cell_number(text or "") for key, text in load.items()}))),
        notes=(Note(Severity.WARNING, f"Requests failed: {why}."),) if why else (),
        tables=tables([requests]),
    )


def _row(line: Cells) -> Row:
    ttft, tpot, e2e = (_seconds(line, metric) for metric in ("ttft", "tpot", "e2e"))
    output = cell_number(line.get("output_tokens", ""))
    if e2e is None and None not in (ttft, tpot, output):
        e2e = (ttft or 0.0) + (tpot or 0.0) * max((output or 0.0) - 1.0, 0.0)
    return Row(
        sent_s=cell_number(line[ARRIVAL]),
        ttft_s=ttft,
        e2e_s=e2e,
        prompt_tokens=cell_number(line.get("prompt_tokens", "")),
        output_tokens=output,
        succeeded=not line.get(ERROR),
        error=line.get(ERROR) or None,
    )


def _seconds(line: Cells, metric: str) -> float | None:
    found = ((cell_number(line.get(f"{metric}_{unit}", "")), scale) for unit, scale in UNITS.items())
    return next((value * scale for value, scale in found if value is not None), None)


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    for column in columns:
        if not _is_measured(column) and column not in KNOWN:
            shown = clean_text(column, 60)
            raise MalformedFile(
                f'{source_name(path)}: column "{shown}" is not known. Nearest: {nearest(shown, KNOWN)}. '
                "A measured column is a metric, a statistic and a unit: e2e_p99_ms. The template shows every column."
            )
    if len(set(columns)) < len(columns):
        raise MalformedFile(f"{source_name(path)}: two columns have one name.")


def _check_numbers(path: Path, lines: Sequence[Cells]) -> None:
    texts = {*OF_THE_RUN, ERROR}
    for place, line in enumerate(lines, 2):
        for column, cell in line.items():
            value = cell_number(cell)
            if cell and column not in texts and (value is None or value < 0):
                raise MalformedFile(
                    f'{source_name(path)}, line {place}: {column} is "{clean_text(cell, 40)}", which is no number of 0 '
                    "or more. Leave an unknown value empty, and write a point before the decimals."
                )


def _one(path: Path, lines: Sequence[Cells], column: str) -> str | None:
    """The one value of a column in all lines."""
    found = {line[column] for line in lines}
    if len(found) > 1:
        raise MalformedFile(f"{source_name(path)}: {column} differs between lines. Keep each in a file of its own.")
    return clean_text(found.pop()) or None


def _is_measured(column: str) -> bool:
    match = _MEASURED.fullmatch(column)
    return column in RATES or bool(match and statistic(match[2] or "mean"))
