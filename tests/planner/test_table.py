"""A table of measurements: which columns are measured, what a row asks, and which rows belong together."""

from __future__ import annotations

import pytest

from planner.measured import Run
from planner.table import cells_of, is_table, measured_columns, points_of, row_run, series

RUN = Run("table", "", "t.csv", "0" * 64)
LAB = {"gpu": "L40S", "model": "meta-llama/Llama-3.1-8B-Instruct", "quantization": "bf16", "batch": "512",
       "input_tokens": "128", "output_tokens": "64", "latency_per_output_token_ms": "81.53"}  # fmt: skip
T4 = {"gpu": "T4", "model": "TheBloke/Llama-2-7B-AWQ", "target_requests_per_s": "20", "requests_per_s": "20.26",
      "output_tokens_per_s": "173.6", "ttft_p99_ms": "50674", "latency_p50_ms": "33848", "tpot_p99_ms": ""}  # fmt: skip


def values(row):
    return {(point.metric, point.statistic): point.value for point in points_of(row)}


def test_a_batch_is_a_concurrency_that_starts_together():
    assert cells_of(LAB)["concurrency"] == "512"
    assert cells_of(LAB)["mode"] == "batch"
    assert values(LAB) == {("latency_per_output_token", "mean"): pytest.approx(0.08153)}


def test_percentiles_and_rates_have_their_units():
    assert values(T4) == {
        ("request_throughput", "mean"): 20.26,
        ("output_throughput", "mean"): 173.6,
        ("ttft", "p99"): pytest.approx(50.674),
        ("e2e", "median"): pytest.approx(33.848),
    }
    assert points_of(T4)[0].request_rate == 20
    assert points_of(T4)[0].prompt_tokens is None


def test_latency_of_one_token_is_the_first():
    one = {"gpu": "T4", "model": "m", "output_tokens": "1", "latency_ms": "7.5"}
    assert values(one) == {("ttft", "mean"): 0.0075}
    assert values({**one, "output_tokens": "2"}) == {("e2e", "mean"): 0.0075}


def test_predictions_are_not_measurements():
    assert measured_columns(["gpu", "model", "tpot_ms", "measured_ttft_ms"]) == {"measured_ttft_ms"}
    assert measured_columns(["gpu", "model", "tpot_ms", "basis", "requests_per_s"]) == {"requests_per_s"}
    assert not is_table(["gpu", "model", "concurrency"])
    assert not is_table(["gpu", "latency_ms"])


def test_a_reported_intensity_is_of_its_phase_alone():
    row = {"gpu": "T4", "model": "m", "phase": "prefill", "context_tokens": "512", "reported_arithmetic_intensity": "9"}
    assert values(row) == {("prefill_arithmetic_intensity", "mean"): 9.0}
    assert cells_of(row)["input_tokens"] == "512"
    assert cells_of(row)["output_tokens"] == "1"


def test_a_row_is_a_run_of_its_own():
    part = row_run(RUN, LAB)
    assert (part.gpu, part.model) == ("l40s", "meta-llama/Llama-3.1-8B-Instruct")
    assert part.settings["concurrency"] == "512"
    assert row_run(RUN, {**LAB, "gpu": "A100"}).gpu is None


def test_series_differ_in_more_than_load():
    rows = [{**LAB, "gpu": gpu, "batch": batch} for gpu in ("L40S", "H100") for batch in ("1", "4")]
    assert {name: len(found) for name, found in series(rows).items()} == {
        "L40S, Llama-3.1-8B-Instruct": 2,
        "H100, Llama-3.1-8B-Instruct": 2,
    }
    named = series([{**T4, "max_num_seqs": "1"}, {**T4, "max_num_seqs": ""}])
    assert list(named) == ["T4, Llama-2-7B-AWQ, batch limit 1", "T4, Llama-2-7B-AWQ, batch limit default"]
