"""The command line says what differs from vLLM's defaults and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.command import serve_command
from planner.engine import Engine
from tests.planner.questions import LLAMA_8B, MIXTRAL, ask


def test_defaults_need_no_flags():
    assert serve_command(ask(LLAMA_8B)) == f"vllm serve {LLAMA_8B}"


def test_flags_of_everything_that_differs():
    engine = Engine(
        max_num_seqs=64, max_num_batched_tokens=4096, max_model_len=8000, gpu_memory_utilization=0.8, enforce_eager=True
    )
    question = ask(MIXTRAL, tensor_parallel=4, expert_parallel=4, kv_cache="fp8", engine=engine)
    assert serve_command(question) == (
        f"vllm serve {MIXTRAL} --tensor-parallel-size 4 --enable-expert-parallel --kv-cache-dtype fp8 "
        "--max-num-seqs 64 --max-num-batched-tokens 4096 --gpu-memory-utilization 0.8 --max-model-len 8000 "
        "--enforce-eager"
    )


@pytest.mark.parametrize(
    ("version", "off"), [("0.33.0", "--no-async-scheduling --disable-prefix-caching"),
                         ("0.32.0", "--no-async-scheduling --no-enable-prefix-caching"),
                         ("0.12.0", "--async-scheduling --no-enable-prefix-caching")],
)  # fmt: skip
def test_switches_that_differ_from_their_versions_default(version, off):
    engine = Engine(version=version, async_scheduling=version == "0.12.0", prefix_caching=False)
    assert serve_command(ask(LLAMA_8B, engine=engine)) == f"vllm serve {LLAMA_8B} {off}"


def test_bf16_checkpoints_need_a_dtype_on_a_t4():
    assert "--dtype float16" in serve_command(ask("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "t4"))


def test_names_are_quoted_for_the_shell():
    question = ask(LLAMA_8B)
    hostile = replace(question, model=replace(question.model, name="x; rm -rf ~"))
    assert serve_command(hostile) == "vllm serve 'x; rm -rf ~'"
