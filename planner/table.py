"""A table of measurements, a row for each case: its columns -> the question it answers and what was measured.

| column | ours |
| --- | --- |
| gpu, model, quantization, tensor_parallel, ... (predict.INPUTS) | the same |
| batch | concurrency; without a column `mode`: all requests of the batch start together |
| context_tokens, target_requests_per_s | input_tokens, request_rate |
| measured_ttft_ms, measured_tpot_ms, measured_e2e_ms | ttft, tpot, e2e; mean [s] |
| latency_per_output_token_ms, also with measured_ | latency_per_output_token, mean [s] |
| latency_ms | e2e, or ttft at one output token [s] |
| {ttft,tpot,latency}_p50_ms, ..._p99_ms | ttft, tpot, e2e; median, p99 [s] |
| requests_per_s, output_tokens_per_s, also with measured_ | request_throughput, output_throughput [1/s] |
| reported_arithmetic_intensity, of `phase` | prefill_ or decode_arithmetic_intensity [FLOP/B] |

Where a table has columns measured_*, or `basis` as the answers of predict have it, the other names are predictions and
not read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from planner.catalogue import find_gpu
from planner.errors import CatalogueError
from planner.measured import MeasuredPoint, Run
from planner.predict import INPUTS, OUTPUTS
from planner.quantities import MILLISECOND
from planner.setting_words import in_sentence

Row = Mapping[str, str]

TABLE = "rows"
"""Under which a run keeps its table."""
PREFIX = "measured_"
RENAMED = {"batch": "concurrency", "context_tokens": "input_tokens", "target_requests_per_s": "request_rate"}
INTENSITY = "reported_arithmetic_intensity"
MEANS = {
    "ttft_ms": "ttft",
    "tpot_ms": "tpot",
    "e2e_ms": "e2e",
    "latency_ms": "e2e",
    "latency_per_output_token_ms": "latency_per_output_token",
    "requests_per_s": "request_throughput",
    "output_tokens_per_s": "output_throughput",
}
PERCENTILE = re.compile(r"(ttft|tpot|latency)_p(\d\d)_ms")
PERCENTILE_OF = {"ttft": "ttft", "tpot": "tpot", "latency": "e2e"}
APART = (
    "gpu", "model", "quantization", "kv_cache", "tensor_parallel", "expert_parallel", "engine", "engine_version",
    "max_num_seqs", "enforce_eager", "mode",
)  # fmt: skip
"""Cells by which the cases of a table fall apart into series; load and lengths vary within one."""


def is_table(columns: Iterable[str]) -> bool:
    """Whether a header is of a table of measurements: it names GPU and model, and has a measured column.

    columns : names of the header

    >>> is_table(["gpu", "model", "batch", "latency_ms"]), is_table(["gpu", "model", "ttft_ms", "basis"])
    (True, False)
    """
    names = set(columns)
    return {"gpu", "model"} <= names and bool(measured_columns(names))


def measured_columns(columns: Iterable[str]) -> set[str]:
    """The columns of a header that hold measured values.

    columns : names of the header
    """
    names = set(columns)
    marked = {name for name in names if name.startswith(PREFIX) and name.removeprefix(PREFIX) in MEANS}
    predicted = set(OUTPUTS) if "basis" in names else set()
    bare = {name for name in names if name in MEANS or PERCENTILE.fullmatch(name) or name == INTENSITY}
    return marked or bare - predicted


def cells_of(row: Row) -> dict[str, str]:
    """The question of a row, as columns of predict.INPUTS; what it does not tell is left out.

    row : column -> text
    """
    told = {RENAMED.get(name, name): text.strip() for name, text in row.items() if text and text.strip()}
    if "batch" in row and "mode" not in row:
        told["mode"] = "batch"
    if INTENSITY in row:
        told.setdefault("output_tokens", "1")
    return {name: told[name] for name in INPUTS if name in told}


def points_of(row: Row) -> tuple[MeasuredPoint, ...]:
    """What a row measured, under its own conditions.

    row : column -> text; an empty cell was not measured [ms], [1/s], [FLOP/B]
    returns : in the order of the columns [s], [1/s], [FLOP/B]
    """
    cells, found = cells_of(row), []
    for column in (name for name in row if name in measured_columns(row)):
        value = number(row[column])
        if value is not None:
            metric, statistic, unit = _meaning(column, row)
            found.append(
                MeasuredPoint(
                    metric=metric,
                    statistic=statistic,
                    value=value * unit,
                    concurrency=number(cells.get("concurrency")),
                    request_rate=number(cells.get("request_rate")),
                    prompt_tokens=number(cells.get("input_tokens")),
                    output_tokens=number(cells.get("output_tokens")),
                    prefix_cached_tokens=number(cells.get("prefix_cached_tokens")),
                )
            )
    return tuple(found)


def table_rows(run: Run) -> list[Row]:
    """The rows of a run that is a table; none if it is not.

    run : with its tables
    """
    batches = run.tables.get(TABLE, ())
    return [{name: text or "" for name, text in row.items()} for batch in batches for row in batch.to_pylist()]


def row_run(table: Run, row: Row) -> Run:
    """One row of a table as a run of its own: its question as settings, its values as points.

    table : the whole table's run
    row : of its table "rows" [ms], [1/s]
    """
    cells = cells_of(row)
    return Run(
        tool=table.tool,
        tool_version=table.tool_version,
        source_name=table.source_name,
        file_hash=table.file_hash,
        gpu_names=(row["gpu"],),
        gpu=gpu_id(row["gpu"]),
        model=row["model"],
        model_name=row["model"],
        settings={name: text for name, text in cells.items() if name not in ("gpu", "model")},
        points=points_of(row),
    )


def series(rows: Iterable[Row]) -> dict[str, Sequence[Row]]:
    """Rows that differ in load and lengths alone, under what they share.

    rows : of one table
    returns : in the table's order; the name says GPU, model, and what else differs between the series
    """
    grouped: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        cells = cells_of(row)
        grouped.setdefault(tuple(cells.get(name, "") for name in APART), []).append(row)
    keys = list(grouped)
    varied = [place for place in range(2, len(APART)) if len({key[place] for key in keys}) > 1]
    return {_label(key, varied): found for key, found in grouped.items()}


def gpu_id(name: str) -> str | None:
    """The catalogue's id of a GPU; None if the name is unknown or means several.

    name : as a table writes it
    """
    try:
        return find_gpu(name).id
    except CatalogueError:
        return None


def number(text: str | None) -> float | None:
    """A finite number, or None for an empty or any other text.

    text : of a cell

    >>> number("1.5"), number(""), number("inf"), number(None)
    (1.5, None, None, None)
    """
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _meaning(column: str, row: Row) -> tuple[str, str, float]:
    if column == INTENSITY:
        return f"{row.get('phase') or 'decode'}_arithmetic_intensity", "mean", 1.0
    found = PERCENTILE.fullmatch(column)
    if found:
        return PERCENTILE_OF[found[1]], "median" if found[2] == "50" else f"p{found[2]}", MILLISECOND
    bare = column.removeprefix(PREFIX)
    metric = "ttft" if bare == "latency_ms" and cells_of(row).get("output_tokens") == "1" else MEANS[bare]
    return metric, "mean", MILLISECOND if bare.endswith("_ms") else 1.0


def _label(key: tuple[str, ...], varied: Sequence[int]) -> str:
    more = [f"{in_sentence(APART[place])} {key[place] or 'default'}" for place in varied]
    return ", ".join([key[0], key[1].rsplit("/", 1)[-1], *more])
