"""The demo workspace: published reference measurements (data/reference/*.csv) as runs, one for each GPU and sweep.

| of a run | from |
| --- | --- |
| points | the table's columns, as planner/table.py reads them |
| prefix_cached_tokens of the lab's points | all but the last block of the prompt: its benchmark repeats its prompts |
| settings | what the studies tell of their engine |
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from planner.catalogue import DATA, find_gpu
from planner.measured import MeasuredPoint, Note, Run, Severity
from planner.table import Row, points_of

TOOL = "reference"
REPEATED_PROMPTS = Note(
    Severity.WARNING,
    "The benchmark sent the same prompts again and again with prefix caching on: all but the last 16 tokens of each "
    "prompt came from the cache. Predicted as it was really run, with vLLM 0.9.",
)
UNPUBLISHED = Note(Severity.INFO, "Prompt and output lengths were not published: say which to predict with.")
LAB_BLOCK = 16
LAB_SETTINGS = {"quantization": "bf16", "mode": "batch", "engine_version": "0.9.0"}
T4_SETTINGS = {"quantization": "awq", "enforce_eager": "true"}


@cache
def reference_runs() -> tuple[Run, ...]:
    """Every reference run, one for each GPU and sweep; they are part of the product and need no store."""
    runs = [run for file, read in FILES.items() for run in read(DATA / "reference" / file)]
    return tuple(sorted(runs, key=lambda run: run.source_name))


def lab_decode(path: Path) -> Iterator[Run]:
    """Decode sweep: total latency over output tokens, by batch.

    path : lab_decode_sweep.csv; times in [ms]
    """
    return _lab(path, "decode sweep")


def lab_prefill(path: Path) -> Iterator[Run]:
    """Prefill sweep: latency of one output token, by prompt length.

    path : lab_prefill_sweep.csv; times in [ms]
    """
    return _lab(path, "prefill sweep")


def t4_static(path: Path) -> Iterator[Run]:
    """Arithmetic intensities that the T4 study reported, by phase and context.

    path : t4_awq_static.csv; intensities in [FLOP/B]
    """
    for gpu, rows in _by(path, "gpu"):
        yield _run(path, gpu, rows, "static analysis", _points(rows), {**T4_SETTINGS, "mode": "batch"})


def t4_load_tests(path: Path) -> Iterator[Run]:
    """Load tests of the T4 study; prompt and output lengths were not published, so they stay empty.

    path : t4_awq_load_tests.csv; times in [ms], rates in [1/s]
    """
    for name, rows in _by(path, "run"):
        slots = rows[0]["max_num_seqs"]
        settings = {**T4_SETTINGS, **({"max_num_seqs": slots} if slots else {})}
        yield _run(path, rows[0]["gpu"], rows, f"load test {name}", _points(rows), settings, (UNPUBLISHED,))


def _lab(path: Path, what: str) -> Iterator[Run]:
    for gpu, rows in _by(path, "gpu"):
        points = tuple(
            replace(point, prefix_cached_tokens=(point.prompt_tokens or 0.0) - LAB_BLOCK) for point in _points(rows)
        )
        yield _run(path, gpu, rows, what, points, LAB_SETTINGS, (REPEATED_PROMPTS,))


def _points(rows: Sequence[Row]) -> tuple[MeasuredPoint, ...]:
    return tuple(point for row in rows for point in points_of(row))


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
