"""Growth that no roof explains: waves of max_num_seqs, costs that are the host's, one TPOT whatever the batch."""

from __future__ import annotations

import pytest

from tests.planner.checks.made import in_rows, llama, reference


def test_batch_512_is_two_waves_on_l40s_and_a100():
    jumps = in_rows(reference("lab_decode_sweep"), "waves")
    assert [one.subject.split(", prompt")[0] for one in jumps] == ["A100 PCIe 80GB, batch 512", "L40S, batch 512"]
    assert [one.ratio for one in jumps] == [pytest.approx(1.990, abs=0.001), pytest.approx(1.962, abs=0.001)]
    assert all("two waves of the batch limit of 256" in one.cause for one in jumps)
    assert "Running: 256 reqs, Waiting: 256 reqs" in jumps[0].experiment


def sweep(*milliseconds, batches=(64, 128, 256, 512), **cells):
    load = {"input_tokens": "128", "output_tokens": "64", "quantization": "bf16", **cells}
    return [
        llama(batch=str(batch), latency_per_output_token_ms=str(value), **load)
        for batch, value in zip(batches, milliseconds, strict=True)
    ]


def test_a_limit_that_was_set_is_named():
    (one,) = in_rows(sweep(10, 12, 18, 36, max_num_seqs="256"), "waves")
    assert "batch limit of 256 (--max-num-seqs), as set" in one.cause
    assert not in_rows(sweep(10, 12, 18, 36, max_num_seqs="512"), "waves")


def test_growth_that_a_roof_explains_is_no_jump():
    limited = {"max_num_seqs": "256"}
    assert not in_rows(sweep(10, 12, 18, 30, **limited), "waves")
    assert not in_rows(sweep(10, 19, 37, 73, **limited), "waves"), "it never paid: bound by compute throughout"
    assert not in_rows(sweep(1, 1.2, 1.8, 3.6, **limited), "waves"), "the GPU's work fills the time"


def test_a_full_kv_cache_makes_waves_too():
    """4,096 + 256 tokens a request: the KV cache of an H100 holds about a hundred of Llama-3.1-8B."""
    (one,) = in_rows(
        sweep(30, 35, 45, 90, batches=(16, 32, 64, 128), input_tokens="4096", output_tokens="256"), "waves"
    )
    assert "two waves of the 104 such requests that the KV cache holds" in one.cause


def test_a_further_prompt_token_costs_alike_on_four_gpus():
    (one,) = in_rows(reference("lab_prefill_sweep"), "marginal_cost")
    for told in ("H200 1.3 µs", "H100 1.56 µs", "A100 PCIe 80GB 1.63 µs", "L40S 1.51 µs"):
        assert told in one.sentence
    assert one.measured == pytest.approx(1.248, abs=0.001)
    assert one.limit == pytest.approx(989 / 312, rel=0.01)
    assert "work of the host" in one.cause


def prefills(microseconds_a_token, **cells):
    return [
        llama(
            batch="1",
            input_tokens=str(length),
            output_tokens="1",
            latency_ms=str(7 + length * microseconds_a_token / 1e3),
            **cells,
        )
        for length in (128, 512, 1024, 4096)
    ]


def test_a_cost_below_the_arithmetic_is_said_of_one_gpu():
    """2 · 6.98e9 FLOP at 989 TFLOP/s are 14.1 µs, attention adds 1."""
    (one,) = in_rows(prefills(1.5), "marginal_cost")
    assert one.measured == pytest.approx(1.5e-6)
    assert one.limit == pytest.approx(15.3e-6, rel=0.01)
    assert not in_rows(prefills(20), "marginal_cost")


def test_unlike_costs_are_told_gpu_by_gpu():
    rows = [*prefills(1.0), *prefills(9.0, gpu="l40s")]
    assert len(in_rows(rows, "marginal_cost")) == 2


def test_qwen3_235b_has_one_tpot_whatever_the_batch():
    flat = in_rows(reference("vllm_serving"), "flat_tpot")
    assert len(flat) == 38
    assert all("Qwen3-235B-A22B-FP8" in one.subject for one in flat)
    first = next(one for one in flat if "16 at once, prompt 1,000, output 100" in one.subject)
    assert "TPOT is 52.2 ms, 555 µs a layer" in first.sentence
    assert all(one.ratio > 1.25 for one in flat)
    assert "without CUDA graphs" in first.cause


def test_every_doubted_row_of_the_serving_table_is_explained():
    rows = reference("vllm_serving")
    doubted = sum(bool(row["suspect"]) for row in rows)
    (rest,) = in_rows(rows, "same_benchmark")
    told = len(in_rows(rows, "flat_tpot")) + len(in_rows(rows, "compute_roof")) + int(rest.subject.split()[0])
    assert told == doubted == 59
