"""Counting weights: in all, by role, and those that one token uses.

Counted is what the language model and its vision tower hold for serving: tied embeddings once; the layers for
multi-token prediction and the router's correction bias, a buffer, not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType

from planner.model import (
    Attention,
    DenseFfn,
    Ffn,
    LatentAttention,
    Layer,
    LinearAttention,
    Mixer,
    Model,
    MoeFfn,
    StateSpace,
)

ROLES = ("embedding", "lm_head", "attention", "ffn", "experts", "shared_experts", "router", "other")


def parameter_count(model: Model) -> int:
    """Number of weights.

        N = sum over roles

    model : its shapes
    returns : parameters [count]
    source : checked against the models of transformers 5.19 on the meta device
    """
    return sum(parameters_by_role(model).values())


def parameters_by_role(model: Model) -> Mapping[str, int]:
    """Number of weights of each role: all mixers are "attention"; norms, biases and vision tower are "other".

        embedding = vocab x hidden, lm_head the same or 0 if tied

    model : its shapes
    returns : parameters under each of ROLES [count]
    """
    table = model.vocab * model.hidden
    counts = Counter({"embedding": table, "lm_head": 0 if model.tied else table, "other": model.other_parameters})
    for layer in model.layers:
        for role, count in layer_parameters(layer, model.hidden).items():
            counts[role] += layer.count * count
    return MappingProxyType({role: counts[role] for role in ROLES})


def layer_parameters(layer: Layer, hidden: int) -> Mapping[str, int]:
    """Number of weights of one layer, by role.

    layer : one kind of layer; its `count` is not applied
    hidden : width of the residual stream [elements]
    returns : parameters under some of ROLES [count]
    """
    found = dict(ffn_parameters(layer.ffn, hidden)) if layer.ffn else {}
    found["attention"] = mixer_parameters(layer.mixer, hidden) if layer.mixer else 0
    found["other"] = layer.other_parameters
    return found


def active_parameters(model: Model) -> int:
    """Weights that the forward pass of one token reads: all but the experts not chosen and the rows of the embedding.

        N_active = N - embedding - experts x (1 - experts_per_token / experts), embedding kept where it is lm_head too

    model : its shapes
    returns : parameters [count]
    """
    idle = sum(layer.count * _idle(layer.ffn, model.hidden) for layer in model.layers)
    unread = 0 if model.tied else model.vocab * model.hidden
    return parameter_count(model) - idle - unread


def mixer_parameters(mixer: Mixer, hidden: int) -> int:
    """Weights in the matmuls of one mixer.

    mixer : its shapes
    hidden : width of the residual stream [elements]
    returns : parameters [count]
    """
    return MIXERS[type(mixer)](mixer, hidden)


def ffn_parameters(ffn: Ffn, hidden: int) -> Mapping[str, int]:
    """Weights in the matmuls of one feed-forward network, by role; a projection into a latent width counts as shared.

    ffn : its shapes
    hidden : width of the residual stream [elements]
    returns : parameters under some of ROLES [count]
    """
    if isinstance(ffn, DenseFfn):
        return {"ffn": _matrices(ffn.gated) * hidden * ffn.intermediate}
    latent = 0 if ffn.latent is None else 2 * hidden * ffn.latent
    return {
        "router": hidden * ffn.experts,
        "experts": ffn.experts * _expert(ffn, hidden),
        "shared_experts": _matrices(ffn.gated) * hidden * ffn.shared_intermediate + latent,
    }


def _expert(ffn: MoeFfn, hidden: int) -> int:
    return _matrices(ffn.gated) * (ffn.latent or hidden) * ffn.intermediate


def _idle(ffn: Ffn | None, hidden: int) -> int:
    return (ffn.experts - ffn.experts_per_token) * _expert(ffn, hidden) if isinstance(ffn, MoeFfn) else 0


def _matrices(gated: bool) -> int:
    return 3 if gated else 2


def _attention(mixer: Attention, hidden: int) -> int:
    query = mixer.heads * mixer.head_dim * (2 if mixer.gated else 1)
    value = 0 if mixer.keys_as_values else mixer.kv_heads * mixer.value_head_dim
    return hidden * (query + mixer.kv_heads * mixer.head_dim + value + mixer.heads * mixer.value_head_dim)


def _latent_attention(mixer: LatentAttention, hidden: int) -> int:
    query = mixer.heads * (mixer.nope_head_dim + mixer.rope_head_dim)
    queries = hidden * query if mixer.q_lora_rank is None else mixer.q_lora_rank * (hidden + query)
    down = hidden * (mixer.kv_lora_rank + mixer.rope_head_dim)
    up = mixer.kv_lora_rank * mixer.heads * (mixer.nope_head_dim + mixer.value_head_dim)
    return queries + down + up + mixer.heads * mixer.value_head_dim * hidden + _indexer(mixer, hidden)


def _indexer(mixer: LatentAttention, hidden: int) -> int:
    if not mixer.index_heads:
        return 0
    queries = (mixer.q_lora_rank or hidden) * mixer.index_heads * mixer.index_head_dim
    return queries + hidden * (mixer.index_head_dim + mixer.index_heads)


def _state_space(mixer: StateSpace, hidden: int) -> int:
    inner = mixer.heads * mixer.head_dim
    return hidden * (2 * inner + 2 * mixer.groups * mixer.state + mixer.heads) + inner * hidden


def _linear_attention(mixer: LinearAttention, hidden: int) -> int:
    keys, values = mixer.key_heads * mixer.key_dim, mixer.value_heads * mixer.value_dim
    return hidden * (2 * keys + 2 * values + 2 * mixer.value_heads) + values * hidden


MIXERS: Mapping[type, Callable[..., int]] = {
    Attention: _attention,
    LatentAttention: _latent_attention,
    StateSpace: _state_space,
    LinearAttention: _linear_attention,
}
