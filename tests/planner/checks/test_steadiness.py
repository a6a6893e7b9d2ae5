"""Loads that were not steady, warm or served: queues, first requests, rates that were not reached."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tests.planner.checks.made import found, in_rows, point, reference, run, sent

OPEN = {"request_rate": 20.0, "prompt_tokens": 128.0, "output_tokens": 64.0}
OPEN_LOOP = {"request_rate": 10.0}


def test_the_t4_queue_grows():
    """TTFT of 50.7 s (p99) and 0.8 s (median) at 20 requests/s."""
    (one,) = in_rows(reference("t4_awq_load_tests"), "growing_queue")
    assert (one.measured, one.limit) == (pytest.approx(50.674), pytest.approx(0.803))
    assert one.ratio == pytest.approx(63.1, abs=0.1)
    assert "queue grows as long as the test lasts" in one.cause


def test_a_tail_in_a_closed_loop_is_no_growing_queue():
    tail = [point("ttft", 5.0, "p99", concurrency=8.0), point("ttft", 0.1, "median", concurrency=8.0)]
    assert not found(run(*tail), "growing_queue")


def test_requests_tell_a_queue_from_a_warm_up():
    start = np.arange(60) / 10
    growing = run(tables=sent(start, 0.1 + 0.5 * start, 1 + 0.5 * start), settings=OPEN_LOOP)
    (one,) = found(growing, "growing_queue")
    assert one.limit == pytest.approx(0.1 + 0.5 * 0.95)
    assert one.measured == pytest.approx(0.1 + 0.5 * 4.95)
    cold = np.full(60, 0.1)
    cold[0] = 5.0
    warming = {"tables": sent(start, cold, cold + 1), "settings": OPEN_LOOP}
    assert not found(run(**warming), "growing_queue")
    (first,) = found(run(**{**warming, "tables": sent(start, cold, cold + 1)}), "warm_up")
    assert (first.measured, first.limit) == (5.0, pytest.approx(0.1))


def test_a_ramp_is_meant_to_grow():
    start = np.arange(60) / 10
    made = run(tables=sent(start, 0.1 + 0.5 * start, 1 + start), settings={**OPEN_LOOP, "ramp_up_strategy": "linear"})
    assert not found(made, "growing_queue")


def test_a_first_burst_is_no_warm_up():
    """Eight at once, each waiting for the prompts before it: the first of them does not wait."""
    start = np.repeat(np.arange(6), 8) * 1.0
    ttft = np.concatenate([0.05 * np.arange(1, 9), np.full(40, 0.06)])
    closed = {"concurrency": 8.0}
    assert not found(run(tables=sent(start, ttft, ttft + 0.5), settings=closed), "warm_up")
    slow = np.concatenate([np.full(8, 2.0), np.full(40, 0.06)])
    (one,) = found(run(tables=sent(start, slow, slow + 0.5), settings=closed), "warm_up")
    assert one.ratio == pytest.approx(2.0 / 0.06)
    assert "Send 8 requests" in one.experiment


def test_the_first_round_is_what_was_sent_before_its_first_answer():
    start = np.concatenate([np.zeros(4), 3.0 + np.arange(16)])
    ttft = np.concatenate([[2.0, 2.1, 2.2, 0.1], np.full(16, 0.1)])
    assert not found(run(tables=sent(start, ttft, ttft + 0.5)), "warm_up"), "one of the first four was quick"
    assert found(run(tables=sent(start, np.maximum(ttft, np.where(start > 0, 0, 2)), ttft + 0.5)), "warm_up")


def test_latencies_alone_tell_a_warm_up_too():
    nothing = np.full(20, np.nan)
    late = np.concatenate([np.full(4, 2.5), np.full(16, 0.1)])
    made = run(tables=sent(np.arange(20.0), nothing, late), settings={"concurrency": 4.0})
    (one,) = found(made, "warm_up")
    assert one.ratio == pytest.approx(25)


def test_an_offered_rate_that_is_not_reached():
    """8,933 requests at 149/s take 60 s and the 3.7 s of the last one: 140/s, and 113 were served."""
    load = {"request_rate": 148.89, "prompt_tokens": 201.0, "output_tokens": 63.0}
    made = [point("request_throughput", 113.0, "total", **load), point("e2e", 3.7, **load)]
    (one,) = found(run(*made, settings={"requests": 8933.0}), "not_served")
    assert one.limit == pytest.approx(8933 / (8933 / 148.89 + 3.7))
    few = run(point("request_throughput", 6.03, "total", request_rate=8.0), settings={"requests": 40.0})
    assert not found(few, "not_served"), "40 arrivals scatter by a sixth"


def test_empty_slots_of_a_closed_loop():
    settings = {"concurrency": 16.0, "requests": 160.0, "request_rate": "inf", "effective_concurrency": 9.0}
    (one,) = found(run(settings=settings), "idle_client")
    assert (one.measured, one.limit) == (9.0, 16.0)
    assert not found(run(settings={**settings, "requests": 48.0}), "idle_client"), "filling and draining"
    assert not found(run(settings={**settings, "effective_concurrency": 15.0}), "idle_client")


def test_time_does_not_run_backwards():
    ttft = np.full(10, 0.5)
    latency = np.concatenate([np.full(8, 1.0), [0.4, -3.0]])
    (one,) = found(run(tables=sent(np.arange(10.0), ttft, latency)), "clock")
    assert (one.measured, one.limit) == (2.0, 10.0)


def test_columns_of_either_name_are_read():
    table = pa.Table.from_pydict({"sent_s": [0.0, 1.0], "ttft_s": [0.5, 0.5], "e2e_s": [1.0, 0.2]})
    (one,) = found(run(tables={"requests": table.to_reader()}), "clock")
    assert one.measured == 1.0
