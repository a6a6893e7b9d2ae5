"""The demo workspace: published reference measurements (data/reference/*.csv) as runs.

| column | ours |
| --- | --- |
| batch | concurrency |
| input_tokens, context_tokens | prompt_tokens |
| latency_per_output_token_ms | latency_per_output_token [s] |
| latency_ms at one output token | ttft [s] |
| tpot_p50_ms, ttft_p50_ms, latency_p50_ms, ... | tpot, ttft, e2e [s] |
| reported_arithmetic_intensity | prefill_ or decode_arithmetic_intensity [FLOP/B] |
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from planner.catalogue import DATA, find_gpu
from planner.measured import MeasuredPoint, Note, Run, Severity
from planner.quantities import MILLISECOND

TOOL = "reference"
REPEATED_PROMPTS = Note(
    Severity.WARNING,
    "The benchmark sent the same prompts again and again with prefix caching on: all but the last 16 tokens of each "
    "prompt came from the cache. Predicted as it was really run, with vLLM 0.9.",
)
LAB_BLOCK = 16
LAB_SETTINGS = {"quantization": "bf16", "mode": "batch", "engine_version": "0.9.0"}
T4_SETTINGS = {"quantization": "awq", "enforce_eager": "true"}
PERCENTILES = {"p50": "median", "p99": "p99"}
METRICS = {"ttft": "ttft", "tpot": "tpot", "latency": "e2e"}

Row = Mapping[str, str]


@cache
def reference_runs() -> tuple[Run, ...]:
    """Every reference run, one for each GPU and sweep; they are part of the product and need no store."""
    runs = [run for file, read in FILES.items() for run in read(DATA / "reference" / file)]
    return tuple(sorted(runs, key=lambda run: run.source_name))


def lab_decode(path: Path) -> Iterator[Run]:
    """Decode sweep: total latency over output tokens, by batch.

    path : lab_decode_sweep.csv; times in [ms]
    """
    return _lab(path, "decode sweep", "latency_per_output_token", "latency_per_output_token_ms")


def lab_prefill(path: Path) -> Iterator[Run]:
    """Prefill sweep: latency of one output token, by prompt length.

    path : lab_prefill_sweep.csv; times in [ms]
    """
    return _lab(path, "prefill sweep", "ttft", "latency_ms")


def _lab(path: Path, what: str, metric: str, column: str) -> Iterator[Run]:
    for gpu, rows in _by(path, "gpu"):
        points = tuple(
            MeasuredPoint(
                metric=metric,
                statistic="mean",
                value=float(row[column]) * MILLISECOND,
                concurrency=float(row["batch"]),
                prompt_tokens=float(row["input_tokens"]),
                output_tokens=float(row["output_tokens"]),
                prefix_cached_tokens=float(row["input_tokens"]) - LAB_BLOCK,
            )
            for row in rows
        )
        yield _run(path, gpu, rows, what, points, LAB_SETTINGS, (REPEATED_PROMPTS,))


def t4_static(path: Path) -> Iterator[Run]:
    """Arithmetic intensities that the T4 study reported, by phase and context.

    path : t4_awq_static.csv; intensities in [FLOP/B]
    """
    for gpu, rows in _by(path, "gpu"):
        points = tuple(
            MeasuredPoint(
                metric=f"{row['phase']}_arithmetic_intensity",
                statistic="mean",
                value=float(row["reported_arithmetic_intensity"]),
                concurrency=float(row["batch"]),
                prompt_tokens=float(row["context_tokens"]),
                output_tokens=1.0,
            )
            for row in rows
        )
        yield _run(path, gpu, rows, "static analysis", points, {**T4_SETTINGS, "mode": "batch"})


def t4_load_tests(path: Path) -> Iterator[Run]:
    """Load tests of the T4 study; prompt and output lengths were not published, so they stay empty.

    path : t4_awq_load_tests.csv; times in [ms], rates in [1/s]
    """
    note = Note(Severity.INFO, "Prompt and output lengths were not published: say which to predict with.")
    for name, rows in _by(path, "run"):
        row = rows[0]
        settings = {**T4_SETTINGS, **({"max_num_seqs": row["max_num_seqs"]} if row["max_num_seqs"] else {})}
        yield _run(path, row["gpu"], rows, f"load test {name}", tuple(_load_points(row)), settings, (note,))


def _load_points(row: Row) -> Iterator[MeasuredPoint]:
    rate = float(row["target_requests_per_s"])
    for column, metric in METRICS.items():
        for percentile, statistic in PERCENTILES.items():
            if text := row[f"{column}_{percentile}_ms"]:
                yield MeasuredPoint(metric, statistic, float(text) * MILLISECOND, request_rate=rate)
    if text := row["output_tokens_per_s"]:
        yield MeasuredPoint("output_throughput", "mean", float(text), request_rate=rate)


def _run(
    path: Path,
    gpu: str,
    rows: Sequence[Row],
    what: str,
    points: tuple[MeasuredPoint, ...],
    settings: Mapping[str, str],
    notes: tuple[Note, ...] = (),
) -> Run:
    identity = hashlib.sha256(path.read_bytes() + f"{gpu} {what}".encode()).hexdigest()
    return Run(
        tool=TOOL,
        tool_version=rows[0]["source"],
        source_name=f"{rows[0]['source']}: {what}, {gpu}",
        file_hash=identity,
        gpu_names=(gpu,),
        gpu=find_gpu(gpu).id,
        model=rows[0]["model"],
        model_name=rows[0]["model"],
        settings=MappingProxyType(dict(settings)),
        points=points,
        notes=notes,
    )


def _by(path: Path, column: str) -> Iterator[tuple[str, list[Row]]]:
    with path.open(encoding="utf-8", newline="") as file:
        for key, rows in groupby(csv.DictReader(file), key=lambda row: row[column]):
            yield key, list(rows)


FILES: Mapping[str, Callable[[Path], Iterator[Run]]] = {
    "lab_decode_sweep.csv": lab_decode,
    "lab_prefill_sweep.csv": lab_prefill,
    "t4_awq_static.csv": t4_static,
    "t4_awq_load_tests.csv": t4_load_tests,
}
