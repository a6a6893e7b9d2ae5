"""Mixers of each kind, one layer by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.catalogue_models import find_model
from planner.mixers import MIXERS, mixer_ops
from planner.model import Attention, LatentAttention, LinearAttention, StateSpace
from planner.step import Step, decode_step, prefill_step
from tests.planner.questions import DEEPSEEK, LLAMA_8B, ask

DECODES = decode_step(4.0, 1000.0)


def ops(mixer, step=DECODES, **more):
    return {op.name: op for op in mixer_ops(mixer, ask(LLAMA_8B, **more), step)}


def test_every_kind_of_mixer_has_ops():
    assert set(MIXERS) == {Attention, LatentAttention, StateSpace, LinearAttention}


def test_kv_heads_fewer_than_gpus_are_copied():
    """2 kv heads on 8 GPUs: each holds one, 4 query heads."""
    found = ops(Attention(heads=32, kv_heads=2, head_dim=128, value_head_dim=128), tensor_parallel=8)
    assert found["attention.qkv"].flops == 2 * 4 * 4096 * (4 * 128 + 1 * 256)
    assert found["attention.decode"].moved == 4 * 1000 * 256 * 2 + 4 * 4 * 256 * 2


def test_fp8_kv_cache_halves_what_is_read():
    mixer = Attention(heads=32, kv_heads=8, head_dim=128, value_head_dim=128)
    bf16, fp8 = ops(mixer)["attention.decode"], ops(mixer, kv_cache="fp8")["attention.decode"]
    assert bf16.moved - fp8.moved == 4 * 1000 * 8 * 256


def test_window_bounds_decodes_and_prompts():
    windowed = Attention(heads=32, kv_heads=8, head_dim=128, value_head_dim=128, window=100)
    assert ops(windowed)["attention.decode"].flops == 2 * 4 * 100 * 32 * 256
    prompt = ops(windowed, prefill_step(1.0, 300.0))["attention.prefill"]
    assert prompt.flops == 2 * (5050 + 200 * 100) * 32 * 256


def test_gate_doubles_the_query_projection():
    plain = Attention(heads=32, kv_heads=8, head_dim=128, value_head_dim=128)
    gated = replace(plain, gated=True)
    more = ops(gated)["attention.qkv"].flops - ops(plain)["attention.qkv"].flops
    assert more == 2 * 4 * 4096 * 32 * 128


def test_latent_attention_reads_one_vector_a_token_whatever_the_split():
    """DeepSeek-V3: 576 numbers a token; decodes attend with 576 + 512 numbers a head in the latent space."""
    mixer = find_model(DEEPSEEK).layers[0].mixer
    one, eight = ({op.name: op for op in mixer_ops(mixer, ask(DEEPSEEK, tensor_parallel=n), DECODES)} for n in (1, 8))
    assert one["attention.decode"].flops == 2 * 4 * 1000 * 128 * (576 + 512)
    assert one["attention.decode"].moved == 4 * 1000 * 576 * 2 + 4 * 128 * (576 + 512) * 2
    assert eight["attention.decode"].flops == one["attention.decode"].flops / 8
    assert eight["attention.decode"].moved == 4 * 1000 * 576 * 2 + 4 * 16 * (576 + 512) * 2
    assert one["attention.latent_down"].flops == eight["attention.latent_down"].flops == 2 * 4 * 7168 * 576


def test_latent_attention_expands_prompts():
    mixer = find_model(DEEPSEEK).layers[0].mixer
    found = {op.name: op for op in mixer_ops(mixer, ask(DEEPSEEK), prefill_step(1.0, 100.0))}
    assert found["attention.prefill"].flops == 2 * 5050 * 128 * (192 + 128)
    assert found["attention.latent_up"].flops == 2 * 100 * 512 * 128 * 256


def test_sparse_attention_reads_its_choice_and_the_index_of_all():
    mixer = LatentAttention(128, 1536, 512, 64, 128, 128, index_heads=64, index_head_dim=128, index_topk=200)
    found = ops(mixer)
    assert found["attention.decode"].flops == 2 * 4 * 200 * 128 * (576 + 512)
    assert found["attention.index"].flops == 2 * 4 * 1000 * 64 * 128


def test_state_space_does_not_grow_with_context():
    """State of 64 x 64 x 128 numbers of 4 bytes, read and written once a sequence."""
    mixer = StateSpace(heads=64, head_dim=64, state=128, groups=8, conv_kernel=4)
    short, long = ops(mixer), ops(mixer, decode_step(4.0, 100_000.0))
    assert short["mamba.scan"].moved == long["mamba.scan"].moved == 2 * 4 * 64 * 64 * 128 * 4
    assert short["mamba.scan"].flops == 6 * 4 * 64 * 64 * 128
    assert short["mamba.input"].flops == 2 * 4 * 4096 * (2 * 4096 + 2 * 8 * 128 + 64)


def test_linear_attention_keeps_a_state_for_each_value_head():
    mixer = LinearAttention(key_heads=16, value_heads=32, key_dim=128, value_dim=128, conv_kernel=4)
    found = ops(mixer)
    assert found["delta.scan"].moved == 2 * 4 * 32 * 128 * 128 * 4
    assert found["delta.input"].flops == 2 * 4 * 4096 * (2 * 2048 + 2 * 4096 + 2 * 32)


def test_what_does_not_run_is_not_launched():
    mixer = Attention(heads=32, kv_heads=8, head_dim=128, value_head_dim=128)
    found = ops(mixer, Step(np.array([0.0, 1.0]), 10.0, 0.0, np.array([1.0, 0.0]), 10.0, 1.0))
    assert list(found["attention.prefill"].launches) == [0.0, 1.0]
    assert list(found["attention.decode"].launches) == [1.0, 0.0]
