"""Numbers of one load that must agree with each other: the T4 study's rates, Little's law, sums, percentiles."""

from __future__ import annotations

import pytest

from planner.measured import Severity
from tests.planner.checks.made import found, in_rows, point, reference, run

LOAD = {"concurrency": 8.0, "prompt_tokens": 128.0, "output_tokens": 101.0}


def test_tokens_of_a_request_in_the_t4_study():
    """20.26 requests/s and 173.6 tokens/s: 8.57 tokens a request, and 1.15 at 19.35 and 22.2."""
    by_run = {one.subject: one for one in in_rows(reference("t4_awq_load_tests"), "token_accounting")}
    first, b1 = by_run["T4, run first, 20 requests/s"], by_run["T4, run b1, 20 requests/s"]
    assert first.measured == pytest.approx(173.6 / 20.26)
    assert round(first.measured, 1) == 8.6
    assert first.limit == pytest.approx(1 + (33.848 - 0.803) / 0.279)
    assert first.severity is Severity.ERROR
    assert round(b1.measured, 2) == 1.15
    assert "a TPOT of 27.2 ms needs at least two" in b1.sentence
    assert "requests sent (19.35 of 20 asked for), not completed" in b1.cause


def test_less_than_one_token_a_request_is_impossible():
    """47.33 requests/s and 36.7 tokens/s."""
    found_ = in_rows(reference("t4_awq_load_tests"), "token_accounting")
    (one,) = [one for one in found_ if "high_b1" in one.subject]
    assert (one.severity, round(one.measured, 3), one.limit) == (Severity.ERROR, 0.775, 1.0)


def test_the_same_load_has_the_same_output():
    (one,) = [one for one in in_rows(reference("t4_awq_load_tests"), "token_accounting") if "b8" in one.subject]
    assert (round(one.measured, 2), round(one.limit, 2)) == (5.15, 8.57)


def test_tokens_that_the_load_tells_must_come_out():
    rates = [point("request_throughput", 2.0, "total", **LOAD), point("output_throughput", 150.0, "total", **LOAD)]
    (one,) = found(run(*rates), "token_accounting")
    assert (one.severity, one.measured, one.limit) == (Severity.WARNING, 75.0, 101.0)
    (grave,) = found(run(rates[0], point("output_throughput", 20.0, "total", **LOAD)), "token_accounting")
    assert grave.severity is Severity.ERROR
    assert not found(run(rates[0], point("output_throughput", 202.0, "total", **LOAD)), "token_accounting")


def test_more_in_flight_than_the_client_allows():
    made = [point("request_throughput", 5.0, "total", **LOAD), point("e2e", 2.0, **LOAD)]
    (one,) = found(run(*made), "littles_law")
    assert (one.severity, one.measured, one.limit) == (Severity.ERROR, 10.0, 8.0)
    assert not found(run(made[0], point("e2e", 1.6, **LOAD)), "littles_law")


def test_what_slots_do_not_serve_waits():
    """T4, one slot: 19.35 requests/s that wait 15.5 s are 300 in flight."""
    (one,) = [one for one in in_rows(reference("t4_awq_load_tests"), "littles_law") if "run b1" in one.subject]
    assert one.measured == pytest.approx(19.35 * 15.505)
    assert one.limit == 1
    assert "299 wait" in one.sentence


def test_more_decoding_than_slots():
    made = [point("output_throughput", 1000.0, "total", **LOAD), point("tpot", 0.01, **LOAD)]
    (one,) = found(run(*made), "busy_slots")
    assert (one.measured, one.limit) == (10.0, 8.0)
    assert not found(run(made[0], point("tpot", 0.008, **LOAD)), "busy_slots")


def latencies(ttft, tpot, e2e):
    return run(point("ttft", ttft, **LOAD), point("tpot", tpot, **LOAD), point("e2e", e2e, **LOAD))


def test_latencies_add_up():
    assert not found(latencies(0.1, 0.01, 1.1), "latency_sum")
    assert not found(latencies(0.1, 0.01, 1.2), "latency_sum"), "lengths scatter"
    (one,) = found(latencies(0.1, 0.005, 1.1), "latency_sum")
    assert (one.measured, one.limit) == (pytest.approx(0.6), 1.1)
    assert "2 gaps of that length" in one.cause
    assert "10 ms here" in one.experiment


def test_a_tpot_that_includes_the_first_token_is_recognized():
    """GuideLLM: 2.02 s over 101 tokens are 20 ms, although 1 s of it was the first token."""
    (one,) = found(latencies(1.0, 0.02, 2.02), "latency_sum")
    assert "GuideLLM" in one.cause
    assert "10.2 ms here" in one.experiment


def test_percentiles_rise():
    rising = [point("ttft", value, name) for name, value in (("median", 1.0), ("p90", 2.0), ("p99", 3.0), ("max", 3.0))]
    assert not found(run(*rising), "percentile_order")
    (one,) = found(run(*rising, point("ttft", 0.5, "p95")), "percentile_order")
    assert one.sentence == "ttft: p95 is 0.5, below p90 of 2."
    assert found(run(point("tpot", 2.0, "min"), point("tpot", 1.0, "p1")), "percentile_order")


def test_rounded_percentiles_are_in_order():
    assert not found(run(point("e2e", 0.43, "p99.99"), point("e2e", 0.429, "max")), "percentile_order")


def test_latencies_medians_do_not_outvote_the_load():
    """InferenceX, MiniMax-M2.5: 90.12 tokens/s over 0.7041 requests/s are the 128 asked for, its medians or not."""
    load = {"concurrency": 16.0, "prompt_tokens": 28672.0, "output_tokens": 128.0}
    rates = [point("request_throughput", 0.7041, "total", **load), point("output_throughput", 90.12, "total", **load)]
    medians = {"ttft": 10.0, "tpot": 0.2, "e2e": 22.0}
    assert not found(
        run(*rates, *(point(name, value, "median", **load) for name, value in medians.items())), "token_accounting"
    )


def test_means_have_no_rank():
    assert not found(run(point("ttft", 9.0), point("ttft", 1.0, "p99"), point("ttft", 5.0, "std")), "percentile_order")
