"""Hybrids: a few attention layers among Mamba-2 (Nemotron-H, Nemotron 3) or gated delta net (Qwen3-Next, Qwen3.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from planner.families.fields import MOST_LAYERS, Fields
from planner.families.moe import experts, mixed, qwen_shared, stepped
from planner.families.parts import Family, FfnPart, MixerPart, attention, attention_bias, dense_ffns, depth, head_norms
from planner.model import DenseFfn, LinearAttention, StateSpace

BLOCKS = {"M": "mamba", "*": "attention", "E": "moe", "-": "mlp"}


def _kinds(fields: Fields) -> list[str]:
    """The kind of each layer: a letter of hybrid_override_pattern, or a word of layers_block_type."""
    if fields.has("layers_block_type"):
        words = fields.values["layers_block_type"]
        length = len(words) if isinstance(words, list | tuple) else 1
        if not 0 < length <= MOST_LAYERS:
            raise fields.wrong("layers_block_type", words, f"a list of 1 to {MOST_LAYERS} words")
        return [str(word) for word in fields.each("layers_block_type", length, tuple(BLOCKS.values()))]
    letters = fields.text("hybrid_override_pattern")
    if set(letters) - set(BLOCKS) or len(letters) != depth(fields):
        raise fields.wrong("hybrid_override_pattern", letters, f"{depth(fields)} letters out of {' '.join(BLOCKS)}")
    return [BLOCKS[letter] for letter in letters]


def _mamba(fields: Fields) -> MixerPart:
    mixer = StateSpace(
        heads=fields.count("mamba_num_heads"),
        head_dim=fields.count("mamba_head_dim"),
        state=fields.count("ssm_state_size"),
        groups=fields.count("n_groups"),
        conv_kernel=fields.count("conv_kernel"),
    )
    if mixer.heads % mixer.groups:
        raise fields.wrong("n_groups", mixer.groups, f"a divisor of mamba_num_heads ({mixer.heads})")
    if fields.flag("use_bias", default=False) or fields.flag("mamba_proj_bias", default=False):
        raise fields.refused("use_bias or mamba_proj_bias is true. Biases of Mamba projections are not modelled.")
    inner = mixer.heads * mixer.head_dim
    channels = inner + 2 * mixer.groups * mixer.state
    bias = fields.flag("use_conv_bias", default=True)
    return mixer, channels * (mixer.conv_kernel + bias) + 3 * mixer.heads + inner


def _nemotron_mixers(fields: Fields) -> list[MixerPart]:
    heads = attention(fields)
    parts: dict[str, MixerPart] = {"attention": (heads, attention_bias(fields, heads))}
    kinds = _kinds(fields)
    if "mamba" in kinds:
        parts["mamba"] = _mamba(fields)
    return [parts.get(kind, (None, 0)) for kind in kinds]


def _nemotron_ffns(fields: Fields) -> list[FfnPart]:
    kinds = _kinds(fields)
    made = {kind: FFNS[kind](fields) for kind in set(kinds) & set(FFNS)}
    return [made.get(kind, (None, 0)) for kind in kinds]


def _nemotron_mlp(fields: Fields) -> FfnPart:
    width = fields.count("intermediate_size")
    bias = fields.flag("mlp_bias", default=False)
    return DenseFfn(width, gated=False), bias * (width + fields.count("hidden_size"))


def _nemotron_moe(fields: Fields) -> FfnPart:
    shared = fields.count("moe_shared_expert_intermediate_size") * fields.count("n_shared_experts", default=1, least=0)
    moe = experts(fields, "moe_intermediate_size", shared=shared)
    return replace(moe, gated=False, latent=fields.optional("moe_latent_size")), 0


FFNS: Mapping[str, Callable[[Fields], FfnPart]] = {"mlp": _nemotron_mlp, "moe": _nemotron_moe}


def _delta_net(fields: Fields) -> MixerPart:
    mixer = LinearAttention(
        key_heads=fields.count("linear_num_key_heads"),
        value_heads=fields.count("linear_num_value_heads"),
        key_dim=fields.count("linear_key_head_dim"),
        value_dim=fields.count("linear_value_head_dim"),
        conv_kernel=fields.count("linear_conv_kernel_dim"),
    )
    if mixer.value_heads % mixer.key_heads:
        raise fields.wrong("linear_num_key_heads", mixer.key_heads, "a divisor of linear_num_value_heads")
    channels = 2 * mixer.key_heads * mixer.key_dim + mixer.value_heads * mixer.value_dim
    return mixer, channels * mixer.conv_kernel + 2 * mixer.value_heads + mixer.value_dim


def _delta_mixers(fields: Fields) -> list[MixerPart]:
    heads = replace(attention(fields), gated=fields.flag("attn_output_gate", default=True))
    full: MixerPart = (heads, head_norms(fields, heads) + attention_bias(fields, heads))
    linear = _delta_net(fields)
    return [full if kind == "full_attention" else linear for kind in _delta_kinds(fields)]


def _delta_kinds(fields: Fields) -> list[str]:
    layers = depth(fields)
    if fields.has("layer_types"):
        return [str(kind) for kind in fields.each("layer_types", layers, ("linear_attention", "full_attention"))]
    every = fields.count("full_attention_interval", default=4)
    return ["linear_attention" if (i + 1) % every else "full_attention" for i in range(layers)]


_DELTA_DENSE = Family(_delta_mixers, dense_ffns)
_DELTA_MOE = Family(_delta_mixers, mixed(stepped, qwen_shared))

HYBRID: Mapping[str, Family] = {
    "nemotron_h": Family(_nemotron_mixers, _nemotron_ffns, norms=1),
    "qwen3_next": _DELTA_MOE,
    "qwen3_5_text": _DELTA_DENSE,
    "qwen3_5_moe_text": _DELTA_MOE,
}
