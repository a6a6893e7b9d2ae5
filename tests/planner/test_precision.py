"""Formats and schemes: what is stored, what is multiplied, what runs where."""

from __future__ import annotations

import pytest

from planner.catalogue import find_gpu
from planner.catalogue_models import find_model
from planner.errors import UnsupportedPrecision
from planner.precision import SCHEMES, quantization, runs, schemes_on
from tests.planner.questions import LLAMA_8B

NATIVE = [
    ("h100-sxm", "fp8", "fp8"),
    ("a100-sxm-80gb", "fp8", "bf16"),
    ("t4", "awq", "fp16"),
    ("t4", "int8", "int8"),
    ("b200", "nvfp4", "fp4"),
    ("h200-sxm", "nvfp4", "bf16"),
    ("h200-sxm", "mxfp4", "bf16"),
    ("b200", "mxfp4", "fp8"),
    ("h100-sxm", "fp16", "fp16"),
    ("mi300x", "fp8", "fp8"),
]


@pytest.mark.parametrize(
    ("scheme", "stored"),
    [("bf16", 2.0), ("fp8", 1.000244140625), ("int8", 1.0009765625), ("awq", 0.51953125), ("gptq", 0.51953125),
     ("int4", 0.515625), ("nvfp4", 0.5625), ("mxfp4", 0.53125)],
)  # fmt: skip
def test_bytes_of_a_weight_with_its_scale(scheme, stored):
    assert SCHEMES[scheme].stored_bytes == pytest.approx(stored, rel=1e-9)


@pytest.mark.parametrize(("gpu", "scheme", "multiplied"), NATIVE)
def test_format_of_the_product(gpu, scheme, multiplied):
    assert quantization(scheme, "auto", find_gpu(gpu), find_model(LLAMA_8B)).matmul == multiplied


def test_default_is_the_checkpoints_own_scheme_else_16_bits():
    t4, h100 = find_gpu("t4"), find_gpu("h100-sxm")
    assert quantization(None, "auto", t4, find_model(LLAMA_8B)).scheme == "fp16"
    assert quantization(None, "auto", h100, find_model(LLAMA_8B)).scheme == "bf16"
    assert quantization(None, "auto", t4, find_model("TheBloke/Llama-2-7B-AWQ")).scheme == "awq"


def test_embedding_and_head_stay_in_16_bits():
    formats = quantization("fp8", "auto", find_gpu("h100-sxm"), find_model(LLAMA_8B))
    assert formats.bytes_of("lm_head") == 2.0
    assert formats.format_of("lm_head") == "bf16"
    assert formats.format_of("ffn") == "fp8"


@pytest.mark.parametrize("scheme", ["fp8", "bf16", "mxfp4"])
def test_what_a_t4_cannot_run_is_refused_with_the_choices(scheme):
    with pytest.raises(UnsupportedPrecision, match=r"T4.*7\.5.*cannot run.*Choose one of: fp16, int8, awq, gptq, int4"):
        quantization(scheme, "auto", find_gpu("t4"), find_model(LLAMA_8B))


def test_unknown_names_are_refused_with_the_choices():
    model, gpu = find_model(LLAMA_8B), find_gpu("h100-sxm")
    with pytest.raises(UnsupportedPrecision, match=r'No quantization "int3".*bf16.*mxfp4'):
        quantization("int3", "auto", gpu, model)
    with pytest.raises(UnsupportedPrecision, match=r'No KV cache format "int3".*fp8'):
        quantization(None, "int3", gpu, model)


def test_kv_cache_formats():
    model = find_model(LLAMA_8B)
    assert quantization(None, "auto", find_gpu("h100-sxm"), model).kv_cache == "bf16"
    assert quantization(None, "fp8_e4m3", find_gpu("h100-sxm"), model).kv_cache == "fp8"
    with pytest.raises(UnsupportedPrecision, match=r"KV cache in fp8.*Choose auto"):
        quantization(None, "fp8", find_gpu("t4"), model)


def test_nvfp4_is_for_nvidia_alone():
    assert not runs(SCHEMES["nvfp4"], find_gpu("mi355x"))
    assert "fp8" in schemes_on(find_gpu("l40s"))
    assert schemes_on(find_gpu("t4")) == ("fp16", "int8", "awq", "gptq", "int4", "nvfp4")


def test_auto_follows_the_kv_format_that_the_checkpoint_declares():
    """NVIDIA's NVFP4 checkpoints declare fp8 keys and values; another scheme of the same model does not."""
    model, b200 = find_model("nvidia/Qwen3-235B-A22B-NVFP4"), find_gpu("b200")
    assert quantization(None, "auto", b200, model).kv_cache == "fp8"
    assert quantization("bf16", "auto", b200, model).kv_cache == "bf16"
    assert quantization(None, "auto", b200, find_model("Qwen/Qwen3-8B")).kv_cache == "bf16"
    assert find_model("nvidia/Llama-3.3-70B-Instruct-FP8").checkpoint.kv_cache == "fp8"
    assert find_model("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic").checkpoint.kv_cache is None
