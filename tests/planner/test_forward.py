"""A whole step of Llama-2-7B and of Llama-3.1-8B, every op spelled out by hand; and vLLM's own count of FLOPs."""

from __future__ import annotations

import pytest

from planner.catalogue_models import find_model
from planner.forward import forward
from planner.step import Step, decode_step, prefill_step
from tests.planner.questions import DEEPSEEK, GEMMA_2, LLAMA_2_7B, LLAMA_8B, MIXTRAL, ask, sums, whole

SEVEN_B = {  # one decode at context 512: FLOPs, bytes; 32 layers, hidden 4096, 32 heads of 128, 11008, vocab 32000
    "embedding": (2 * 4096, 2 * 4096 * 2),
    "attention.norm": (32 * 4 * 4096, 32 * 4 * 4096 * 2),
    "attention.qkv": (32 * 2 * 4096 * 12288, 32 * (4096 * 12288 + 4096 + 12288) * 2),
    "attention.rotary": (32 * 2 * 64 * 128, 32 * 2 * 64 * 128 * 2),
    "attention.cache_write": (32 * 2 * 8192, 32 * 2 * 8192 * 2),
    "attention.prefill": (0, 0),
    "attention.decode": (32 * 2 * 512 * 32 * 256, 32 * (512 * 32 * 256 + 32 * 256) * 2),
    "attention.output": (32 * 2 * 4096 * 4096, 32 * (4096 * 4096 + 4096 + 4096) * 2),
    "ffn.norm": (32 * 4 * 4096, 32 * 4 * 4096 * 2),
    "ffn.up": (32 * 2 * 4096 * 22016, 32 * (4096 * 22016 + 4096 + 22016) * 2),
    "ffn.activation": (32 * 3 * 11008, 32 * 3 * 11008 * 2),
    "ffn.down": (32 * 2 * 11008 * 4096, 32 * (11008 * 4096 + 11008 + 4096) * 2),
    "final_norm": (4 * 4096, 4 * 4096 * 2),
    "lm_head": (2 * 4096 * 32000, (4096 * 32000 + 4096 + 32000) * 2),
    "sampling": (2 * 32000, 2 * 32000 * 4),
}
EIGHT_B = {  # a prompt of 100 tokens; grouped-query: 8 kv heads, 14336, vocab 128256; one row of logits
    "embedding": (100 * 2 * 4096, 100 * 2 * 4096 * 2),
    "attention.norm": (32 * 100 * 4 * 4096, 32 * 100 * 4 * 4096 * 2),
    "attention.qkv": (32 * 2 * 100 * 4096 * 6144, 32 * (4096 * 6144 + 100 * (4096 + 6144)) * 2),
    "attention.rotary": (32 * 100 * 2 * 40 * 128, 32 * 100 * 2 * 40 * 128 * 2),
    "attention.cache_write": (32 * 100 * 2 * 2048, 32 * 100 * 2 * 2048 * 2),
    "attention.prefill": (32 * 2 * 5050 * 32 * 256, 32 * (100 * 8 * 256 + 100 * 32 * 256) * 2),
    "attention.decode": (0, 0),
    "attention.output": (32 * 2 * 100 * 4096 * 4096, 32 * (4096 * 4096 + 100 * (4096 + 4096)) * 2),
    "ffn.norm": (32 * 100 * 4 * 4096, 32 * 100 * 4 * 4096 * 2),
    "ffn.up": (32 * 2 * 100 * 4096 * 28672, 32 * (4096 * 28672 + 100 * (4096 + 28672)) * 2),
    "ffn.activation": (32 * 100 * 3 * 14336, 32 * 100 * 3 * 14336 * 2),
    "ffn.down": (32 * 2 * 100 * 14336 * 4096, 32 * (14336 * 4096 + 100 * (14336 + 4096)) * 2),
    "final_norm": (100 * 4 * 4096, 100 * 4 * 4096 * 2),
    "lm_head": (2 * 4096 * 128256, (4096 * 128256 + 4096 + 128256) * 2),
    "sampling": (2 * 128256, 2 * 128256 * 4),
}
VLLM = [  # model, step, query/key/value, output, attention, feed-forward, lm_head [FLOP]
    ("meta-llama/Meta-Llama-3.1-8B", "prefill", 3298534883328, 2199023255552, 2 * 1099511627776, 23089744183296,
     1050673152),
    ("meta-llama/Meta-Llama-3.1-8B", "decode", 51539607552, 34359738368, 2 * 8589934592, 360777252864, 33621540864),
    (MIXTRAL, "decode", 51539607552, 34359738368, 2 * 8589934592, 721554505728, 8388608000),
    ("Qwen/Qwen3-8B", "decode", 57982058496, 38654705664, 2 * 9663676416, 347892350976, 39829110784),
    ("Qwen/Qwen3-30B-A3B", "decode", 32212254720, 25769803776, 2 * 12884901888, 115964116992, 19914555392),
]  # fmt: skip
"""vllm.v1.metrics.perf.ModelMetrics of vLLM 0.32 (CPU build): one prompt of 2,048 tokens, or 32 decodes at 1,024.
Conventions that differ: it counts a prompt's whole square of (query, key) pairs where we count the causal half; it has
no router, and nothing elementwise; it counts DeepSeek's decodes with expanded keys, vLLM runs them in the latent space.
"""
FFN = ("ffn.up", "ffn.down", "experts.up", "experts.down", "shared_experts.up", "shared_experts.down")


@pytest.mark.parametrize(
    ("model", "step", "by_hand"),
    [(LLAMA_2_7B, decode_step(1.0, 512.0), SEVEN_B), (LLAMA_8B, prefill_step(1.0, 100.0), EIGHT_B)],
)
def test_a_whole_step_by_hand(model, step, by_hand):
    question = ask(model, scheme="bf16")
    assert sums(question, step, "flops") == {name: flops for name, (flops, _) in by_hand.items()}
    assert sums(question, step, "moved") == {name: moved for name, (_, moved) in by_hand.items()}
    assert whole(question, step, "sent") == 0


@pytest.mark.parametrize(("model", "step", "qkv", "output", "attention", "ffn", "head"), VLLM)
def test_flops_of_products_are_those_of_vllm(model, step, qkv, output, attention, ffn, head):
    ours = sums(ask(model), prefill_step(1.0, 2048.0) if step == "prefill" else decode_step(32.0, 1024.0), "flops")
    assert ours["attention.qkv"] == qkv
    assert ours["attention.output"] == output
    assert sum(ours.get(name, 0.0) for name in FFN) == ffn
    assert ours["lm_head"] == head
    causal = 2049 / 2 / 2048 if step == "prefill" else 1.0
    assert ours["attention.prefill"] + ours["attention.decode"] == attention * causal


def test_deepseek_products_are_those_of_vllm():
    """Same source, 32 decodes at 1,024; attention in the latent space: (512 + 64) + 512 wide instead of 192 + 128."""
    ours = sums(ask(DEEPSEEK, tensor_parallel=8), decode_step(32.0, 1024.0), "flops")
    assert ours["attention.query_down"] == 42983227392
    assert 8 * ours["attention.query_up"] == 147371065344
    assert ours["attention.latent_down"] == 16118710272
    assert 8 * ours["attention.latent_up"] == 65498251264
    assert 8 * ours["attention.output"] == 458487758848
    assert 8 * sum(ours[name] for name in FFN[:2]) == 76101451776
    assert 8 * sum(ours[name] for name in FFN[2:4]) == 1307817541632
    assert 8 * sum(ours[name] for name in FFN[4:]) == 163477192704
    assert 8 * ours["attention.decode"] == (98247376896 + 65498251264) * (576 + 512) / (192 + 128)


def test_a_sliding_window_reads_no_further():
    """Gemma-2-9B: 21 layers see 4,096 tokens, 21 see all 8,192; 16 heads, 8 kv heads of 256, and 1 query row."""
    ours = sums(ask(GEMMA_2), decode_step(1.0, 8192.0), "moved")
    row = 16 * 512 * 2
    assert ours["attention.decode"] == 21 * (4096 * 8 * 512 * 2 + row) + 21 * (8192 * 8 * 512 * 2 + row)


def test_a_mixed_step_is_its_tokens_through_the_matrices_and_both_attentions():
    question = ask(LLAMA_8B)
    mixed = sums(question, Step(2.0, 50.0, 30.0, 7.0, 300.0, 9.0), "flops")
    assert mixed["ffn.up"] == 32 * 2 * 107 * 4096 * 28672
    assert mixed["lm_head"] == 2 * 9 * 4096 * 128256
    assert mixed["attention.prefill"] == 32 * 2 * 2 * (50 * 30 + 50 * 51 / 2) * 32 * 256
    assert mixed["attention.decode"] == 32 * 2 * 7 * 300 * 32 * 256


@pytest.mark.parametrize("step", [decode_step(8.0, 700.0), prefill_step(2.0, 300.0)])
def test_two_gpus_halve_what_is_sharded(step):
    one, two = ask(LLAMA_8B), ask(LLAMA_8B, tensor_parallel=2)
    sharded = (
        "attention.qkv",
        "attention.output",
        "attention.prefill",
        "attention.decode",
        "ffn.up",
        "ffn.down",
        "lm_head",
    )
    for name in sharded:
        assert 2 * sums(two, step, "flops")[name] == sums(one, step, "flops")[name]
    weights = 4096 * 28672 * 2 * 32
    tokens = step.tokens
    assert sums(one, step, "moved")["ffn.up"] == weights + 32 * tokens * (4096 + 28672) * 2
    assert sums(two, step, "moved")["ffn.up"] == weights / 2 + 32 * tokens * (4096 + 14336) * 2


def test_two_gpus_send_two_sums_a_layer_and_the_logits():
    sent = sums(ask(LLAMA_8B, tensor_parallel=2), decode_step(8.0, 700.0), "sent")
    each = 32 * 2 * (2 - 1) / 2 * 8 * 4096 * 2
    assert {name: count for name, count in sent.items() if count} == {
        "attention.all_reduce": each,
        "ffn.all_reduce": each,
        "logits.gather": 2 * (2 - 1) / 2 * 8 * 128256 / 2 * 2,
    }


@pytest.mark.parametrize("model", [LLAMA_8B, MIXTRAL, DEEPSEEK, GEMMA_2])
def test_one_gpu_sends_nothing(model):
    assert whole(ask(model), Step(1.0, 64.0, 0.0, 16.0, 100.0, 17.0), "sent") == 0


def test_names_are_unique_within_a_step():
    for model in (LLAMA_8B, DEEPSEEK, GEMMA_2, "nvidia/Nemotron-H-56B-Base-8K"):
        names = [op.name for op in forward(ask(find_model(model), tensor_parallel=8), decode_step(1.0, 10.0))]
        assert len(names) == len(set(names))
