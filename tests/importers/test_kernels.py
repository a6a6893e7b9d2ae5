"""Kernel names -> kinds, held against names from real traces."""

from __future__ import annotations

import csv
from functools import cache

import pytest

from importers.kernels import KINDS, classify, patterns
from tests.importers.samples import SHARED

LABELLED = SHARED / "traces" / "kernel_names.csv"
OURS = {
    "gemm_quant": "gemm",
    "conv": "other",
    "moe_gemm": "moe",
    "moe_routing": "moe",
    "comm": "collective",
    "copy": "memory",
    "kv_cache": "kv_cache_write",
    "rope": "rotary",
    "embedding_index": "embedding",
    "softmax": "reduce",
    "reduction": "reduce",
    "triton_pointwise": "elementwise",
    "triton_reduction": "reduce",
    "triton_other": "other",
}
TRAPS = {
    "triton_red_fused__to_copy_add_marlin_gemm_mean_mul_pow_rsqrt_2": "norm",
    "triton_poi_fused_marlin_gemm_mul_silu_slice_1": "activation",
    "triton_": "other",
    "void vllm::reshape_and_cache_flash_kernel<__nv_bfloat16, unsigned char>": "kv_cache_write",
    "void vllm::cross_device_reduce_1stage<__half, 2>": "collective",
    "void (anonymous namespace)::multimem_all_reduce_kernel<c10::BFloat16, 16>": "collective",
    "kernel_unified_attention_2d": "attention",
    "reduce_segments": "attention",
    "std::enable_if<!T7, void>::type internal::gemvx::kernel<int>": "gemm",
    "Cijk_Alik_Bljk_BBS_BH_Bias_HA_S_SAV_UserArgs_MT128x256x32": "gemm",
    "fmhaSm100aKernel_QkvE4m3OBfloat16H64PagedKvCausalP16VarSeqQ128Kv128PersistentContext": "attention",
    "void marlin_moe_wna16::Marlin<...>": "moe",
    "void marlin::awq_marlin_repack_kernel<(int)256>": "quantize",
    "void gemm_forward_4bit_cuda_m16n128k32": "gemm",
    "void vllm::paged_attention_v1_kernel<unsigned short>": "attention",
    "fused_moe_kernel": "moe",
    "void at::native::searchProperties<float>": "other",
    "": "other",
}


@cache
def labelled() -> list[dict[str, str]]:
    with LABELLED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def accuracy(rows: list[dict[str, str]]) -> float:
    right = sum(classify(row["kernel_name"]) == OURS.get(row["op_class"], row["op_class"]) for row in rows)
    return right / len(rows)


@pytest.mark.parametrize("name", TRAPS)
def test_names_that_mislead(name: str) -> None:
    assert classify(name) == TRAPS[name]


def test_every_pattern_gives_a_kind_we_know() -> None:
    assert {kind for _, kind in patterns()} <= set(KINDS)


def test_a_long_hostile_name_is_quick() -> None:
    assert classify("triton_" + "a_" * 1_000_000) == "other"


@pytest.mark.skipif(not LABELLED.exists(), reason="../shared/traces is not here")
def test_serving_kernels_are_known() -> None:
    serving = [row for row in labelled() if "vllm" in row["framework"].lower() or "sglang" in row["framework"].lower()]
    assert len(serving) > 200
    assert accuracy(serving) >= 0.97


@pytest.mark.skipif(not LABELLED.exists(), reason="../shared/traces is not here")
def test_all_kernels_mostly_agree_with_rules_by_others() -> None:
    assert accuracy(labelled()) >= 0.93
