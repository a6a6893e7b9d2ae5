"""Dense models: Llama, Mistral, Qwen, Gemma, Phi, OLMo and the like; and Nemotron's searched ones, uneven by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from planner.families import windows
from planner.families.fields import Fields
from planner.families.parts import (
    Family,
    FfnPart,
    MixerPart,
    attention,
    attention_bias,
    both,
    dense_ffns,
    depth,
    head_norms,
    no_extras,
    qkv_bias,
    softmax,
    whole_norms,
)
from planner.model import Attention, DenseFfn

MOST_FFN_MULT = 1000.0


def _phi_mixers(fields: Fields) -> list[MixerPart]:
    heads = attention(fields)
    return [(heads, qkv_bias(fields, heads) + _phi_hidden(fields))] * depth(fields)


def _phi_ffns(fields: Fields) -> list[FfnPart]:
    hidden = _phi_hidden(fields)
    width = fields.count("intermediate_size", "n_inner", default=4 * hidden)
    return [(DenseFfn(width, gated=False), width + hidden)] * depth(fields)


def _phi_outside(fields: Fields) -> int:
    return 2 * _phi_hidden(fields) + fields.count("vocab_size")


def _phi_hidden(fields: Fields) -> int:
    return fields.count("hidden_size", "n_embd")


def gemma4_mixers(fields: Fields) -> list[MixerPart]:
    """Sliding layers as usual; layers that see everything have wider, fewer key heads and may make values from keys."""
    _refuse_shared(fields)
    local = attention(fields)
    width = fields.count("global_head_dim", default=local.head_dim)
    kv_heads = fields.count("num_global_key_value_heads", default=local.kv_heads)
    if local.heads % kv_heads:
        raise fields.wrong("num_global_key_value_heads", kv_heads, f"a divisor of num_attention_heads ({local.heads})")
    shared = fields.flag("attention_k_eq_v", default=False)
    full = Attention(local.heads, kv_heads, width, width, keys_as_values=shared)
    return [
        (full, 2 * width) if window is None else (replace(local, window=window), 2 * local.head_dim)
        for window in windows.typed(windows.gemma3)(fields)
    ]


def _refuse_shared(fields: Fields) -> None:
    for key in ("num_kv_shared_layers", "hidden_size_per_layer_input"):
        if fields.count(key, default=0, least=0):
            raise fields.refused(
                f"field '{key}' is not 0. Layers that share their KV cache, and embeddings for each layer (Gemma 3n, "
                "Gemma 4 E2B and E4B), are not modelled. Choose a Gemma 4 model without them."
            )


def _searched_mixers(fields: Fields) -> list[MixerPart]:
    heads = fields.count("num_attention_heads")
    dim = fields.count("hidden_size") // heads
    return [_searched_mixer(block, heads, dim) for block in _blocks(fields, "attention")]


def _searched_mixer(block: Fields, heads: int, dim: int) -> MixerPart:
    if block.flag("no_op", default=False):
        return None, -heads * dim
    group = block.count("n_heads_in_group")
    if heads % group:
        raise block.wrong("n_heads_in_group", group, f"a divisor of num_attention_heads ({heads})")
    return Attention(heads, heads // group, dim, dim), 0


def _searched_ffns(fields: Fields) -> list[FfnPart]:
    hidden = fields.count("hidden_size")
    return [_searched_ffn(block, hidden) for block in _blocks(fields, "ffn")]


def _searched_ffn(block: Fields, hidden: int) -> FfnPart:
    if block.flag("no_op", default=False):
        return None, -hidden
    mult = block.values.get("ffn_mult")
    if isinstance(mult, bool) or not isinstance(mult, int | float) or not 0 < mult <= MOST_FFN_MULT:
        raise block.wrong("ffn_mult", mult, f"a number above 0 and up to {MOST_FFN_MULT:g}")
    width = int(2 * mult * hidden / 3)
    return DenseFfn(width + -width % 256), 0


def _blocks(fields: Fields, part: str) -> list[Fields]:
    layers = depth(fields)
    blocks: Any = fields.values.get("block_configs")
    if not isinstance(blocks, list | tuple) or len(blocks) != layers or not all(isinstance(b, Mapping) for b in blocks):
        raise fields.wrong("block_configs", blocks, f"a list of {layers} objects, one for each layer")
    found = [Fields(block, fields.name).section(part) for block in blocks]
    if any(block.flag("replace_with_linear", default=False) for block in found):
        raise fields.refused("a block replaces its attention or ffn by a linear layer, which is not modelled.")
    return found


LLAMA = Family(softmax(windows.everywhere, attention_bias), dense_ffns)
MISTRAL = Family(softmax(windows.typed(windows.mistral), no_extras), dense_ffns)
QWEN2 = Family(softmax(windows.typed(windows.qwen), qkv_bias), dense_ffns)
QWEN3 = Family(softmax(windows.typed(windows.qwen), both(attention_bias, head_norms)), dense_ffns)
GEMMA3 = Family(
    softmax(windows.typed(windows.gemma3), both(attention_bias, head_norms)), dense_ffns, norms=4, tied=True
)

DENSE: Mapping[str, Family] = {
    "llama": LLAMA,
    "granite": LLAMA,
    "mistral": MISTRAL,
    "ministral3": MISTRAL,
    "phi3": MISTRAL,
    "qwen2": QWEN2,
    "mimo": QWEN2,
    "qwen3": QWEN3,
    "gemma": Family(softmax(windows.everywhere, attention_bias), dense_ffns, tied=True),
    "gemma2": Family(softmax(windows.typed(windows.alternating), attention_bias), dense_ffns, norms=4, tied=True),
    "gemma3_text": GEMMA3,
    "olmo2": Family(softmax(windows.everywhere, both(attention_bias, whole_norms)), dense_ffns),
    "phi": Family(_phi_mixers, _phi_ffns, outside=_phi_outside),
    "phi-msft": Family(_phi_mixers, _phi_ffns, outside=_phi_outside),
    "nemotron-nas": Family(_searched_mixers, _searched_ffns),
}
