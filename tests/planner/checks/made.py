"""Evidence made by hand: rows, points, requests and launches with the values that a test is about."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pytest

from planner.catalogue_models import find_model
from planner.checks import evidence, findings
from planner.checks.evidence import table_evidence
from planner.measured import MeasuredPoint, Run
from tests.planner.questions import LLAMA_8B, MEASUREMENTS

FILE = "0" * 64


def run(*points, **fields):
    given = {"tool": "t", "tool_version": "", "source_name": "file", "file_hash": FILE, "points": points, **fields}
    return Run(**given)


def point(metric, value, statistic="mean", **load):
    return MeasuredPoint(metric, statistic, value, **load)


def found(made, check, gpu=None, model=None, **more):
    """Findings of one check in a run."""
    asked = evidence(made, gpu, find_model(model) if model else None, **more)
    return [one for one in findings(asked) if one.check == check]


def in_rows(rows, check):
    """Findings of one check in the rows of a table."""
    columns = {name: "" for row in rows for name in row}
    return [one for one in findings(table_evidence(run(), [{**columns, **row} for row in rows])) if one.check == check]


def reference(name):
    """Rows of a table of ../shared/measurements; the test is skipped where it is missing."""
    path = MEASUREMENTS / f"{name}.csv"
    if not path.is_file():
        pytest.skip("real files are not part of the product; they stand in ../shared")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def llama(**cells):
    """A row of Llama-3.1-8B on an H100 in vLLM."""
    return {"gpu": "h100-sxm", "model": LLAMA_8B, "quantization": "bf16", **cells}


def sent(start, ttft, latency, result=0):
    """The table of requests of a load test [s]."""
    columns = {"result": [result] * len(start), "start_s": start, "ttft_s": ttft, "latency_s": latency}
    return {"requests": pa.Table.from_pydict(columns).to_reader()}


def launched(seconds, device=0, process=1, name="sm90_gemm", kind="gemm", grid=8):
    """A table of kernels, one after the other [s]."""
    seconds = np.asarray(seconds)
    ends = np.cumsum(seconds * 2e9).astype(np.int64) + 10**9
    count = len(seconds)
    table = pa.Table.from_pydict(
        {
            "name": pa.array([name] * count).dictionary_encode(),
            "kind": pa.array([kind] * count).dictionary_encode(),
            "start_ns": ends - (seconds * 1e9).astype(np.int64),
            "end_ns": ends,
            "device": np.broadcast_to(device, count),
            "process_id": np.broadcast_to(process, count),
            "grid_x": np.broadcast_to(grid, count),
        }
    )
    return {"kernels": table.to_reader(max_chunksize=max(1, count // 3))}
