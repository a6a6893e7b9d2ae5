"""Continuous batching: what it must never do, and small schedules by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.schedule import Limits, Requests
from planner.scheduler import schedule

laws = settings(deadline=None, max_examples=60)
WIDE = Limits(256.0, 2048.0, 1e9)


def sent(prompts, outputs, cached=0.0, in_flight=None, arrivals=None):
    times = None if arrivals is None else np.array(arrivals, dtype=float)
    return Requests(
        np.array(prompts, dtype=float), np.array(outputs, dtype=float), cached, in_flight or len(prompts), times
    )


@st.composite
def loads(draw, open_loop=False):
    count = draw(st.integers(1, 12))
    lengths = st.lists(st.integers(1, 60), min_size=count, max_size=count)
    arrivals = np.cumsum(draw(st.lists(st.floats(0, 30), min_size=count, max_size=count))) if open_loop else None
    return sent(draw(lengths), draw(lengths), float(draw(st.integers(0, 20))), draw(st.integers(1, 12)), arrivals)


@st.composite
def budgets(draw, kv=None):
    tokens = draw(st.integers(1, 40))
    return Limits(float(draw(st.integers(1, 10))), float(tokens), float(kv if kv else draw(st.integers(120, 400))))


def clock(step):
    return 1.0 + 0.01 * float(step.tokens)


def computed(plan):
    steps = plan.steps
    prompts = float((plan.repeats * steps.prefill_sequences * steps.prefill_tokens).sum())
    decodes = float((plan.repeats * steps.decode_sequences).sum())
    return prompts, decodes


def test_one_request_by_hand():
    """5 tokens at 3 a step: chunks of 3 and 2, then two decodes at contexts 6 and 7."""
    plan = schedule(sent([5], [3]), Limits(1.0, 3.0, 100.0))
    assert list(plan.steps.prefill_tokens) == [3.0, 2.0, 0.0]
    assert list(plan.steps.prefill_context) == [0.0, 3.0, 0.0]
    assert list(plan.repeats) == [1.0, 1.0, 2.0]
    assert list(plan.steps.decode_context) == [0.0, 0.0, 6.5]
    assert list(plan.steps.sampled) == [0.0, 1.0, 1.0]
    assert (plan.sent[0], plan.first[0], plan.last[0]) == (-1, 1, 2)


def test_decodes_go_first_and_a_prompt_takes_the_rest_of_the_budget():
    plan = schedule(sent([2, 4], [9, 1]), Limits(2.0, 3.0, 100.0))
    assert list(plan.steps.decode_sequences[:3]) == [0.0, 1.0, 1.0]
    assert list((plan.steps.prefill_sequences * plan.steps.prefill_tokens)[:3]) == [3.0, 2.0, 1.0]


def test_a_closed_loop_sends_the_next_when_one_ends():
    plan = schedule(sent([4, 4, 4], [2, 2, 2], in_flight=1), WIDE)
    assert list(plan.sent) == [-1, 1, 3]
    assert list(plan.last) == [1, 3, 5]


def test_cached_tokens_are_context_and_not_work():
    plan = schedule(sent([100], [1], cached=84.0), WIDE)
    assert (plan.steps.prefill_tokens[0], plan.steps.prefill_context[0]) == (16.0, 84.0)


def test_the_youngest_is_preempted_and_computed_again():
    """Two of 8 + 6 tokens in a cache of 20: the second goes back once both hold 10, and returns when the first ends."""
    plan = schedule(sent([8, 8], [6, 6]), Limits(2.0, 100.0, 20.0))
    assert plan.preemptions == 1
    assert plan.last[0] < plan.last[1]
    prompts, decodes = computed(plan)
    assert prompts > 16
    assert prompts + decodes < 16 + 10 + 16


def test_an_open_loop_idles_until_the_next_arrives():
    plan = schedule(sent([4, 4], [1, 1], arrivals=[5.0, 100.0]), WIDE, lambda _: 1.0)
    assert list(plan.ended) == [6.0, 101.0]


@laws
@given(loads(), budgets(kv=100_000))
def test_every_request_gets_exactly_its_tokens(load, limits):
    plan = schedule(load, limits)
    prompts, decodes = computed(plan)
    assert plan.preemptions == 0
    assert prompts == pytest.approx(np.maximum(1, load.prompts - load.cached).sum())
    assert decodes == (load.outputs - 1).sum()
    assert float((plan.repeats * plan.steps.sampled).sum()) == load.outputs.sum()


@laws
@given(loads(), budgets())
def test_limits_hold_in_every_step(load, limits):
    plan = schedule(load, limits)
    steps = plan.steps
    assert (steps.tokens <= limits.tokens + 1e-9).all()
    assert (steps.decode_sequences + steps.prefill_sequences <= limits.sequences).all()
    held = steps.decode_sequences * (steps.decode_context + (plan.repeats - 1) / 2)
    held += steps.prefill_sequences * (steps.prefill_context + steps.prefill_tokens)
    assert (held <= limits.kv_tokens + 1e-9).all()
    assert (plan.repeats >= 1).all()


@laws
@given(loads(), budgets())
def test_every_request_starts_before_it_ends(load, limits):
    plan = schedule(load, limits)
    assert (plan.sent < plan.first).all()
    assert (plan.first <= plan.last).all()
    assert plan.last.max() == len(plan.repeats) - 1


@laws
@given(loads(open_loop=True), budgets())
def test_an_open_loop_serves_all_and_time_goes_forward(load, limits):
    plan = schedule(load, limits, clock)
    assert (np.diff(plan.ended) > 0).all()
    assert (plan.ended[plan.first] >= load.arrivals).all()
    assert float((plan.repeats * plan.steps.sampled).sum()) == load.outputs.sum()


@laws
@given(loads(), budgets())
def test_the_same_load_gives_the_same_schedule(load, limits):
    one, two = schedule(load, limits), schedule(load, limits)
    assert list(one.repeats) == list(two.repeats)
    assert list(one.last) == list(two.last)


@laws
@given(loads(), budgets(kv=100_000))
def test_the_clock_does_not_change_a_closed_loop(load, limits):
    timed, untimed = schedule(load, limits, clock), schedule(load, limits)
    assert list(timed.first) == list(untimed.first)
    assert list(timed.repeats) == list(untimed.repeats)
