"""When the answer is no: what works instead really fits."""

from __future__ import annotations

from planner.alternatives import alternatives
from planner.memory import memory
from planner.scenario import Workload
from tests.planner.questions import LLAMA_8B, ask


def test_a_model_too_large_gets_more_gpus_or_fewer_bits():
    question = ask("meta-llama/Llama-3.1-70B-Instruct", "h100-sxm")
    assert not memory(question).fits
    found = dict(alternatives(question))
    assert "4 GPUs" in found or "2 GPUs" in found
    assert "awq weights" in found
    assert all(memory(other).fits for other in found.values())


def test_a_t4_is_not_offered_formats_that_it_cannot_run():
    found = dict(alternatives(ask(LLAMA_8B, "t4")))
    assert "fp8 weights" not in found
    assert "an fp8 KV cache" not in found
    assert "awq weights" in found


def test_nothing_helps_a_request_that_is_far_too_long():
    assert alternatives(ask(LLAMA_8B, "t4", Workload(50_000_000, 1))) == ()
