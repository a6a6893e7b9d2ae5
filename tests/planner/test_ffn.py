"""Feed-forward networks of one layer, by hand."""

from __future__ import annotations

import pytest

from planner.ffn import ffn_ops
from planner.model import DenseFfn, MoeFfn
from tests.planner.questions import LLAMA_8B, MIXTRAL, ask

EIGHT_EXPERTS = MoeFfn(experts=8, experts_per_token=2, intermediate=14336)


def ops(ffn, tokens=4.0, model=MIXTRAL, **more):
    return {op.name: op for op in ffn_ops(ffn, ask(model, **more), tokens)}


def test_ungated_has_one_matrix_up():
    found = ops(DenseFfn(1000, gated=False), model=LLAMA_8B)
    assert found["ffn.up"].flops == 2 * 4 * 4096 * 1000
    assert found["ffn.activation"].moved == 4 * 2 * 1000 * 2


def test_moe_reads_the_experts_that_any_token_picks():
    """Mixtral, 4 tokens: 8 pairs on 5.46875 of 8 experts."""
    found = ops(EIGHT_EXPERTS)
    assert found["experts.up"].flops == 2 * 8 * 4096 * 28672
    assert found["experts.up"].moved == pytest.approx(5.46875 * 4096 * 28672 * 2 + 8 * (4096 + 28672) * 2, rel=1e-12)
    assert found["experts.down"].flops == 2 * 8 * 14336 * 4096
    assert found["router"].flops == 2 * 4 * 4096 * 8


def test_one_token_reads_two_experts_and_many_tokens_all():
    assert ops(EIGHT_EXPERTS, 1.0)["experts.up"].moved == 2 * 4096 * 28672 * 2 + 2 * (4096 + 28672) * 2
    many = ops(EIGHT_EXPERTS, 1000.0)["experts.up"].moved
    assert many == pytest.approx(8 * 4096 * 28672 * 2 + 2000 * (4096 + 28672) * 2, rel=1e-12)


def test_tensor_parallel_splits_each_expert_and_expert_parallel_spreads_them():
    one = ops(EIGHT_EXPERTS)
    split = ops(EIGHT_EXPERTS, tensor_parallel=2)
    spread = ops(EIGHT_EXPERTS, tensor_parallel=2, expert_parallel=2)
    for found in (split, spread):
        assert 2 * found["experts.up"].flops == one["experts.up"].flops
    assert split["experts.up"].rows == one["experts.up"].rows
    assert spread["experts.up"].moved == pytest.approx(one["experts.up"].moved / 2, rel=1e-12)
    assert spread["router"].flops == one["router"].flops


def test_shared_experts_run_for_every_token():
    found = ops(MoeFfn(64, 6, 1408, shared_intermediate=2816))
    assert found["shared_experts.up"].flops == 2 * 4 * 4096 * 2 * 2816
    assert found["shared_experts.down"].moved == (2816 * 4096 + 4 * (2816 + 4096)) * 2


def test_experts_in_a_latent_width():
    found = ops(MoeFfn(64, 6, 1408, gated=False, latent=1024))
    assert found["experts.up"].flops == 2 * 24 * 1024 * 1408
    assert found["experts.latent"].flops == 2 * 4 * 4096 * 2048
