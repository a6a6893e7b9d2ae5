"""More work than a GPU can do in the time: the lab's prefill sweep, cached prompts in serving, decode floors."""

from __future__ import annotations

import pytest

from planner.measured import Severity
from tests.planner.checks.made import found, in_rows, llama, point, reference, run
from tests.planner.questions import LLAMA_8B


def test_half_of_the_labs_prefills_are_above_the_peak():
    above = in_rows(reference("lab_prefill_sweep"), "compute_roof")
    assert len(above) == 14
    worst = max(above, key=lambda one: one.ratio)
    assert worst.subject == "A100 PCIe 80GB, batch 1, prompt 4,096, output 1"
    assert worst.ratio == pytest.approx(10.606, abs=0.001)
    assert worst.limit == 312e12
    assert max(one.ratio for one in above if one.subject.startswith("H200")) == pytest.approx(5.479, abs=0.001)
    assert "prefix-cache hits" in worst.cause
    assert "--no-enable-prefix-caching" in worst.experiment


def test_the_count_of_ops_decides_how_grave_it_is():
    """H200, 512 tokens in 7.47 ms: 1.11 times the peak at 2 FLOP a parameter, 98 % of it by vLLM's own ops."""
    above = in_rows(reference("lab_prefill_sweep"), "compute_roof")
    mild = [one.subject for one in above if one.severity is Severity.WARNING]
    assert mild == ["H200, batch 1, prompt 512, output 1"]
    assert sum(one.severity is Severity.ERROR for one in above) == 13


def test_what_the_time_leaves_room_for_is_said():
    """A100, 19.88 ms: its kernels get through about 315 of 4,096 tokens (16 were computed)."""
    worst = max(in_rows(reference("lab_prefill_sweep"), "compute_roof"), key=lambda one: one.ratio)
    assert "of 4,096 prompt tokens, so at least 92" in worst.cause


def test_the_rest_of_that_benchmark_is_named_once():
    (rest,) = in_rows(reference("lab_prefill_sweep"), "same_benchmark")
    assert rest.severity is Severity.INFO
    assert rest.subject == "14 further points of the same model"
    assert rest.measured == pytest.approx(0.85, abs=0.01)


def test_cached_tokens_that_are_told_are_not_counted():
    rows = [
        {**row, "prefix_cached_tokens": str(int(row["input_tokens"]) - 16)} for row in reference("lab_prefill_sweep")
    ]
    assert not in_rows(rows, "compute_roof")


def test_the_labs_decodes_on_the_a100_are_above_it_too_if_prompts_were_computed():
    above = in_rows(reference("lab_decode_sweep"), "compute_roof")
    assert [one.subject.split(", prompt")[0] for one in above] == [
        "A100 PCIe 80GB, batch 256",
        "A100 PCIe 80GB, batch 512",
    ]
    assert above[1].ratio == pytest.approx(1.129, abs=0.001)


def test_llama_8b_fp8_fills_the_fp8_peak():
    """64 at once, 2,000 -> 100 tokens, TTFT 122 ms, TPOT 9.74 ms: 2 · 8.03e9 · 2,099 · 64 FLOP in 1.09 s."""
    caught = in_rows(reference("vllm_serving"), "compute_roof")
    assert len(caught) == 5
    assert all("Llama-3.1-8B-Instruct-FP8" in one.subject for one in caught)
    fullest = max(caught, key=lambda one: one.ratio)
    assert "64 at once" in fullest.subject
    assert "95.3 % of the peak of H200 SXM 141GB (100 % at 2 FLOP a parameter and token)" in fullest.sentence
    assert all(one.ratio > 1.1 for one in caught)
    assert all("prefix-cache hits" in one.cause for one in caught)


def test_its_other_points_are_doubted_with_it():
    (rest,) = in_rows(reference("vllm_serving"), "same_benchmark")
    assert rest.subject.startswith("16 further points")


def test_kernels_of_other_engines_are_only_held_to_the_peak():
    """2,048 tokens in 32 ms: 94 % of an H100's peak, which no kernel of vLLM reaches."""
    row = llama(batch="1", input_tokens="2048", output_tokens="1", latency_ms="32")
    (one,) = in_rows([row], "compute_roof")
    assert "TFLOP/s on each GPU, 94.1 % of the peak of H100" in one.sentence
    assert not in_rows([{**row, "engine": "other"}], "compute_roof")


def test_several_replicas_share_the_work():
    """20 prompts of 4,096 tokens a second on one H100 are 1.36 times its peak; on two replicas they are not."""
    load = {"prompt_tokens": 4096.0, "output_tokens": 2.0}
    made = [point("request_throughput", 20.0, "total", **load), point("ttft", 0.5, **load)]
    (one,) = found(run(*made), "compute_roof", "h100-sxm", LLAMA_8B, quantization="bf16")
    assert one.ratio == pytest.approx(2 * 8030261248 * 20 * 4097 / 989e12, rel=1e-6)
    assert not found(run(*made, settings={"data_parallel": 2.0}), "compute_roof", "h100-sxm", LLAMA_8B)


def test_a_decode_step_reads_its_weights():
    """15.0 GB (16.06 less the embedding) at 3,350 GB/s: 4.48 ms."""
    load = {"concurrency": "1", "input_tokens": "128", "output_tokens": "64"}
    (one,) = in_rows([llama(measured_tpot_ms="3.5", **load)], "decode_floor")
    assert one.severity is Severity.ERROR
    assert one.ratio == pytest.approx(4.480 / 3.5, rel=1e-3)
    assert not in_rows([llama(measured_tpot_ms="4.5", **load)], "decode_floor")


def test_accepted_drafts_make_a_step_longer():
    made = point("tpot", 0.0035, concurrency=1.0, prompt_tokens=128.0, output_tokens=64.0)
    assert found(run(made), "decode_floor", "h100-sxm", LLAMA_8B)
    drafted = run(made, settings={"spec_decode_acceptance_length": 3.0})
    assert not found(drafted, "decode_floor", "h100-sxm", LLAMA_8B)


def test_without_gpu_or_model_nothing_is_held_against_a_roof():
    made = run(point("tpot", 1e-6, concurrency=1.0, prompt_tokens=128.0, output_tokens=64.0))
    assert not found(made, "decode_floor")
    assert not in_rows([{**llama(measured_tpot_ms="0.001"), "gpu": "abacus"}], "decode_floor")
