"""Multi-head latent attention: DeepSeek V2 to V3.2, Kimi K2, GLM-5; where it is sparse, with its indexer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.families.fields import Fields
from planner.families.moe import after_first, counted_shared, mixed
from planner.families.parts import Family, MixerPart, depth
from planner.model import LatentAttention


def _latent(fields: Fields) -> MixerPart:
    query = fields.optional("q_lora_rank")
    mixer = LatentAttention(
        heads=fields.count("num_attention_heads"),
        q_lora_rank=query,
        kv_lora_rank=fields.count("kv_lora_rank"),
        rope_head_dim=fields.count("qk_rope_head_dim"),
        nope_head_dim=fields.count("qk_nope_head_dim"),
        value_head_dim=fields.count("v_head_dim"),
    )
    biases = (query or 0) + mixer.kv_lora_rank + mixer.rope_head_dim + fields.count("hidden_size")
    norms = (query or 0) + mixer.kv_lora_rank
    return mixer, norms + fields.flag("attention_bias", default=False) * biases


def _plain_mixers(fields: Fields) -> list[MixerPart]:
    if fields.has("index_n_heads"):
        raise fields.refused(
            "it has an indexer (index_n_heads); the model_type for that is deepseek_v32 or glm_moe_dsa."
        )
    return [_latent(fields)] * depth(fields)


def _sparse_mixers(fields: Fields) -> list[MixerPart]:
    plain, extra = _latent(fields)
    if not isinstance(plain, LatentAttention) or plain.q_lora_rank is None:
        raise fields.missing("q_lora_rank")
    heads, dim = fields.count("index_n_heads"), fields.count("index_head_dim")
    own = replace(plain, index_heads=heads, index_head_dim=dim, index_topk=fields.count("index_topk"))
    shared = replace(plain, index_topk=own.index_topk)
    return [(own, extra + 2 * dim) if has else (shared, extra) for has in _indexers(fields)]


def _indexers(fields: Fields) -> list[bool]:
    """Which layers have an indexer of their own; the others use the choice of the one before them (GLM-5.2)."""
    layers = depth(fields)
    if fields.has("indexer_types"):
        return [kind == "full" for kind in fields.each("indexer_types", layers, ("full", "shared"))]
    every = fields.count("index_topk_freq", default=1)
    first = fields.count("index_skip_topk_offset", default=every, least=0)
    return [i < first or (i + 1 - first) % every == 0 for i in range(layers)]


_MOE = mixed(after_first, counted_shared)

LATENT: Mapping[str, Family] = {
    "deepseek_v2": Family(_plain_mixers, _MOE),
    "deepseek_v3": Family(_plain_mixers, _MOE),
    "kimi_k2": Family(_plain_mixers, _MOE),
    "deepseek_v32": Family(_sparse_mixers, _MOE),
    "glm_moe_dsa": Family(_sparse_mixers, _MOE),
}
