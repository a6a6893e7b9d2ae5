"""A question is checked before it is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.engine import Engine
from planner.errors import InvalidParallelism, InvalidWorkload
from planner.scenario import Workload
from tests.planner.questions import DEEPSEEK, LLAMA_8B, MIXTRAL, ask


@pytest.mark.parametrize(
    ("field", "value"),
    [("prompt_tokens", 0), ("prompt_tokens", float("nan")), ("output_tokens", float("inf")), ("concurrency", -1),
     ("prefix_cached_tokens", 513), ("length_ratio", 0), ("length_ratio", 1.5), ("request_rate", 0), ("requests", 0),
     ("burstiness", 0)],
)  # fmt: skip
def test_a_value_out_of_range_is_named(field, value):
    with pytest.raises(InvalidWorkload, match=rf"{field} is .*between"):
        ask(load=replace(Workload(512, 128), **{field: value}))


def test_unknown_mode_is_refused_with_the_choices():
    with pytest.raises(InvalidWorkload, match=r'mode is "offline".*serving, batch'):
        ask(load=Workload(512, 128, mode="offline"))


def test_heads_that_do_not_divide_name_the_sizes_that_do():
    with pytest.raises(InvalidParallelism, match=r"32 attention heads, which 3 GPUs.*1, 2, 4, 8, 16, 32\."):
        ask(LLAMA_8B, tensor_parallel=3)


def test_experts_are_spread_within_the_group():
    with pytest.raises(InvalidParallelism, match="has no experts"):
        ask(LLAMA_8B, tensor_parallel=2, expert_parallel=2)
    with pytest.raises(InvalidParallelism, match="must divide"):
        ask(MIXTRAL, tensor_parallel=4, expert_parallel=3)
    with pytest.raises(InvalidParallelism, match="at least 1"):
        ask(MIXTRAL, tensor_parallel=2, expert_parallel=4)
    assert ask(DEEPSEEK, tensor_parallel=8, expert_parallel=8).deployment.expert_parallel == 8


def test_the_longest_request_counts_against_max_model_len():
    """Mean 900 + 90 at ratio 0.8 is up to 1,000 + 100."""
    load, short = Workload(900, 90, length_ratio=0.8), Engine(max_model_len=1099)
    assert load.longest == pytest.approx(1100)
    with pytest.raises(InvalidWorkload, match=r"1,100 tokens .* exceed the context limit of 1,099"):
        ask(load=load, engine=short)
    ask(load=replace(load, length_ratio=1.0), engine=short)


def test_cached_tokens_need_a_prefix_cache():
    with pytest.raises(InvalidWorkload, match=r"64 prompt tokens .*prefix caching is off"):
        ask(load=Workload(512, 128, prefix_cached_tokens=64.0), engine=Engine(prefix_caching=False))


def test_a_batch_has_no_arrivals():
    assert Workload(512, 128, request_rate=2.0).open_loop
    assert not Workload(512, 128, request_rate=2.0, mode="batch").open_loop
