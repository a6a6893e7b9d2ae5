"""Kernel names -> kinds, held against names from real traces."""

from __future__ import annotations

from pathlib import Path

import pytest

from importers.kernel_details import number_format, tile
from importers.kernel_patterns import Effect, NamePattern, effect, reclassified
from importers.kernels import KINDS, OTHER, classify, patterns
from planner.errors import BadPattern
from planner.measured import KernelSample
from tests.importers.samples import SHARED
from tools.kernel_classes import by_class, share_right, times_by_kind, told_names

LABELLED = SHARED / "traces" / "kernel_names.csv"
LANGUAGE_MODELS = sorted(
    path
    for path in (SHARED / "traces" / "torch").glob("TraceLens__*")
    if path.name.split("__")[1] in ("e443f32f", "2bd22c87", "e3031dd0", "6f3f5884", "a498173a", "c0aa5a97", "184c82b6")
)
"""Runs of vLLM, SGLang and Transformers."""
TRAPS = {
    "triton_red_fused__to_copy_add_marlin_gemm_mean_mul_pow_rsqrt_2": "norm",
    "triton_poi_fused_marlin_gemm_mul_silu_slice_1": "activation",
    "triton_": "other",
    "void vllm::reshape_and_cache_flash_kernel<__nv_bfloat16, unsigned char>": "kv_cache_write",
    "void vllm::cross_device_reduce_1stage<__half, 2>": "collective",
    "void (anonymous namespace)::multimem_all_reduce_kernel<c10::BFloat16, 16>": "collective",
    "kernel_unified_attention_2d": "attention",
    "kernel_unified_attention_3d": "attention_decode",
    "reduce_segments": "attention_decode",
    "std::enable_if<!T7, void>::type internal::gemvx::kernel<int>": "gemm",
    "Cijk_Alik_Bljk_BBS_BH_Bias_HA_S_SAV_UserArgs_MT128x256x32": "gemm",
    "fmhaSm100aKernel_QkvE4m3OBfloat16H64PagedKvCausalP16VarSeqQ128Kv128PersistentContext": "attention_prefill",
    "void marlin_moe_wna16::Marlin<...>": "moe",
    "void marlin::awq_marlin_repack_kernel<(int)256>": "quantize",
    "void gemm_forward_4bit_cuda_m16n128k32": "gemm",
    "void vllm::paged_attention_v1_kernel<unsigned short>": "attention_decode",
    "fmhaSm100fKernel_QkvBfloat16OBfloat16H128PagedKvCausalP16VarSeqQ8Kv128StaticSwapsAbForGen": "attention_decode",
    "void flashinfer::BatchDecodeWithPagedKVCacheKernel<(flashinfer::PosEncodingMode)0>": "attention_decode",
    "void flashinfer::BatchPrefillWithPagedKVCacheKernel<KernelTraits>": "attention",
    "void flash::flash_fwd_splitkv_kernel<Flash_fwd_kernel_traits<128>>": "attention",
    "_fwd_kernel": "attention",
    "_fwd_grouped_kernel_stage1": "attention_decode",
    "fused_moe_kernel": "moe",
    "void at::native::searchProperties<float>": "other",
    "": "other",
}


@pytest.mark.parametrize("name", TRAPS)
def test_names_that_mislead(name: str) -> None:
    assert classify(name) == TRAPS[name]


def test_every_pattern_gives_a_kind_we_know() -> None:
    assert {kind for _, kind in patterns()} <= set(KINDS)


def test_a_long_hostile_name_is_quick() -> None:
    assert classify("triton_" + "a_" * 1_000_000) == "other"


@pytest.mark.skipif(not LABELLED.exists(), reason="../shared/traces is not here")
def test_labelled_names() -> None:
    names = told_names(LABELLED)
    assert len(names) > 1000
    assert share_right(names) >= 0.97
    assert share_right([one for one in names if one.serving]) >= 0.99


@pytest.mark.skipif(not LABELLED.exists(), reason="../shared/traces is not here")
def test_no_class_is_a_lucky_bag() -> None:
    """Each class of more than a handful of names is right three times of four."""
    for kind, count, precision, _ in by_class(told_names(LABELLED)):
        assert precision >= 0.75 or count < 20, kind


@pytest.mark.parametrize("path", LANGUAGE_MODELS, ids=lambda path: path.name[:40])
def test_time_of_language_models_is_explained(path: Path) -> None:
    times = times_by_kind(path)
    assert times[OTHER] <= 0.05 * sum(times.values())


@pytest.mark.parametrize(
    ("name", "told", "size"),
    [
        ("nvjet_tst_128x256_64x4_1x2_h_bz_coopA_TNT", "bf16", "128x256x64"),
        ("ampere_fp16_s16816gemm_fp16_128x64_ldg8_f2f_stages_64x3_tn", "fp16", "128x64x64"),
        ("sm90_xmma_gemm_e4m3bf16_e4m3f32_f32_tn_n_tilesize64x64x128_warpgroupsize1x1x1", "fp8", "64x64x128"),
        ("Cijk_Alik_Bljk_BBS_BH_Bias_HA_S_SAV_UserArgs_MT128x256x32_MI16x16x1_SN", "bf16", "128x256x32"),
        ("_matmul_ogs_NNT_bf16xbf16xmxfp4_16x128x256x1_swiglu", "mxfp4", "16x128x256"),
        ("bmm_MxE4m3_MxE2m1MxE4m3_Fp32_t128x16x256u2_s3_et128x16", "mxfp4", "128x16x256"),
        (
            "void cutlass::Kernel2<cutlass_80_tensorop_s1688gemm_128x128_16x4_nn_align4>(T1::Params)",
            "tf32",
            "128x128x16",
        ),
        ("void marlin::Marlin<(long)1125899906910725, (long)1125899906843648>", "int4", None),
        ("void vllm::reshape_and_cache_flash_kernel<__nv_bfloat16, (vllm::Fp8KVCacheDataType)0>", "bf16", None),
        ("volta_sgemm_128x32_nn", "fp32", "128x32"),
        ("void at::native::index_elementwise_kernel<128, 4>", None, None),
    ],
)
def test_formats_and_tiles(name: str, told: str | None, size: str | None) -> None:
    assert (number_format(name), tile(name)) == (told, size)


SAMPLES = (KernelSample("my_kernel<1>", "other", 0, 2, 3.0), KernelSample("volta_sgemm_128x32_nn", "gemm", 0, 1, 1.0))


def test_a_persons_patterns_come_first() -> None:
    added = [NamePattern("MY_*<", "moe")]
    assert [sample.kind for sample in reclassified(SAMPLES, added)] == ["moe", "gemm"]
    assert effect(SAMPLES, added) == (Effect("moe", 0.0, 0.75), Effect("gemm", 0.25, 0.25), Effect("other", 0.75, 0.0))
    assert effect((), added) == ()


@pytest.mark.parametrize(
    ("text", "kind"), [("", "moe"), ("a*b", "moe"), ("*" * 9, "moe"), ("x" * 201, "moe"), ("kernel", "mo")]
)
def test_patterns_that_mean_nothing_are_refused(text: str, kind: str) -> None:
    with pytest.raises(BadPattern):
        NamePattern(text, kind)


def test_too_many_patterns_are_refused() -> None:
    with pytest.raises(BadPattern, match="at most 100"):
        reclassified(SAMPLES, [NamePattern("kernel", "moe")] * 101)


def test_no_pattern_takes_long() -> None:
    """What is exponential for a regular expression is one walk through the name."""
    assert not NamePattern("a*" * 90 + "b", "moe").matches("a" * 1_000_000)
