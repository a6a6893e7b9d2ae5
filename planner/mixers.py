"""Ops of the mixers: softmax attention, latent attention, Mamba-2, gated delta net. One function for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from planner.model import Attention, LatentAttention, LinearAttention, Mixer, StateSpace
from planner.ops import Op, all_reduce, attended_pairs, attention, elementwise, gemm
from planner.precision import BYTES
from planner.quantities import Number
from planner.scenario import Scenario
from planner.step import Step


def mixer_ops(mixer: Mixer, scenario: Scenario, step: Step) -> list[Op]:
    """Ops of one layer's mixer on one GPU, norm before and all-reduce after included.

    mixer : of the layer
    scenario, step : as in forward.forward
    returns : ops [FLOP, bytes] of one layer
    """
    hidden, split = scenario.model.hidden, scenario.deployment.tensor_parallel
    base = BYTES[scenario.quantization.base]
    ops = [elementwise("attention.norm", step.tokens, 4 * hidden, base), *MIXERS[type(mixer)](mixer, scenario, step)]
    if split > 1:
        ops.append(all_reduce("attention.all_reduce", step.tokens, hidden, base, split))
    return ops


def attention_ops(mixer: Attention, scenario: Scenario, step: Step) -> list[Op]:
    """Query, key and value projection; rotary and cache write; attention of prompts and of decodes; output projection.

        kv bytes a token = kv heads on this GPU · (key width + value width) · bytes

    mixer : heads and widths; key and value heads are copied where there are fewer than GPUs
    scenario, step : as in forward.forward
    """
    split = scenario.deployment.tensor_parallel
    heads, kv_heads = mixer.heads / split, max(1.0, mixer.kv_heads / split)
    width = mixer.head_dim + mixer.value_head_dim
    projected = mixer.head_dim if mixer.keys_as_values else width
    queries = heads * mixer.head_dim * (2 if mixer.gated else 1)
    base = BYTES[scenario.quantization.base]
    token_bytes = kv_heads * width * BYTES[scenario.quantization.kv_cache]
    project = _projection(scenario, step.tokens)
    return [
        project("attention.qkv", scenario.model.hidden, queries + kv_heads * projected),
        elementwise("attention.rotary", step.tokens, 2 * (heads + kv_heads) * mixer.head_dim, base),
        elementwise("attention.cache_write", step.tokens, 2 * kv_heads * width, base),
        *_scores(mixer.window, heads, (mixer.head_dim, mixer.value_head_dim), token_bytes, scenario, step),
        project("attention.output", heads * mixer.value_head_dim, scenario.model.hidden),
    ]


def latent_attention_ops(mixer: LatentAttention, scenario: Scenario, step: Step) -> list[Op]:
    """Latent attention: prompts expand the latent to full keys and values, decodes attend in the latent space itself.

        latent bytes a token = (kv_lora_rank + rope_head_dim) · bytes, not divided over GPUs

    mixer : ranks and widths
    scenario, step : as in forward.forward
    source : DeepSeek-V2, arXiv 2405.04434, section 2.1
    """
    hidden, heads = scenario.model.hidden, mixer.heads / scenario.deployment.tensor_parallel
    latent = mixer.kv_lora_rank + mixer.rope_head_dim
    query_width = mixer.nope_head_dim + mixer.rope_head_dim
    project = _projection(scenario, step.tokens)
    rank = mixer.q_lora_rank
    queries = (
        [project("attention.query", hidden, heads * query_width)]
        if rank is None
        else [project("attention.query_down", hidden, rank), project("attention.query_up", rank, heads * query_width)]
    )
    prompts = step.prefill_sequences * step.prefill_tokens
    expand = _projection(scenario, prompts + step.decode_sequences)
    return [
        *queries,
        project("attention.latent_down", hidden, latent),
        elementwise("attention.rotary", step.tokens, 4 * latent, BYTES[scenario.quantization.base]),
        expand("attention.latent_up", mixer.kv_lora_rank, heads * (mixer.nope_head_dim + mixer.value_head_dim)),
        *_indexer(mixer, scenario, step),
        *_latent_scores(mixer, heads, latent, scenario, step),
        project("attention.output", heads * mixer.value_head_dim, hidden),
    ]


def state_space_ops(mixer: StateSpace, scenario: Scenario, step: Step) -> list[Op]:
    """Mamba-2: one wide projection, a short convolution, a scan that reads and writes a state of fixed size.

        state bytes a sequence = heads · head_dim · state · 4

    mixer : widths; heads and groups are divided over GPUs
    scenario, step : as in forward.forward
    source : Mamba-2, arXiv 2405.21060
    """
    split = scenario.deployment.tensor_parallel
    inner, heads = mixer.heads * mixer.head_dim / split, mixer.heads / split
    groups = max(1.0, mixer.groups / split) * mixer.state
    project = _projection(scenario, step.tokens)
    return [
        project("mamba.input", scenario.model.hidden, 2 * inner + 2 * groups + heads),
        elementwise("mamba.convolution", step.tokens, 2 * (inner + 2 * groups), BYTES[scenario.quantization.base]),
        _scan("mamba.scan", inner * mixer.state, step),
        project("mamba.output", inner, scenario.model.hidden),
    ]


def linear_attention_ops(mixer: LinearAttention, scenario: Scenario, step: Step) -> list[Op]:
    """Gated delta net: queries, keys, values and gates projected, a state of key x value width updated for each head.

        state bytes a sequence = value heads · key width · value width · 4

    mixer : heads and widths; heads are divided over GPUs
    scenario, step : as in forward.forward
    source : Gated DeltaNet, arXiv 2412.06464
    """
    split = scenario.deployment.tensor_parallel
    keys, values = mixer.key_heads * mixer.key_dim / split, mixer.value_heads * mixer.value_dim / split
    project = _projection(scenario, step.tokens)
    return [
        project("delta.input", scenario.model.hidden, 2 * keys + 2 * values + 2 * mixer.value_heads / split),
        elementwise("delta.convolution", step.tokens, 2 * (2 * keys + values), BYTES[scenario.quantization.base]),
        _scan("delta.scan", values * mixer.key_dim, step),
        project("delta.output", values, scenario.model.hidden),
    ]


MIXERS: Mapping[type, Callable[[Any, Scenario, Step], list[Op]]] = {
    Attention: attention_ops,
    LatentAttention: latent_attention_ops,
    StateSpace: state_space_ops,
    LinearAttention: linear_attention_ops,
}


def _projection(scenario: Scenario, rows: Number) -> Callable[[str, float, float], Op]:
    formats = scenario.quantization
    weight, number_format, base = formats.bytes_of("attention"), formats.format_of("attention"), BYTES[formats.base]
    return lambda name, inputs, outputs: gemm(name, rows, inputs, outputs, weight, base, number_format)


def _scores(
    window: int | None, heads: float, widths: tuple[float, float], token_bytes: float, scenario: Scenario, step: Step
) -> list[Op]:
    base = scenario.quantization.base
    seen = step.decode_context if window is None else np.minimum(step.decode_context, window)
    chunk_end = step.prefill_context + step.prefill_tokens
    read = chunk_end if window is None else np.minimum(chunk_end, window + step.prefill_tokens)
    pairs = step.prefill_sequences * attended_pairs(step.prefill_context, step.prefill_tokens, window)
    prompts = step.prefill_sequences * step.prefill_tokens
    context = step.decode_sequences * seen
    return [
        attention(
            "attention.prefill", "attention_prefill", pairs, step.prefill_sequences * read, prompts, heads, widths,
            token_bytes, base, BYTES[base],
        ),
        _from_cache(scenario, attention(
            "attention.decode", "attention_decode", context, context, step.decode_sequences, heads, widths,
            token_bytes, base, BYTES[base],
        )),
    ]  # fmt: skip


def _latent_scores(mixer: LatentAttention, heads: float, latent: float, scenario: Scenario, step: Step) -> list[Op]:
    base = scenario.quantization.base
    token_bytes = latent * BYTES[scenario.quantization.kv_cache]
    topk = mixer.index_topk or None
    pairs = step.prefill_sequences * attended_pairs(step.prefill_context, step.prefill_tokens, topk)
    read = step.prefill_sequences * (step.prefill_context + step.prefill_tokens)
    seen = step.decode_context if topk is None else np.minimum(step.decode_context, topk)
    context = step.decode_sequences * seen
    full = (mixer.nope_head_dim + mixer.rope_head_dim, mixer.value_head_dim)
    return [
        attention(
            "attention.prefill", "attention_prefill", pairs, read, step.prefill_sequences * step.prefill_tokens, heads,
            full, token_bytes, base, BYTES[base],
        ),
        _from_cache(scenario, attention(
            "attention.decode", "attention_decode", context, context, step.decode_sequences, heads,
            (latent, mixer.kv_lora_rank), token_bytes, base, BYTES[base],
        )),
    ]  # fmt: skip


def _from_cache(scenario: Scenario, op: Op) -> Op:
    return replace(op, stored=scenario.quantization.kv_cache)


def _indexer(mixer: LatentAttention, scenario: Scenario, step: Step) -> list[Op]:
    if not mixer.index_heads:
        return []
    pairs = step.decode_sequences * step.decode_context
    pairs = pairs + step.prefill_sequences * attended_pairs(step.prefill_context, step.prefill_tokens, None)
    read = step.decode_sequences * step.decode_context
    read = read + step.prefill_sequences * (step.prefill_context + step.prefill_tokens)
    flops = 2 * pairs * mixer.index_heads * mixer.index_head_dim
    scores = Op("attention.index", "moe_routing", scenario.quantization.base, flops, read * mixer.index_head_dim)
    rank = mixer.q_lora_rank or scenario.model.hidden
    project = _projection(scenario, step.tokens)
    return [project("attention.index_query", rank, mixer.index_heads * mixer.index_head_dim), scores]


def _scan(name: str, state: float, step: Step) -> Op:
    sequences = step.prefill_sequences + step.decode_sequences
    return Op(name, "state", "fp32", 6 * step.tokens * state, 2 * sequences * state * BYTES["fp32"], rows=step.tokens)
