"""KV blocks, against vLLM's own planner."""

from __future__ import annotations

import pytest

from planner.engine import Engine
from planner.kv_cache import block_layout, sequence_blocks
from planner.quantities import GIB
from tests.planner.questions import DEEPSEEK, GEMMA_2, GPT_OSS_20B, LLAMA_8B, ask

VLLM = [  # model, GPUs, GiB, max_model_len, token budget -> groups, bytes a block, blocks, concurrency, tokens
    (LLAMA_8B, 1, 40, 32768, 8192, 1, 2097152, 20480, 10.0, 327680),
    (GEMMA_2, 1, 40, 8192, 8192, 2, 2752512, 15603, 15.22, 124702),
    ("google/gemma-3-27b-it", 1, 15, 32768, 8192, 7, 1310720, 12288, 2.23, 73076),
    ("openai/gpt-oss-120b", 1, 40, 32768, 8192, 2, 589824, 72817, 28.34, 928792),
    ("openai/gpt-oss-120b", 2, 88.77, 2068, 8192, 2, 294912, 323201, 1238.32, 2560841),
    (GPT_OSS_20B, 1, 10, 131072, 2048, 2, 393216, 27306, 3.28, 429709),
]
"""vllm.v1.core.kv_cache_planning of vLLM 0.33, run without a GPU; layout LBNHC."""


@pytest.mark.parametrize(
    ("model", "gpus", "gib", "longest", "budget", "groups", "block", "blocks", "concurrency", "tokens"), VLLM
)
def test_blocks_are_those_of_vllm(model, gpus, gib, longest, budget, groups, block, blocks, concurrency, tokens):
    engine = Engine(max_num_batched_tokens=budget)
    layout = block_layout(ask(model, tensor_parallel=gpus, engine=engine))
    assert len(layout.groups) == groups
    assert layout.block_bytes == block
    assert gib * GIB // layout.block_bytes == blocks
    assert round(blocks / sequence_blocks(layout, longest, engine), 2) == concurrency
    assert layout.reported_tokens(blocks, longest, engine) == tokens


def test_reported_tokens_were_blocks_up_to_0_20():
    """gpt-oss-20b, 10 GiB: 27,306 blocks of 16 tokens shared by two groups."""
    layout = block_layout(ask(GPT_OSS_20B))
    assert layout.reported_tokens(27306, 131072, Engine(version="0.20.0")) == 27306 // 2 * 16


def test_latent_cache_is_one_vector_a_token_and_not_divided():
    """DeepSeek-V3: 61 layers of 512 + 64 numbers of 2 bytes, 16 tokens a block."""
    for gpus in (1, 8):
        assert block_layout(ask(DEEPSEEK, tensor_parallel=gpus)).block_bytes == 16 * 576 * 2 * 61


def test_kv_heads_fewer_than_gpus_are_copied():
    """8 kv heads: 8 GPUs hold one each, 16 GPUs still one each."""
    one, eight, sixteen = (block_layout(ask(LLAMA_8B, tensor_parallel=n)).block_bytes for n in (1, 8, 16))
    assert one == 8 * eight == 8 * sixteen


def test_fp8_halves_a_block():
    assert block_layout(ask(LLAMA_8B, kv_cache="fp8")).block_bytes == 2097152 / 2


def test_a_state_takes_one_block_whatever_the_length():
    model = "nvidia/Nemotron-H-56B-Base-8K"
    layout = block_layout(ask(model, tensor_parallel=8))
    stateful = [group for group in layout.groups if group.stateful]
    assert stateful
    short, long = (sequence_blocks(layout, length, Engine()) for length in (layout.tokens, 10 * layout.tokens))
    assert long - short == 9 * (len(layout.groups) - len(stateful))
