"""FLOPs and bytes of each maker, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.ops import all_reduce, attended_pairs, attention, elementwise, experts_gemm, gemm, touched_experts


def test_gemm():
    op = gemm("up", 3.0, 5.0, 7.0, 0.5, 2.0, "bf16")
    assert op.flops == 2 * 3 * 5 * 7
    assert op.moved == 5 * 7 * 0.5 + 3 * (5 + 7) * 2
    assert (op.kind, op.sent, op.rows) == ("gemm_unpacked", 0.0, 3.0)
    assert gemm("up", 3.0, 5.0, 7.0, 1.0, 2.0, "fp16").kind == "gemm"
    assert gemm("up", 3.0, 5.0, 7.0, 0.5, 2.0, "fp4").kind == "gemm"


def test_experts_gemm_reads_touched_experts_alone():
    op = experts_gemm("up", 6.0, 2.0, 5.0, 7.0, 1.0, 2.0, "fp8")
    assert op.flops == 2 * 6 * 5 * 7
    assert op.moved == 2 * 5 * 7 * 1 + 6 * (5 + 7) * 2
    assert (op.kind, op.rows) == ("moe_gemm", 3.0)


def test_unpacked_experts_are_a_kind_of_their_own():
    op = experts_gemm("up", 6.0, 2.0, 5.0, 7.0, 17 / 32, 2.0, "bf16")
    assert op.kind == "moe_gemm_unpacked"
    assert op.moved == 2 * 5 * 7 * 17 / 32 + 6 * (5 + 7) * 2


def test_attention():
    op = attention("decode", "attention_decode", 100.0, 100.0, 4.0, 8.0, (16.0, 32.0), 10.0, "bf16", 2.0)
    assert op.flops == 2 * 100 * 8 * (16 + 32)
    assert op.moved == 100 * 10 + 4 * 8 * (16 + 32) * 2


def test_elementwise_and_all_reduce():
    assert elementwise("norm", 3.0, 4.0, 2.0).moved == 24.0
    assert all_reduce("sum", 3.0, 4.0, 2.0, 4).sent == 2 * 3 / 4 * 24
    assert all_reduce("sum", 3.0, 4.0, 2.0, 4).flops == 0


def test_touched_experts_literal():
    """8 experts, 2 a token, 4 tokens: 8 * (1 - 0.75^4)."""
    assert touched_experts(8, 2, 4.0) == pytest.approx(5.46875, rel=1e-9)


@given(st.integers(1, 256), st.integers(1, 8), st.floats(1, 1e6))
def test_touched_experts_lie_between_one_tokens_and_all(experts, per_token, tokens):
    per_token = min(per_token, experts)
    found = touched_experts(experts, per_token, tokens)
    assert per_token * (1 - 1e-12) <= found <= experts
    assert touched_experts(experts, per_token, tokens + 1) >= found


@given(st.integers(0, 60), st.integers(1, 60), st.one_of(st.none(), st.integers(1, 70)))
def test_attended_pairs_are_the_sum_over_queries(start, tokens, window):
    counted = sum(min(i + 1, window or i + 1) for i in range(start, start + tokens))
    assert float(attended_pairs(float(start), float(tokens), window)) == counted


def test_makers_broadcast():
    tokens = np.array([1.0, 8.0])
    assert list(gemm("up", tokens, 5.0, 7.0, 2.0, 2.0, "bf16").flops) == [70.0, 560.0]
    assert list(attended_pairs(0.0, tokens, None)) == [1.0, 36.0]
