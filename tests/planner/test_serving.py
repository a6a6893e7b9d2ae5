"""From a schedule to latencies: by hand for one request, and the laws over many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.engine import Engine
from planner.latency import step_time
from planner.memory import memory
from planner.scenario import Workload
from planner.serving import MAX_REQUESTS, latencies, limits, requests, typical_step
from planner.step import decode_step, prefill_step
from tests.planner.questions import ask

laws = settings(deadline=None, max_examples=15)


def played(load, seed=0, **more):
    question = ask(load=load, **more)
    return latencies(question, memory(question), seed)


def test_one_request_by_hand():
    """One prefill step, then decodes at contexts 101 and 102; 30 ms and 0.3 us a prompt token outside the GPU."""
    question = ask(load=Workload(100, 3))
    prefill = float(step_time(question, prefill_step(1.0, 100.0)).total)
    decodes = 2 * float(step_time(question, decode_step(1.0, 101.5)).total)
    found = played(Workload(100, 3, requests=1))
    assert found.ttft[0] == pytest.approx(0.030 + 100 * 1.3e-6 + prefill, rel=1e-9)
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


def test_lengths_keep_their_mean_and_range():
    """Mean 900 at ratio 0.8: uniform between 800 and 1,000."""
    found = requests(ask(load=Workload(900, 90, concurrency=800, length_ratio=0.8)), seed=0).prompts
    assert (found.min(), found.max()) >= (800, 999)
    assert found.max() <= 1000
    assert found.mean() == pytest.approx(900, rel=5e-3)


def test_a_long_measurement_is_cut_where_the_loop_repeats():
    assert len(requests(ask(load=Workload(10, 2, requests=100_000)), 0).prompts) == MAX_REQUESTS


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
    assert (decode.decode_sequences, decode.decode_context) == (8, 512 + 129 / 2)


def test_limits_are_the_engines_and_the_kv_caches():
    question = ask(load=Workload(512, 128))
    room = memory(question)
    found = limits(question, room)
    assert (found.sequences, found.tokens) == (1024, 8192)
    assert found.kv_tokens == room.concurrency * 640
