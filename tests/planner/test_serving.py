"""From a schedule to latencies: by hand for one request, and the laws over many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import serving
from planner.arrivals import requests
from planner.distribution import weighted_distribution
from planner.engine import Engine
from planner.kv_cache import block_layout
from planner.latency import step_time
from planner.memory import memory
from planner.recorded import recorded
from planner.scenario import Workload, replay
from planner.scheduler import schedule
from planner.serving import latencies, limits, typical_step
from planner.step import decode_step, prefill_step
from tests.planner.questions import GPT_OSS_20B, LLAMA_8B, ask

laws = settings(deadline=None, max_examples=15)


def played(load, seed=0, **more):
    question = ask(load=load, **more)
    return latencies(question, memory(question), seed)


def test_one_request_by_hand():
    """One prefill step, then decodes at contexts 101 and 102; 20 ms and 1.3 us a prompt token outside the GPU."""
    question = ask(load=Workload(100, 3))
    prefill = float(step_time(question, prefill_step(1.0, 100.0)).total)
    decodes = 2 * float(step_time(question, decode_step(1.0, 101.5)).total)
    found = played(Workload(100, 3, requests=1))
    assert found.ttft[0] == pytest.approx(0.020 + 100 * 1.3e-6 + prefill, rel=1e-9)
    assert found.tpot[0] == pytest.approx(decodes / 2, rel=1e-9)
    assert found.e2e[0] == pytest.approx(found.ttft[0] + decodes, rel=1e-9)


def test_one_token_has_no_time_per_output_token():
    assert np.isnan(played(Workload(100, 1)).tpot).all()


def test_a_batch_starts_together():
    found = played(Workload(128, 64, concurrency=16, mode="batch"))
    assert len(found.ttft) == 16
    assert found.duration == pytest.approx(found.e2e.max(), rel=1e-9)


def test_batch_larger_than_max_num_seqs_runs_in_waves():
    engine = Engine(max_num_seqs=8)
    one, two = (played(Workload(64, 32, concurrency=size, mode="batch"), engine=engine) for size in (8, 16))
    assert two.duration > 1.8 * one.duration


def test_the_same_seed_gives_the_same_answer():
    load = Workload(300, 50, concurrency=8, length_ratio=0.5)
    one, same, other = played(load), played(load), played(load, seed=1)
    assert (one.e2e == same.e2e).all()
    assert (one.e2e != other.e2e).any()


def test_at_a_very_low_rate_the_open_loop_is_a_closed_one_with_one_request():
    closed = played(Workload(256, 32, concurrency=1, requests=10))
    opened = played(Workload(256, 32, request_rate=1e-3, requests=10))
    assert opened.ttft.mean() == pytest.approx(closed.ttft.mean(), rel=1e-9)
    assert opened.tpot.mean() == pytest.approx(closed.tpot.mean(), rel=1e-9)


def test_a_rate_beyond_capacity_queues():
    slow, fast = (played(Workload(256, 32, request_rate=rate, requests=300)) for rate in (1.0, 1e4))
    assert fast.ttft.mean() > 3 * slow.ttft.mean()
    assert fast.duration < slow.duration


@laws
@given(st.integers(1, 2000), st.integers(1, 200), st.integers(1, 64), st.sampled_from(["serving", "batch"]))
def test_more_bandwidth_and_peak_are_never_slower(prompt, output, concurrency, mode):
    question = ask("meta-llama/Llama-3.1-8B-Instruct", "l40s", Workload(prompt, output, concurrency, mode))
    gpu = question.deployment.gpu
    wide = replace(question, deployment=replace(question.deployment, gpu=replace(gpu, bandwidth=2 * gpu.bandwidth)))
    room = memory(question)
    slow, fast = latencies(question, room), latencies(wide, room)
    assert (fast.e2e <= slow.e2e + 1e-12).all()
    assert (fast.ttft <= slow.ttft + 1e-12).all()


@laws
@given(st.integers(1, 4000), st.floats(0, 1))
def test_a_cached_prefix_is_never_slower(prompt, share):
    whole = played(Workload(prompt, 4))
    cached = played(Workload(prompt, 4, prefix_cached_tokens=float(int(prompt * share))))
    assert cached.ttft.mean() <= whole.ttft.mean() * (1 + 1e-9)


@laws
@given(st.integers(1, 3000), st.integers(2, 100), st.integers(1, 40), st.floats(0.1, 1))
def test_every_request_waits_then_runs(prompt, output, concurrency, ratio):
    found = played(Workload(prompt, output, concurrency, length_ratio=ratio))
    assert (found.ttft > 0).all()
    assert (found.e2e >= found.ttft).all()
    assert found.duration >= found.e2e.max() * (1 - 1e-9)
    assert found.throughput > 0


def test_typical_steps_are_the_whole_prompt_and_the_middle_of_the_output():
    question = ask(load=Workload(512, 128, concurrency=8))
    prefill, decode = typical_step(question, memory(question))
    assert (prefill.prefill_sequences, prefill.prefill_tokens) == (1.0, 512.0)
    prefill, _ = typical_step(ask(load=Workload(512, 1, prefix_cached_tokens=500)), memory(question))
    assert (prefill.prefill_tokens, prefill.prefill_context) == (16.0, 496.0)
    assert (decode.decode_sequences, decode.decode_context) == (8, 512 + 129 / 2)


def bounds(question):
    return limits(question, memory(question), requests(question, 0))


def test_limits_are_the_engines_and_the_kv_caches():
    question = ask(load=Workload(512, 128))
    found = bounds(question)
    assert (found.sequences, found.tokens, found.caching, found.whole_prompts) == (1024, 8192, True, True)
    assert found.blocks == memory(question).blocks - 1
    assert found.layout == block_layout(question)


@pytest.mark.parametrize(
    ("version", "whole", "caching"), [("0.7.0", True, False), ("0.8.0", False, True), ("0.18.0", False, True),
                                      ("0.19.0", True, True)],
)  # fmt: skip
def test_what_admits_a_prompt_depends_on_the_version(version, whole, caching):
    found = bounds(ask(engine=Engine(version=version)))
    assert (found.whole_prompts, found.caching) == (whole, caching)
    assert not bounds(ask(engine=Engine(version=version, prefix_caching=False))).caching


def test_a_preempted_request_of_a_hybrid_is_computed_again_in_full():
    assert not bounds(ask(GPT_OSS_20B)).caching


def test_the_longest_request_always_runs():
    """Lengths of 0.2 to 1 of nominal: some are longer than the mean by two thirds, and more than fits."""
    question = ask(LLAMA_8B, "l40s", Workload(30_000, 200, concurrency=4, length_ratio=0.2, requests=20))
    tight = replace(memory(question), blocks=100.0)
    assert latencies(question, tight).output_tokens > 0


def test_gaps_of_a_long_run_grow_with_the_context():
    """A batch of alike requests: one record of 2,000 steps, from the time of its first to that of its last."""
    question = ask(load=Workload(100, 2001, concurrency=200, mode="batch"))
    found = latencies(question, memory(question))
    first, last = (float(step_time(question, decode_step(200.0, at)).total) for at in (101.0, 2100.0))
    spread = weighted_distribution(found.itl, found.itl_count)
    assert spread.p50 == pytest.approx((first + last) / 2, rel=0.1)
    assert spread.p99 == pytest.approx(last - (last - first) / 16, rel=1e-3)
    assert found.itl_count.sum() == 200 * 2000


def crowded(**more):
    return played(Workload(20, 4000, concurrency=256, requests=400), model=LLAMA_8B, gpu="l40s", **more)


@pytest.mark.parametrize("load", [Workload(300, 50, concurrency=8, length_ratio=0.3),
                                  Workload(300, 50, request_rate=30.0, requests=200, length_ratio=0.3)])  # fmt: skip
def test_gaps_between_tokens_add_up_to_what_follows_the_first(load):
    found = played(load)
    assert (found.itl * found.itl_count).sum() == pytest.approx((found.e2e - found.ttft).sum(), rel=1e-9)
    assert found.itl_count.sum() == found.output_tokens - len(found.ttft)


def test_gaps_over_a_preemption_count_too():
    found = crowded()
    assert found.preemptions > 0
    assert (found.itl * found.itl_count).sum() == pytest.approx((found.e2e - found.ttft).sum(), rel=1e-9)
    assert found.itl_count.sum() == found.output_tokens - len(found.ttft)
    assert found.itl.max() > 50 * np.median(found.itl)


def test_a_preempted_request_is_back_sooner_with_prefix_caching():
    kept, lost = (crowded(engine=Engine(prefix_caching=caching)) for caching in (True, False))
    assert kept.duration < lost.duration


def test_recorded_requests_are_played_as_they_are():
    """Ten seconds apart each is alone, whatever comes before."""
    load = replay(recorded([100, 400], [3, 5], arrivals=[0.0, 10.0]))
    found, one = played(load), played(Workload(400, 5, requests=1))
    assert found.ttft[1] == pytest.approx(one.ttft[0], rel=1e-9)
    assert found.e2e[1] == pytest.approx(one.e2e[0], rel=1e-9)
    assert found.output_tokens == 8


def test_recorded_lengths_alone_are_a_closed_loop():
    alike = played(replay(recorded([100] * 12, [20] * 12), concurrency=4))
    fixed = played(Workload(100, 20, concurrency=4, requests=12))
    assert list(alike.e2e) == list(fixed.e2e)


OPEN = Workload(400, 40, request_rate=25.0, requests=120, length_ratio=0.3)


def test_open_loops_are_timed_as_if_step_by_step():
    question = ask(load=OPEN)
    sent, room = requests(question, 0), memory(question)
    plain = schedule(sent, limits(question, room, sent), lambda step: float(step_time(question, step).total))
    found = latencies(question, room)
    ends = np.concatenate([[0.0], plain.ended])
    outside = found.ttft[0] - (ends[plain.first[0] + 1] - sent.arrivals[0])
    assert outside == pytest.approx(0.020 + 1.3e-6 * sent.prompts[0], rel=1e-6)
    running = np.where(
        sent.arrivals < ends[plain.sent + 1], (plain.ended - ends[:-1])[plain.sent] / plain.repeats[plain.sent], 0
    )
    told = ends[plain.last + 1] - sent.arrivals + 0.020 + 1.3e-6 * sent.prompts
    assert found.e2e == pytest.approx(told + np.where(plain.sent < 0, 0, running), rel=1e-9)


def test_a_request_waits_for_the_step_that_runs_and_for_the_one_that_is_scheduled():
    """One of three ends, the fourth comes while two decode: 1.5 steps; without async half a step."""
    load = Workload(100, 40, concurrency=3, requests=4, length_ratio=0.5)
    waits = {}
    for ahead in (True, False):
        question = ask(load=load, engine=Engine(async_scheduling=ahead, host=ask().host))
        sent, room = requests(question, 0), memory(question)
        plan = schedule(sent, limits(question, room, sent))
        ends = np.concatenate([[0.0], np.cumsum(plan.repeats * step_time(question, plan.steps).total)])
        assert plan.sent[3] >= 0
        step = (ends[plan.sent[3] + 1] - ends[plan.sent[3]]) / plan.repeats[plan.sent[3]]
        played_alone = ends[plan.first[3] + 1] - ends[plan.sent[3] + 1] + 0.020 + 1.3e-6 * sent.prompts[3]
        waits[ahead] = (latencies(question, room).ttft[3] - played_alone) / step
    assert waits[True] == pytest.approx(1.5, rel=0.02)
    assert waits[False] == pytest.approx(0.5, rel=0.02)


def test_nobody_waits_where_nothing_runs():
    """One after the other, and two waves of equal length: the server is empty when the next come."""
    for load in (Workload(100, 8, concurrency=1, requests=3), Workload(100, 8, concurrency=2, requests=4)):
        found = played(load)
        assert found.ttft[-1] == pytest.approx(found.ttft[0], rel=1e-9)


def test_a_clock_that_is_off_is_not_trusted(monkeypatch):
    right = played(OPEN)
    monkeypatch.setattr(serving, "step_clock", lambda *_: lambda _: 0.01)
    assert list(played(OPEN).e2e) == pytest.approx(list(right.e2e), rel=1e-9)


def test_idle_time_before_a_step_is_no_part_of_the_wait_for_it():
    """The third comes while the second's prompt runs; how long the server idled before that plays no part."""
    loads = [replay(recorded([2000] * 3, [2] * 3, arrivals=[0.0, idle, idle + 1e-4])) for idle in (1.0, 100.0)]
    soon, late = (played(load).ttft[2] for load in loads)
    assert late == pytest.approx(soon, rel=1e-6)
