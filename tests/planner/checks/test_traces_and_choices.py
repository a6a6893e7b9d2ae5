"""Traces: clocks, other processes, roofs kernel by kernel. Choices that files contradict. Tables' own figures."""

from __future__ import annotations

import numpy as np
import pytest

from planner.measured import KernelSample, Severity
from tests.planner.checks.made import found, in_rows, launched, llama, point, reference, run
from tests.planner.questions import LLAMA_8B

STEADY = np.full(600, 1e-4) * (1 + 0.02 * np.random.default_rng(0).standard_normal(600))


def test_a_clock_that_falls_is_found_where_it_falls():
    slower = STEADY * np.where(np.arange(600) < 400, 1, 1.3)
    (one,) = found(run(tables=launched(slower)), "clock_drift")
    assert one.ratio == pytest.approx(1.3, rel=0.02)
    assert "throttling" in one.cause
    assert one.sentence.startswith("From 8")


def test_a_clock_that_rises_is_told_apart():
    (one,) = found(run(tables=launched(STEADY * np.where(np.arange(600) < 90, 1.5, 1))), "clock_drift")
    assert one.ratio == pytest.approx(1 / 1.5, rel=0.02)
    assert "idle or still warming up" in one.cause


def test_scatter_and_growing_attention_are_no_drift():
    assert not found(run(tables=launched(STEADY)), "clock_drift")
    growing = STEADY * np.linspace(1, 3, 600)
    assert not found(run(tables=launched(growing, name="paged_attention", kind="attention")), "clock_drift")


def test_products_of_other_shapes_are_not_compared():
    grids = np.where(np.arange(600) < 300, 8, 16)
    assert not found(run(tables=launched(STEADY * grids, grid=grids)), "clock_drift")


def test_few_launches_tell_nothing():
    assert not found(run(tables=launched(STEADY[:30] * np.where(np.arange(30) < 15, 1, 3))), "clock_drift")


def test_two_processes_on_a_gpu():
    both = np.where(np.arange(600) % 2, 1, 2)
    (one,) = found(run(tables=launched(STEADY, device=3, process=both)), "shared_gpu")
    assert (one.subject, one.measured) == ("GPU 3", 2.0)
    assert not found(run(tables=launched(STEADY, device=both, process=both)), "shared_gpu")


def kernel(seconds, flops=None, moved=None, name="gemm"):
    return KernelSample(name, "gemm", 0, 10, seconds, flops, moved)


def test_a_kernel_above_the_data_sheet():
    """T4: 65 TFLOP/s in fp16 (130 in int8, 260 in int4 are its highest), 320 GB/s."""
    made = run(kernels=(kernel(1.0, moved=400e9, name="copy"), kernel(1.0, flops=1e15, moved=300e9)))
    above = found(made, "kernel_roof", "t4")
    assert [(one.unit, one.subject) for one in above] == [("B/s", "copy"), ("FLOP/s", "gemm")]
    assert above[0].ratio == pytest.approx(400 / 320)
    assert not found(made, "kernel_roof", "h200-sxm")
    assert not found(made, "kernel_roof"), "no GPU, no roof"


def test_kernels_too_fast_for_the_model_they_are_taken_for():
    """A product of Llama-3.1-8B reads 16.8-525 MB in a decode step: no microsecond's work."""
    fast = run(kernels=(KernelSample("nvjet", "gemm", 0, 1000, 1e-3),))
    (one,) = found(fast, "op_roof", "h100-sxm", LLAMA_8B)
    assert "100 % of kernel time lies above the roof" in one.sentence
    slow = run(kernels=(KernelSample("nvjet", "gemm", 0, 1000, 1.0),))
    assert not found(slow, "op_roof", "h100-sxm", LLAMA_8B)


def test_a_file_of_another_gpu():
    (one,) = found(run(gpu_names=("NVIDIA H200",)), "other_gpu", "h100-sxm")
    assert one.ratio == pytest.approx(4800 / 3350)
    assert not found(run(gpu_names=("NVIDIA H100 80GB HBM3",)), "other_gpu", "h100-sxm")
    assert not found(run(gpu_names=("A100",)), "other_gpu", "h100-sxm"), "several GPUs are called so"
    assert not found(run(gpu_names=("NVIDIA T4", "NVIDIA H100 80GB HBM3")), "other_gpu", "h100-sxm"), "a mixed host"


def test_a_nameless_gpu_is_known_by_its_bandwidth():
    told = {"gpu_bandwidth_gb_s": 2039.0, "gpu_memory_gib": 79.3}
    (one,) = found(run(settings=told), "other_gpu", "h100-sxm")
    assert one.ratio == pytest.approx(2039 / 3350)
    assert not found(run(settings=told), "other_gpu", "a100-sxm-80gb")


def test_a_file_of_another_model():
    made = run(model_name="meta-llama/Llama-3.3-70B-Instruct")
    (one,) = found(made, "other_model", "h100-sxm", LLAMA_8B)
    assert one.ratio == pytest.approx(70.55 / 8.03, rel=0.01)
    assert not found(run(model_name="meta-llama/Meta-Llama-3.1-8B"), "other_model", "h100-sxm", LLAMA_8B)
    assert not found(run(model_name="my-model"), "other_model", "h100-sxm", LLAMA_8B)


def test_a_file_of_another_quantization():
    made = run(model_name="nvidia/Llama-3.1-8B-Instruct-FP8")
    (one,) = found(made, "other_quantization", "h100-sxm", LLAMA_8B, quantization="bf16")
    assert (one.measured, one.limit) == (8, 16)
    assert not found(made, "other_quantization", "h100-sxm", LLAMA_8B, quantization="fp8")
    assert not found(run(model_name="falcon-8b"), "other_quantization", "h100-sxm", LLAMA_8B)


def test_kernels_that_unpack_weights_belong_to_no_16_bit_model():
    kernels = (KernelSample("void marlin::Marlin<1>", "gemm", 0, 9, 3.0), KernelSample("norm", "norm", 0, 9, 1.0))
    (one,) = found(run(kernels=kernels), "other_quantization", "h100-sxm", LLAMA_8B, quantization="bf16")
    assert one.measured == 0.75
    assert not found(run(kernels=kernels), "other_quantization", "h100-sxm", LLAMA_8B, quantization="awq")
    inductor = (KernelSample("triton_red_fused_add_marlin_gemm_mean_2", "norm", 0, 9, 3.0),)
    assert not found(run(kernels=inductor), "other_quantization", "h100-sxm", LLAMA_8B, quantization="bf16")


def test_32_bit_products_belong_to_no_scheme():
    wide = KernelSample("sm80_xmma_gemm_f32f32_f32f32_f32_tn_n", "gemm", 0, 9, 3.0)
    narrow = KernelSample("sm80_xmma_gemm_bf16bf16_bf16f32_f32_tn_n", "gemm", 0, 9, 1.0)
    (one,) = found(run(kernels=(wide, narrow)), "other_quantization", "h100-sxm", LLAMA_8B)
    assert (one.measured, one.severity) == (0.75, Severity.WARNING)
    assert not found(run(kernels=(narrow,)), "other_quantization", "h100-sxm", LLAMA_8B)


def test_a_table_with_a_sparse_peak():
    rows = [llama(batch="1", latency_ms="7", peak_bf16_tflop_s="1979", hbm_gb_s="3350")] * 2
    (one,) = in_rows(rows, "other_data_sheet")
    assert one.ratio == pytest.approx(1979 / 989, rel=0.01)
    assert not in_rows(reference("lab_decode_sweep"), "other_data_sheet")
    assert not in_rows(reference("t4_awq_static"), "other_data_sheet")


def test_intensities_of_the_t4_study():
    """Prefill of 512: 1,211 FLOP/B reported, 700 by our count; both right of the ridge point at 203."""
    told = {one.subject: one for one in in_rows(reference("t4_awq_static"), "other_intensity")}
    prefill = told["T4, prefill, batch 1, prompt 512, output 1"]
    assert (prefill.measured, round(prefill.limit)) == (1210.94, 700)
    assert prefill.severity is Severity.INFO
    assert "Both are bound by compute: the ridge point is at 203 FLOP/B" in prefill.sentence
    assert "T4, decode, batch 1, prompt 2,048, output 1" not in told, "3.00 against 3.03"


def test_an_intensity_on_the_other_side_of_the_ridge_is_a_warning():
    made = run(point("decode_arithmetic_intensity", 900.0, concurrency=1.0, prompt_tokens=512.0, output_tokens=1.0))
    (one,) = found(made, "other_intensity", "h100-sxm", LLAMA_8B)
    assert one.severity is Severity.WARNING
