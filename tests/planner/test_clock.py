"""The clock of open loops: as good as timing each step alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.arrivals import requests
from planner.clock import MAX_CONTEXTS, step_clock
from planner.latency import step_time
from planner.memory import memory
from planner.scenario import Workload
from planner.scheduler import schedule
from planner.serving import CLOCK_ERROR, latencies, limits
from planner.step import Step, decode_step
from tests.planner.questions import DEEPSEEK, GEMMA_2, GPT_OSS_20B, LLAMA_8B, MIXTRAL, ask, eager

LOAD = Workload(700, 40, request_rate=12.0, requests=60, length_ratio=0.2, prefix_cached_tokens=64.0)
MODELS = [(LLAMA_8B, 1), (MIXTRAL, 2), (GEMMA_2, 1), (GPT_OSS_20B, 1), (DEEPSEEK, 16),
          ("nvidia/Nemotron-H-56B-Base-8K", 4)]  # fmt: skip


def timed(question):
    return lambda step: np.asarray(step_time(question, step).total)


def both(question):
    """The schedule by the clock, and with every step timed alone."""
    sent, room = requests(question, 0), memory(question)
    bounds, seconds = limits(question, room, sent), timed(question)
    return schedule(sent, bounds, step_clock(seconds, sent)), schedule(sent, bounds, lambda step: float(seconds(step)))


@pytest.mark.parametrize(("model", "gpus"), MODELS)
def test_a_schedule_by_the_clock_is_the_plain_one(model, gpus):
    fast, plain = both(ask(model, load=LOAD, tensor_parallel=gpus))
    assert list(fast.first) == list(plain.first)
    assert list(fast.last) == list(plain.last)
    assert fast.ended == pytest.approx(plain.ended, rel=1e-9)
    assert fast.seconds == pytest.approx(plain.seconds, rel=CLOCK_ERROR)


def test_without_cuda_graphs_the_walk_is_made_again_where_the_clock_is_off():
    """Waiting for launches bends the time of mixed steps, which the clock takes for a sum."""
    question = ask(load=LOAD, engine=eager())
    _, plain = both(question)
    found = latencies(question, memory(question))
    assert plain.ended is not None
    between = plain.ended[plain.last] - plain.ended[plain.first]
    assert found.e2e - found.ttft == pytest.approx(between, rel=1e-9)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.floats(1, 2000), st.integers(0, 3), st.integers(1, 900))
def test_any_step_is_timed_as_it_is(batch, context, prompts, tokens):
    question = ask(GPT_OSS_20B, load=LOAD)
    clock = step_clock(timed(question), requests(question, 0))
    step = Step(float(prompts), float(tokens) if prompts else 0.0, 0.0, float(batch), context, float(batch + prompts))
    assert clock(step) == pytest.approx(float(step_time(question, step).total), rel=1e-9)


def test_a_curved_time_gets_a_fine_grid():
    sent = requests(ask(load=LOAD), 0)
    clock = step_clock(lambda step: np.asarray(1.0 + step.decode_sequences * np.sqrt(step.decode_context + 1)), sent)
    assert MAX_CONTEXTS <= len(clock.contexts) <= 2 * MAX_CONTEXTS
    assert clock(decode_step(20.0, 500.3)) == pytest.approx(1 + 20 * np.sqrt(501.3), rel=1e-4)
