"""Numbers that no tool writes end in a finding or in none, never in a traceback or in JSON that is none."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from planner.catalogue_models import find_model
from planner.checks import evidence, findings
from planner.checks.evidence import table_evidence
from planner.checks.report import as_json, as_text
from planner.measured import KernelSample
from tests.planner.checks.made import launched, llama, point, run, sent
from tests.planner.questions import LLAMA_8B

ODD = ("0", "1e-320", "1e-12", "1e300", "1e-3")
COLUMNS = ("measured_ttft_ms", "measured_tpot_ms", "measured_e2e_ms", "measured_requests_per_s",
           "measured_output_tokens_per_s", "measured_latency_per_output_token_ms")  # fmt: skip


def checked(made):
    found = findings(made)
    assert json.loads(json.dumps([as_json(one) for one in found], allow_nan=False)) is not None
    assert list(as_text("file", found))
    return found


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", ODD)
def test_odd_values_in_a_table(column, value):
    rows = []
    for batch in ("1", "2", "4", "8", "64"):
        row = llama(**dict.fromkeys(COLUMNS, "7"), concurrency=batch, input_tokens="128", output_tokens="64")
        rows.append({**row, column: value})
    checked(table_evidence(run(), rows))
    checked(table_evidence(run(), [{**row, "mode": "batch"} for row in rows]))
    checked(table_evidence(run(), [{**row, "input_tokens": str(2**place)} for place, row in enumerate(rows, 5)]))


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("load", ["concurrency", "input_tokens", "output_tokens", "request_rate", "max_num_seqs"])
def test_odd_loads_in_a_table(load, value):
    row = llama(**dict.fromkeys(COLUMNS, "7"), input_tokens="128", output_tokens="64", concurrency="4")
    checked(table_evidence(run(), [{**row, load: value}] * 5))


@pytest.mark.parametrize("value", [0.0, 5e-324, 1e-9, 1e300])
def test_odd_points_and_kernels(value):
    load = {"concurrency": 4.0, "prompt_tokens": 128.0, "output_tokens": 64.0}
    points = [point(metric, value, name, **load) for metric in ("ttft", "tpot", "e2e", "output_throughput",
              "request_throughput") for name in ("mean", "median", "p99", "min", "max")]  # fmt: skip
    kernels = (KernelSample("gemm", "gemm", 0, 1, value, value, value), KernelSample("gemm", "gemm", 0, 1, 1e-3))
    for made in (run(*points), run(kernels=kernels), run(*points, kernels=kernels)):
        checked(evidence(made, "h100-sxm", find_model(LLAMA_8B)))


@pytest.mark.parametrize("value", [0.0, -1e300, 1e300, math.nan, math.inf])
def test_odd_requests_and_launches(value):
    odd = np.full(40, value)
    tables = sent(np.arange(40.0), odd, odd) | launched(np.full(600, 1e-6), process=1)
    checked(evidence(run(tables=tables, settings={"request_rate": 10.0}), None, None))
    checked(evidence(run(tables=sent(odd, odd, odd)), None, None))


def test_a_run_without_anything_has_no_findings():
    assert checked(evidence(run(), None, None)) == ()
    assert checked(evidence(run(), "h100-sxm", find_model(LLAMA_8B))) == ()
