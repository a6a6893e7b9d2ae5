"""What the readers share: a family is a way to read mixers, a way to read feed-forward networks, and norms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from planner.families.fields import Fields
from planner.model import Attention, DenseFfn, Ffn, Layer, Mixer

MixerPart: TypeAlias = tuple[Mixer | None, int]
"""A mixer, and its weights outside matmuls."""

FfnPart: TypeAlias = tuple[Ffn | None, int]
Windows: TypeAlias = Callable[[Fields], tuple[int | None, ...]]
Extras: TypeAlias = Callable[[Fields, Attention], int]


@dataclass(frozen=True, slots=True)
class Family:
    """How one architecture is read.

    mixers, ffns : one part for each layer, in order
    norms : norm vectors of a layer, each of width hidden
    tied : what an absent tie_word_embeddings means
    outside : weights outside layers, embedding and lm_head
    """

    mixers: Callable[[Fields], Sequence[MixerPart]]
    ffns: Callable[[Fields], Sequence[FfnPart]]
    norms: int = 2
    tied: bool = False
    outside: Callable[[Fields], int] = lambda fields: fields.count("hidden_size")


def layers_of(fields: Fields, family: Family) -> tuple[Layer, ...]:
    """The stack of layers, alike ones together in the order in which each kind first comes.

    fields : checked config.json
    family : how to read it
    raises : UnsupportedModel naming file and field
    """
    norms = family.norms * fields.count("hidden_size", "n_embd")
    pairs = zip(family.mixers(fields), family.ffns(fields), strict=True)
    return grouped(Layer(1, mixer, ffn, norms + a + b) for (mixer, a), (ffn, b) in pairs)


def grouped(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Alike layers counted together.

    layers : one at a time
    """
    counts: dict[Layer, int] = {}
    for layer in layers:
        counts[layer] = counts.get(layer, 0) + layer.count
    return tuple(replace(layer, count=count) for layer, count in counts.items())


def depth(fields: Fields) -> int:
    """Number of layers."""
    return fields.count("num_hidden_layers", "n_layer")


def softmax(windows: Windows, extras: Extras) -> Callable[[Fields], list[MixerPart]]:
    """Reader of attention layers that differ in nothing but their window.

    windows : window of each layer [tokens]
    extras : biases, norms and sinks of one layer, outside matmuls
    """

    def mixers(fields: Fields) -> list[MixerPart]:
        plain = attention(fields)
        extra = extras(fields, plain)
        parts: dict[int | None, MixerPart] = {}
        return [parts.setdefault(w, (replace(plain, window=w), extra)) for w in windows(fields)]

    return mixers


def attention(fields: Fields, prefix: str = "") -> Attention:
    """Heads of plain softmax attention; all layers see everything.

    fields : checked config.json
    prefix : of the keys, such as "swa_" for the sliding layers of MiMo V2
    raises : UnsupportedModel naming file and field
    """
    heads = fields.count(f"{prefix}num_attention_heads", "n_head")
    kv_heads = fields.count(f"{prefix}num_key_value_heads", default=heads)
    if heads % kv_heads:
        raise fields.wrong("num_key_value_heads", kv_heads, f"a divisor of num_attention_heads ({heads})")
    head_dim = fields.optional(f"{prefix}head_dim", "attention_head_dim") or _head_dim(fields, heads)
    value_dim = fields.count(f"{prefix}v_head_dim", default=head_dim)
    return Attention(heads, kv_heads, head_dim, value_dim)


def _head_dim(fields: Fields, heads: int) -> int:
    hidden = fields.count("hidden_size", "n_embd")
    if hidden % heads:
        raise fields.wrong(
            "num_attention_heads", heads, f"a divisor of hidden_size ({hidden}) where head_dim is absent"
        )
    return hidden // heads


def dense_ffns(fields: Fields) -> list[FfnPart]:
    """The same gated feed-forward network in every layer, with biases where mlp_bias says so."""
    return [dense_ffn(fields)] * depth(fields)


def dense_ffn(fields: Fields, *keys: str) -> FfnPart:
    """One gated feed-forward network.

    keys : where its width stands, if not in intermediate_size
    """
    width = fields.count(*(keys or ("intermediate_size",)))
    bias = fields.flag("mlp_bias", default=False)
    return DenseFfn(width), bias * (2 * width + fields.count("hidden_size"))


def no_extras(_: Fields, __: Attention) -> int:
    """No weights outside matmuls."""
    return 0


def qkv_bias(_: Fields, heads: Attention) -> int:
    """Biases of the query, key and value projections."""
    return heads.heads * heads.head_dim * (1 + heads.gated) + heads.kv_heads * (heads.head_dim + heads.value_head_dim)


def attention_bias(fields: Fields, heads: Attention) -> int:
    """Biases of all four projections, where attention_bias says so."""
    has = fields.flag("attention_bias", default=False)
    return has * (qkv_bias(fields, heads) + fields.count("hidden_size"))


def head_norms(_: Fields, heads: Attention) -> int:
    """A norm of queries and one of keys, over one head."""
    return 2 * heads.head_dim


def whole_norms(_: Fields, heads: Attention) -> int:
    """A norm of queries and one of keys, over all heads at once."""
    return (heads.heads + heads.kv_heads) * heads.head_dim


def both(*extras: Extras) -> Extras:
    """The sum of several kinds of weights outside matmuls."""
    return lambda fields, heads: sum(extra(fields, heads) for extra in extras)
