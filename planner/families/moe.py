"""Mixtures of experts over plain attention: Mixtral, Qwen, gpt-oss, MiniMax, Llama 4, GLM-4.5, MiMo V2, Gemma 4."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from planner.families import windows
from planner.families.dense import gemma4_mixers
from planner.families.fields import Fields
from planner.families.parts import (
    Family,
    FfnPart,
    MixerPart,
    attention,
    attention_bias,
    both,
    dense_ffn,
    dense_ffns,
    depth,
    head_norms,
    no_extras,
    qkv_bias,
    softmax,
    whole_norms,
)
from planner.model import Attention, MoeFfn

EXPERTS = ("num_experts", "n_routed_experts", "num_local_experts")
CHOSEN = ("num_experts_per_tok", "top_k_experts", "experts_per_token")


def experts(fields: Fields, *width: str, shared: int = 0) -> MoeFfn:
    """The experts of one layer.

    fields : checked config.json
    width : where the width of one expert stands
    shared : summed width of the experts that always run [elements]
    raises : UnsupportedModel naming file and field
    """
    total, chosen = fields.count(*EXPERTS), fields.count(*CHOSEN)
    if chosen > total:
        raise fields.wrong("num_experts_per_tok", chosen, f"at most the number of experts ({total})")
    return MoeFfn(total, chosen, fields.count(*width), shared)


def mixed(
    sparse: Callable[[Fields], list[bool]], part: Callable[[Fields], FfnPart], *dense_width: str
) -> Callable[[Fields], list[FfnPart]]:
    """Reader of layers of which some hold experts and the others a dense network.

    sparse : which layers hold experts
    part : reader of the experts
    dense_width : where the width of the dense ones stands, if not in intermediate_size
    """

    def ffns(fields: Fields) -> list[FfnPart]:
        kinds = sparse(fields)
        moe = part(fields)
        dense = (None, 0) if all(kinds) else dense_ffn(fields, *dense_width)
        return [moe if kind else dense for kind in kinds]

    return ffns


def all_sparse(fields: Fields) -> list[bool]:
    """Experts in every layer."""
    return [True] * depth(fields)


def after_first(fields: Fields) -> list[bool]:
    """Experts in every moe_layer_freq-th layer after the first first_k_dense_replace ones (DeepSeek, GLM)."""
    first, every = fields.count("first_k_dense_replace", default=0, least=0), fields.count("moe_layer_freq", default=1)
    return [i >= first and i % every == 0 for i in range(depth(fields))]


def stepped(fields: Fields) -> list[bool]:
    """Experts in every decoder_sparse_step-th layer but those of mlp_only_layers (Qwen)."""
    step = fields.count("decoder_sparse_step", default=1)
    only = fields.values.get("mlp_only_layers") or []
    if not isinstance(only, list | tuple) or not all(type(i) is int for i in only):
        raise fields.wrong("mlp_only_layers", only, "a list of layer numbers")
    dense = set(only)
    return [(i + 1) % step == 0 and i not in dense for i in range(depth(fields))]


def _interleaved(fields: Fields) -> list[bool]:
    step = fields.count("interleave_moe_layer_step", default=1)
    return [(i + 1) % step == 0 for i in range(depth(fields))]


def _marked(fields: Fields) -> list[bool]:
    return [mark == 1 for mark in fields.each("moe_layer_freq", depth(fields), (0, 1))]


def _mixtral(fields: Fields) -> FfnPart:
    return experts(fields, "intermediate_size"), 0


def _qwen(fields: Fields) -> FfnPart:
    return experts(fields, "moe_intermediate_size"), 0


def qwen_shared(fields: Fields) -> FfnPart:
    """Experts and one shared expert behind a gate of its own, a vector of width hidden."""
    shared = fields.count("shared_expert_intermediate_size", default=0, least=0)
    return experts(fields, "moe_intermediate_size", shared=shared), fields.count("hidden_size") if shared else 0


def counted_shared(fields: Fields) -> FfnPart:
    """Experts, and n_shared_experts of the same width that always run (DeepSeek, GLM)."""
    width = fields.count("moe_intermediate_size")
    shared = fields.count("n_shared_experts", default=0, least=0)
    return experts(fields, "moe_intermediate_size", shared=shared * width), 0


def _minimax(fields: Fields) -> FfnPart:
    shared = fields.count("shared_intermediate_size", default=0, least=0)
    return experts(fields, "intermediate_size", shared=shared), 0


def _llama4(fields: Fields) -> FfnPart:
    return experts(fields, "intermediate_size", shared=fields.count("intermediate_size")), 0


def _gpt_oss(fields: Fields) -> FfnPart:
    moe = experts(fields, "intermediate_size")
    return moe, moe.experts * (1 + 2 * moe.intermediate + fields.count("hidden_size"))


def _gemma4_ffns(fields: Fields) -> list[FfnPart]:
    if not fields.flag("enable_moe_block", default=False):
        return dense_ffns(fields)
    moe = experts(fields, "moe_intermediate_size", shared=fields.count("intermediate_size"))
    extra_norms_and_router_scales = 3 * fields.count("hidden_size") + fields.count("hidden_size") + moe.experts
    return [(moe, extra_norms_and_router_scales)] * depth(fields)


def _sinks(_: Fields, heads: Attention) -> int:
    return heads.heads


def _glm_norms(fields: Fields, heads: Attention) -> int:
    return head_norms(fields, heads) if fields.flag("use_qk_norm", default=False) else 0


def _glm_bias(fields: Fields, heads: Attention) -> int:
    return qkv_bias(fields, heads) if fields.flag("attention_bias", default=False) else 0


def _minimax_norms(fields: Fields, heads: Attention) -> int:
    return whole_norms(fields, heads) if fields.flag("use_qk_norm", default=False) else 0


def _mimo_mixers(fields: Fields) -> list[MixerPart]:
    full, local = attention(fields), attention(fields, "swa_")
    local = replace(local, window=fields.count("sliding_window"))
    kinds = fields.each("hybrid_layer_pattern", depth(fields), (0, 1))
    sinks = {0: (full, "add_full_attention_sink_bias"), 1: (local, "add_swa_attention_sink_bias")}
    return [(sinks[int(kind)][0], fields.flag(sinks[int(kind)][1], default=False) * full.heads) for kind in kinds]


PLAIN_MOE = Family(softmax(windows.typed(windows.mistral), no_extras), mixed(all_sparse, _mixtral))
QWEN3_MOE = Family(softmax(windows.typed(windows.qwen), both(attention_bias, head_norms)), mixed(stepped, _qwen))

MOE: Mapping[str, Family] = {
    "mixtral": PLAIN_MOE,
    "qwen2_moe": Family(softmax(windows.typed(windows.qwen), qkv_bias), mixed(stepped, qwen_shared)),
    "qwen3_moe": QWEN3_MOE,
    "gpt_oss": Family(
        softmax(windows.typed(windows.alternating), both(attention_bias, _sinks)), mixed(all_sparse, _gpt_oss)
    ),
    "minimax_m2": Family(softmax(windows.everywhere, _minimax_norms), mixed(all_sparse, _minimax)),
    "llama4_text": Family(
        softmax(windows.typed(windows.llama4), attention_bias), mixed(_interleaved, _llama4, "intermediate_size_mlp")
    ),
    "glm4_moe": Family(softmax(windows.everywhere, both(_glm_bias, _glm_norms)), mixed(after_first, counted_shared)),
    "mimo_v2_flash": Family(_mimo_mixers, mixed(_marked, counted_shared)),
    "gemma4_text": Family(gemma4_mixers, _gemma4_ffns, norms=4, tied=True),
}
