"""Continuous batching: small schedules by hand, vLLM's own schedules, a naive reference, and what must never happen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.kv_cache import BlockLayout, LayerGroup
from planner.schedule import Limits
from planner.scheduler import schedule
from tests.planner.loads import FULL, PLAIN, WIDE, bounded, clock, loads, sent
from tests.planner.naive_scheduler import naive_schedule

laws = settings(deadline=None, max_examples=100)
SAMPLES = Path(__file__).parent / "samples" / "schedules"
OWN = [json.loads(line) for line in (SAMPLES / "vllm_0.32.jsonl").read_text().splitlines()]


def computed(plan):
    steps = plan.steps
    prompts = float((plan.repeats * steps.prefill_sequences * steps.prefill_tokens).sum())
    decodes = float((plan.repeats * steps.decode_sequences).sum())
    return prompts, decodes


def unrolled(plan):
    """Tokens of each step; step of each request's first and last token."""
    steps, ends = plan.steps, np.cumsum(plan.repeats).astype(int) - 1
    tokens = np.round(steps.prefill_sequences * steps.prefill_tokens + steps.decode_sequences)
    each = np.repeat(tokens, plan.repeats.astype(int)).astype(int).tolist()
    return each, ends[plan.first].tolist(), ends[plan.last].tolist()


def test_one_request_by_hand():
    """5 tokens at 3 a step: chunks of 3 and 2, then two decodes at contexts 6 and 7."""
    plan = schedule(sent([5], [3]), Limits(1, 3, 100, PLAIN))
    assert list(plan.steps.prefill_tokens) == [3.0, 2.0, 0.0]
    assert list(plan.steps.prefill_context) == [0.0, 3.0, 0.0]
    assert list(plan.repeats) == [1.0, 1.0, 2.0]
    assert list(plan.steps.decode_context) == [0.0, 0.0, 6.5]
    assert list(plan.steps.sampled) == [0.0, 1.0, 1.0]
    assert (plan.sent[0], plan.first[0], plan.last[0]) == (-1, 1, 2)


def test_decodes_go_first_and_a_prompt_takes_the_rest_of_the_budget():
    plan = schedule(sent([2, 4], [9, 1]), Limits(2, 3, 100, PLAIN))
    assert list(plan.steps.decode_sequences[:3]) == [0.0, 1.0, 1.0]
    assert list((plan.steps.prefill_sequences * plan.steps.prefill_tokens)[:3]) == [3.0, 2.0, 1.0]


def test_a_whole_prompt_waits_for_a_budget_that_holds_it():
    """A budget of 5, one decode: a prompt of 5 waits until it is alone; in parts it starts beside it."""
    load = sent([2, 5], [4, 1])
    parts, whole = (schedule(load, Limits(2, 5, 100, PLAIN, chunked=chunked)) for chunked in (True, False))
    assert unrolled(parts) == ([5, 3, 1, 1], [0, 1], [3, 1])
    assert unrolled(whole) == ([2, 1, 1, 1, 5], [0, 4], [3, 4])


def test_a_closed_loop_sends_the_next_when_one_ends():
    plan = schedule(sent([4, 4, 4], [2, 2, 2], in_flight=1), WIDE)
    assert list(plan.sent) == [-1, 1, 3]
    assert list(plan.last) == [1, 3, 5]


def test_cached_tokens_are_context_and_not_work_in_whole_blocks():
    """90 of 100 tokens cached in blocks of 4: 88 are found. A whole prompt is not: its last token must be computed."""
    plan = schedule(sent([100], [1], cached=90), WIDE)
    assert (plan.steps.prefill_tokens[0], plan.steps.prefill_context[0]) == (12.0, 88.0)
    assert schedule(sent([100], [1], cached=100), WIDE).steps.prefill_tokens[0] == 4.0


def test_a_shared_prefix_is_held_once():
    """Four prompts of 40 tokens that share 32: 8 blocks once and 2 + 1 for each, 20 in all."""
    load = sent([40] * 4, [4] * 4, cached=32)
    assert schedule(load, Limits(4, 100, 20, PLAIN)).steps.decode_sequences.max() == 4
    assert schedule(load, Limits(4, 100, 19, PLAIN)).preemptions == 1


def test_the_youngest_is_preempted_and_computed_again():
    """Two of 8 + 6 tokens in 5 blocks of 4: with 8 tokens each holds 2, then one takes the fifth and the other goes."""
    plan = schedule(sent([8, 8], [6, 6]), Limits(2, 100, 5, PLAIN, caching=False))
    assert plan.preemptions == 1
    assert unrolled(plan)[1:] == ([0, 0], [5, 10])
    assert computed(plan)[0] == 8 + 8 + 9
    assert plan.stalls.tolist() == [[0, 3]]


def test_a_preempted_request_finds_what_nobody_took():
    """Of its two full blocks the other takes one: 4 of its 9 tokens are found, 5 computed again."""
    plan = schedule(sent([8, 8], [6, 6]), Limits(2, 100, 5, PLAIN, caching=True))
    assert computed(plan)[0] == 8 + 8 + 5


def test_a_prompt_waits_for_all_of_its_blocks_or_for_those_of_its_chunk():
    """20 tokens want 5 of 6 blocks, of which 4 + 17 others hold 2 at least: they wait for its end; a chunk does not."""
    load, limits = sent([4, 20], [17, 1]), Limits(2, 4, 6, PLAIN, caching=False)
    assert schedule(load, limits).steps.prefill_sequences[1] == 0
    assert unrolled(schedule(load, limits))[2] == [16, 21]
    assert schedule(load, replace(limits, whole_prompts=False)).steps.prefill_sequences[1] == 1


def test_layers_with_a_window_or_a_state_hold_what_they_need():
    """16 tokens in blocks of 4: 4 of the full group, 3 of a window of 8, 1 state; two requests need 16."""
    layout = BlockLayout(4.0, 1.0, (FULL, LayerGroup(8, False), LayerGroup(None, True)))
    load = sent([12, 12], [5, 5])
    assert schedule(load, Limits(2, 100, 16, layout, caching=False)).preemptions == 0
    assert schedule(load, Limits(2, 100, 15, layout, caching=False)).preemptions == 1


def test_an_open_loop_idles_until_the_next_arrives():
    plan = schedule(sent([4, 4], [1, 1], arrivals=[5.0, 100.0]), WIDE, lambda _: 1.0)
    assert list(plan.ended) == [6.0, 101.0]


def test_a_long_run_of_alike_steps_is_one_record():
    assert len(schedule(sent([40_000], [5_000]), Limits(1, 1_000, 10**6, PLAIN)).repeats) == 3


@pytest.mark.parametrize("own", OWN, ids=lambda own: f"{len(own['prompts'])} requests, {own['preemptions']} preempted")
def test_schedules_are_those_of_vllm(own):
    """vllm.v1.core.sched.scheduler of 0.32 itself, run without a GPU (tools/vllm_schedules.py)."""
    layout = BlockLayout(float(own["block"]), 1.0, (FULL,))
    bounds = [own[name] for name in ("sequences", "tokens", "blocks")]
    limits = Limits(*bounds, layout, own["whole_prompts"], own["caching"])
    plan = schedule(sent(own["prompts"], own["outputs"], in_flight=own["in_flight"]), limits)
    assert unrolled(plan) == (own["scheduled"], own["first"], own["last"])
    assert plan.preemptions == own["preemptions"]


@settings(deadline=None, max_examples=300)
@given(bounded())
def test_skipping_ahead_gives_what_a_naive_walk_gives(case):
    load, limits = case
    timed = clock if load.arrivals is not None else None
    plan, naive = schedule(load, limits, timed), naive_schedule(load, limits, timed)
    tokens, first, last = unrolled(plan)
    assert tokens == [sum(count for _, count in step) for step in naive.steps]
    assert first == [request.first for request in naive.requests]
    assert last == [request.last for request in naive.requests]
    assert plan.preemptions == naive.preemptions
    if timed:
        assert plan.ended[plan.last] == pytest.approx([request.end for request in naive.requests], rel=1e-12)


@laws
@given(bounded(roomy=True))
def test_every_request_gets_exactly_its_tokens(case):
    load, limits = case
    plan = schedule(load, limits, clock)
    size = int(limits.layout.tokens)
    found = np.minimum(load.cached, load.prompts - 1) // size * size
    assert plan.preemptions == len(plan.stalls) == 0
    assert computed(plan) == pytest.approx(((load.prompts - found).sum(), (load.outputs - 1).sum()))
    assert float((plan.repeats * plan.steps.sampled).sum()) == load.outputs.sum()


@laws
@given(bounded())
def test_preempted_or_not_every_token_is_sampled_once(case):
    load, limits = case
    plan = schedule(load, limits, clock)
    assert float((plan.repeats * plan.steps.sampled).sum()) == load.outputs.sum()
    prompts, decodes = computed(plan)
    assert decodes == (load.outputs - 1).sum() - len(plan.stalls)
    assert prompts >= (load.prompts - load.cached).sum()
    assert len(plan.stalls) <= plan.preemptions


@laws
@given(bounded())
def test_limits_hold_in_every_step(case):
    load, limits = case
    plan = schedule(load, limits, clock)
    steps, growing = plan.steps, sum(group == FULL for group in limits.layout.groups)
    assert (steps.tokens <= limits.tokens + 1e-9).all()
    assert (steps.decode_sequences + steps.prefill_sequences <= limits.sequences).all()
    own = steps.decode_sequences * (steps.decode_context - load.cached.max() + (plan.repeats - 1) / 2)
    assert (growing * own <= limits.blocks * limits.layout.tokens + 1e-9).all()
    assert (plan.repeats >= 1).all()


@laws
@given(bounded())
def test_every_request_starts_before_it_ends(case):
    plan = schedule(*case, clock)
    assert (plan.sent < plan.first).all()
    assert (plan.first <= plan.last).all()
    assert plan.last.max() == len(plan.repeats) - 1
    assert (plan.stalls[:, 0] < plan.stalls[:, 1]).all()


@laws
@given(bounded(open_loop=True))
def test_an_open_loop_serves_all_and_time_goes_forward(case):
    load, limits = case
    plan = schedule(load, limits, clock)
    assert (np.diff(plan.ended) > 0).all()
    assert (plan.ended[plan.first] > load.arrivals).all()
    assert plan.ended[-1] >= float((plan.repeats * plan.seconds).sum()) * (1 - 1e-12)


@laws
@given(bounded())
def test_the_same_load_gives_the_same_schedule(case):
    one, two = schedule(*case, clock), schedule(*case, clock)
    assert list(one.repeats) == list(two.repeats)
    assert list(one.last) == list(two.last)


@laws
@given(bounded(open_loop=False))
def test_the_clock_does_not_change_a_closed_loop(case):
    timed, untimed = schedule(*case, clock), schedule(*case)
    assert list(timed.first) == list(untimed.first)
    assert list(timed.repeats) == list(untimed.repeats)


@laws
@given(bounded(open_loop=False))
def test_a_closed_loop_is_an_open_one_whose_requests_all_come_at_once(case):
    load, limits = case
    together = replace(load, in_flight=len(load.prompts))
    closed = schedule(together, limits)
    opened = schedule(replace(load, arrivals=np.zeros(len(load.prompts))), limits, clock)
    assert unrolled(closed) == unrolled(opened)


@laws
@given(loads(open_loop=False), st.integers(1, 8), st.integers(0, 30))
def test_enough_blocks_for_all_are_as_good_as_any_number(load, sequences, budget):
    enough = int((-(-(load.prompts + load.outputs) // 4)).sum() + load.cached.max())
    plans = [
        unrolled(schedule(load, Limits(sequences, sequences + budget, blocks, PLAIN))) for blocks in (enough, 10**9)
    ]
    assert plans[0] == plans[1]
