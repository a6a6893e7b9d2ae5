"""FLOPs of an op from the shapes of its inputs, and the shapes as a text.

| op                                              | FLOPs                                                              |
| ----------------------------------------------- | ------------------------------------------------------------------ |
| mm, _scaled_mm, _int_mm, cutlass_scaled_mm, ... | 2 m k n                                                            |
| addmm, bmm, baddbmm, matmul, linear, mv         | the same, times the batch                                          |
| attention over whole sequences                  | 2 pairs (d + d_v) for each head; causal: only the pairs needed     |
| attention over packed sequences, paged caches   | unknown: the lengths are values, not shapes                        |
| all others                                      | unknown                                                            |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from importers.files import clean_text

Shape = Sequence[int]
Shapes = Sequence[Shape]
Values = Sequence[str]
GEMM, ATTENTION = "gemm", "attention"
TYPES = {
    "c10::BFloat16": "bf16", "c10::Half": "fp16", "float": "fp32", "double": "fp64", "c10::Float8_e4m3fn": "fp8",
    "c10::Float8_e4m3fnuz": "fp8", "c10::Float8_e5m2": "fp8", "long int": "int64", "long": "int64", "int": "int32",
    "unsigned char": "uint8", "signed char": "int8", "bool": "bool",
}  # fmt: skip
_MOST_SIDE = 2**40


@dataclass(frozen=True, slots=True)
class Attention:
    """How an attention op orders its arguments.

    heads_first : shapes are batch, heads, sequence, head_dim; else batch, sequence, heads, head_dim
    causal : place of the flag among the values
    packed : place of an input that is there only when sequences are packed
    """

    heads_first: bool
    causal: int
    packed: int | None = None


ATTENTIONS = {
    "aten::scaled_dot_product_attention": Attention(True, 5),
    "aten::_scaled_dot_product_flash_attention": Attention(True, 4),
    "aten::_scaled_dot_product_efficient_attention": Attention(True, 6),
    "aten::_scaled_dot_product_cudnn_attention": Attention(True, 6),
    "aten::_flash_attention_forward": Attention(False, 8, 3),
    "aten::_efficient_attention_forward": Attention(False, 9, 4),
    "flash_attn::_flash_attn_forward": Attention(False, 5),
}
WITH_VALUES = frozenset(ATTENTIONS)


def flops(name: str, shapes: Shapes, values: Values) -> float | None:
    """FLOPs of one call of an op; None if its shapes do not tell.

    values : its scalar arguments, as text

    >>> flops("aten::mm", [[8, 16], [16, 4]], []), flops("aten::add", [[8], [8]], [])
    (1024.0, None)
    """
    attention = ATTENTIONS.get(name)
    try:
        if attention is not None:
            return _attention(attention, shapes, values)
        product = PRODUCTS.get(name)
        return None if product is None else float(product(shapes))
    except (ValueError, IndexError, OverflowError):
        return None


def kind_of(name: str) -> str | None:
    """The kind of kernel that does the work of an op whose FLOPs are known."""
    return ATTENTION if name in ATTENTIONS else GEMM if name in PRODUCTS else None


def shapes_of(raw: bytes) -> Shapes:
    """The shapes of an op's inputs; an input that is no tensor, or a list of them, has none."""
    told = decoded(raw)
    return [_shape(one) for one in told] if isinstance(told, list) else []


def values_of(raw: bytes) -> Values:
    """The scalar arguments of an op, as text."""
    told = decoded(raw)
    return [one if isinstance(one, str) else "" for one in told] if isinstance(told, list) else []


def shapes_text(shapes: Shapes, types: bytes) -> str:
    """Types and shapes of the tensors that an op got.

    >>> shapes_text([[8, 16], [], [16, 4]], b'["c10::BFloat16", "Scalar", "float"]')
    'bf16[8,16] fp32[16,4]'
    """
    told = decoded(types)
    names = told if isinstance(told, list) and len(told) == len(shapes) else [""] * len(shapes)
    parts = [f"{_type(name)}[{','.join(map(str, shape))}]" for name, shape in zip(names, shapes, strict=True) if shape]
    return clean_text(" ".join(parts))


def decoded(raw: bytes) -> Any:
    """The value of an argument that stayed text; None if it is none."""
    try:
        return msgspec.json.decode(raw) if raw else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _product(left: Shape, right: Shape) -> int:
    """[..., m, k] x [..., k, n] with broadcast batches."""
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-2]:
        raise ValueError
    longer, shorter = sorted((left[:-2], right[:-2]), key=len)[::-1]
    pairs = zip(longer[len(longer) - len(shorter) :], shorter, strict=True)
    batch = math.prod(longer[: len(longer) - len(shorter)]) * math.prod(max(sides) for sides in pairs)
    return 2 * batch * left[-2] * left[-1] * right[-1]


def _linear(given: Shape, weights: Shape) -> int:
    if len(weights) != 2 or not given or given[-1] != weights[1]:
        raise ValueError
    return 2 * math.prod(given) * weights[0]


def _vector(matrix: Shape, vector: Shape) -> int:
    if len(matrix) != 2 or len(vector) != 1 or matrix[1] != vector[0]:
        raise ValueError
    return 2 * math.prod(matrix)


def _at(first: int, form: Callable[[Shape, Shape], int] = _product) -> Callable[[Shapes], int]:
    return lambda shapes: form(shapes[first], shapes[first + 1])


PRODUCTS: Mapping[str, Callable[[Shapes], int]] = {
    **dict.fromkeys(("aten::mm", "aten::bmm", "aten::matmul", "aten::_scaled_mm", "aten::_int_mm"), _at(0)),
    **dict.fromkeys(("sgl_kernel::fp8_scaled_mm", "sgl_kernel::int8_scaled_mm"), _at(0)),
    **dict.fromkeys(("aten::addmm", "aten::_addmm_activation", "aten::baddbmm", "aten::addbmm"), _at(1)),
    **dict.fromkeys(("_C::cutlass_scaled_mm", "_C::cutlass_scaled_mm_azp"), _at(1)),
    **dict.fromkeys(("aten::linear", "vllm::rocm_unquantized_gemm"), _at(0, _linear)),
    "aten::mv": _at(0, _vector),
    "aten::addmv": _at(1, _vector),
}


def _attention(order: Attention, shapes: Shapes, values: Values) -> float | None:
    query, key, value = shapes[:3]
    if len(query) != 4 or len(key) != 4 or (order.packed is not None and shapes[order.packed]):
        return None
    batch, sequence, heads = (0, 2, 1) if order.heads_first else (0, 1, 2)
    asked, held = query[sequence], key[sequence]
    flag = values[order.causal] if order.causal < len(values) else None
    if flag is None or (flag in CAUSAL and held < asked):
        return None
    pairs = asked * held - (asked * (asked - 1) // 2 if flag in CAUSAL else 0)
    return 2.0 * query[batch] * query[heads] * pairs * (query[3] + value[3])


CAUSAL = frozenset({"True", "1", "2"})
"""Also the mask types 1 and 2 of _efficient_attention_forward."""


def _shape(one: Any) -> list[int]:
    sides = one if isinstance(one, list) else []
    return sides if all(type(side) is int and 0 <= side < _MOST_SIDE for side in sides) else []


def _type(name: Any) -> str:
    return TYPES.get(name, "") if isinstance(name, str) else ""
