"""An op, and its makers: what one kernel (or fused pair) computes, reads, writes and sends, on one GPU of the group.

Makers take floats or arrays and broadcast. Counts are of one GPU after the split, for one layer; `count` says how often
the op runs in a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.quantities import Number

SIXTEEN_BITS = ("bf16", "fp16")
SAMPLER_PASSES = 2
"""Times that sampling goes over the fp32 logits: once to convert, once to choose."""
SAMPLER_LAUNCHES = 4
"""Kernels of one sampling."""


@dataclass(frozen=True, slots=True)
class Op:
    """One kernel of a step.

    name : unique within a step ("attention.qkv", "experts.down", ...)
    kind : selects its efficiency: gemm, gemm_unpacked, moe_gemm, attention_decode, elementwise, all_reduce, ...
    format : number format whose peak bounds it
    flops : of one run [FLOP]
    moved : HBM bytes of one run: operands and result, each once [bytes]
    sent : bytes that one GPU sends over its link [bytes]
    launches : kernels launched for one run [1]; 0 where the op does not run in this step
    count : runs in a step (layers) [1]
    rows : tokens that go through it at once [tokens]
    stored : number format of what it streams, where its efficiency depends on that (a KV cache); else empty
    """

    name: str
    kind: str
    format: str
    flops: Number
    moved: Number
    sent: Number = 0.0
    launches: Number = 1.0
    count: float = 1.0
    rows: Number = 1.0
    stored: str = ""


def gemm(name: str, rows: Number, inputs: float, outputs: float, weight: float, base: float, number_format: str) -> Op:
    """A matrix product of activations with weights.

        FLOPs = 2 · rows · inputs · outputs
        bytes = inputs · outputs · weight + rows · (inputs + outputs) · base

    rows : tokens [tokens]
    inputs, outputs : width of the matrix on this GPU [1]
    weight : stored bytes of one weight with its scales [bytes]
    base : bytes of one activation [bytes]
    number_format : of the product

    >>> gemm("up", 2.0, 3.0, 5.0, 2.0, 2.0, "bf16").flops
    60.0
    """
    flops = 2 * rows * inputs * outputs
    moved = inputs * outputs * weight + rows * (inputs + outputs) * base
    return Op(name, _product("gemm", weight, number_format), number_format, flops, moved, rows=rows)


def experts_gemm(
    name: str,
    pairs: Number,
    touched: Number,
    inputs: float,
    outputs: float,
    weight: float,
    base: float,
    number_format: str,
) -> Op:
    """The same matrix of many experts, each for the tokens sent to it.

        FLOPs = 2 · pairs · inputs · outputs
        bytes = touched · inputs · outputs · weight + pairs · (inputs + outputs) · base

    pairs : (token, expert) pairs on this GPU [1]
    touched : experts of this GPU that have any token [1]
    inputs, outputs : width of one expert's matrix on this GPU [1]
    weight, base : bytes of a weight and of an activation [bytes]
    number_format : of the product

    >>> experts_gemm("up", 4.0, 2.0, 3.0, 5.0, 2.0, 2.0, "bf16").moved
    124.0
    """
    flops = 2 * pairs * inputs * outputs
    moved = touched * inputs * outputs * weight + pairs * (inputs + outputs) * base
    kind = _product("moe_gemm", weight, number_format)
    return Op(name, kind, number_format, flops, moved, rows=pairs / np.maximum(touched, 1.0))


def _product(kind: str, weight: float, number_format: str) -> str:
    """The kind of a product; another where weights of four bits are widened to sixteen on the way."""
    return f"{kind}_unpacked" if number_format in SIXTEEN_BITS and weight < 1 else kind


def touched_experts(experts: float, per_token: float, tokens: Number) -> Number:
    """Experts that at least one of the tokens is sent to, on average, if each token picks at random.

        touched = experts · (1 - (1 - per_token / experts) ^ tokens)

    experts : in one layer [1]
    per_token : picked by each token [1]
    tokens : in the step [tokens]
    returns : [1]
    valid : routing without a bias; real routers touch fewer, so bytes are an upper bound

    >>> float(touched_experts(8, 2, 1.0))
    2.0
    """
    return experts * (1 - (1 - per_token / experts) ** np.asarray(tokens, dtype=float))


def attended_pairs(start: Number, tokens: Number, window: float | None) -> Number:
    """(query, key) pairs of a causal prompt chunk: query i sees min(i + 1, window) keys.

        pairs = sum over i = start ... start + tokens - 1 of min(i + 1, window)

    start : tokens before the chunk [tokens]
    tokens : in the chunk [tokens]
    window : of sliding-window attention [tokens]; None: all
    returns : [1]

    >>> float(attended_pairs(0.0, 4.0, None)), float(attended_pairs(0.0, 4.0, 2))
    (10.0, 7.0)
    """
    end = start + tokens
    if window is None:
        return _triangle(end) - _triangle(start)
    inside_end, inside_start = np.minimum(end, window), np.minimum(start, window)
    growing = _triangle(inside_end) - _triangle(inside_start)
    return growing + window * ((end - inside_end) - (start - inside_start))


def attention(
    name: str, kind: str, pairs: Number, read: Number, rows: Number, heads: float, widths: tuple[float, float],
    token_bytes: float, number_format: str, base: float,
) -> Op:  # fmt: skip
    """Scores and weighted sum of softmax attention.

        FLOPs = 2 · pairs · heads · (key width + value width)
        bytes = read · token_bytes + rows · heads · (key width + value width) · base

    pairs : (query, key) pairs, summed over sequences [1]
    read : keys and values read from the KV cache, summed over sequences [tokens]
    rows : query tokens [tokens]
    heads : query heads on this GPU [1]
    widths : of a key and of a value head [1]
    token_bytes : KV cache of one token and layer on this GPU [bytes]
    base : bytes of one activation [bytes]
    """
    width = widths[0] + widths[1]
    ran = np.minimum(rows, 1.0)
    return Op(
        name, kind, number_format, 2 * pairs * heads * width, read * token_bytes + rows * heads * width * base,
        rows=rows, launches=np.ceil(ran),
    )  # fmt: skip


def elementwise(
    name: str, rows: Number, width: float, base: float, kind: str = "elementwise", launches: float = 1
) -> Op:
    """A pass over activations: norm, rotary, activation function, cache write, sampling. FLOPs are negligible.

        bytes = rows · width · base

    rows : tokens [tokens]
    width : elements read and written for each token [1]
    base : bytes of one element [bytes]
    launches : kernels [1]
    """
    return Op(name, kind, "fp32", rows * width, rows * width * base, launches=launches, rows=rows)


def all_reduce(name: str, rows: Number, width: float, base: float, gpus: int) -> Op:
    """Sum of activations over the GPUs that share a matrix (ring or one-shot, bytes that each GPU sends).

        sent = 2 · (gpus - 1) / gpus · rows · width · base

    rows : tokens [tokens]
    width : elements of one token [1]
    base : bytes of one element [bytes]
    gpus : that take part [1]

    >>> all_reduce("x", 1.0, 4.0, 2.0, 2).sent
    8.0
    """
    message = rows * width * base
    return Op(name, "all_reduce", "fp32", 0.0 * message, 2 * message, sent=2 * (gpus - 1) / gpus * message, rows=rows)


def _triangle(count: Number) -> Number:
    return count * (count + 1) / 2
