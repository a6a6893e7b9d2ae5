"""Promises: what is promised, what is nearest to breaking, how many replicas keep it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InvalidWorkload
from planner.slo import Promise, Slo, quantiles, slo, tightest


def test_n_plus_one_by_hand():
    """30 a second over replicas of 10, a fifth kept free: 3.75, so 4, and one that may fail."""
    assert Slo(headroom=0.2).replicas(30, 10) == 4
    assert Slo(headroom=0.2, spare=1).replicas(30, 10) == 5
    assert Slo().replicas(30, 10) == 3
    assert Slo().replicas(0.1, 10) == 1


@given(st.floats(0.01, 1e4), st.floats(0.01, 1e4), st.floats(0.01, 1e3), st.floats(0, 0.9))
def test_more_load_never_needs_fewer_replicas(less, more, capacity, headroom):
    promised = Slo(headroom=headroom)
    low, high = sorted((less, more))
    assert promised.replicas(low, capacity) <= promised.replicas(high, capacity)


def test_quantiles_leave_out_what_has_none():
    found = quantiles({"tpot": np.array([0.1, np.nan, 0.3])})
    assert found["tpot", 0.5] == pytest.approx(0.2)
    assert quantiles({"tpot": np.array([np.nan])})["tpot", 0.99] == 0


def test_the_tightest_promise():
    promises = (Promise("ttft", 0.95, 2.0), Promise("tpot", 0.5, 0.05))
    promise, share = tightest(promises, {("ttft", 0.95): 1.0, ("tpot", 0.5): 0.06})
    assert promise.label == "p50 TPOT"
    assert share == pytest.approx(1.2)
    assert tightest((), {}) == (None, 0.0)


@pytest.mark.parametrize(
    "promises", [(Promise("itl", 0.5, 1.0),), (Promise("ttft", 0.9, 1.0),), (Promise("ttft", 0.5, 0.0),)]
)
def test_bad_promises_are_refused(promises):
    with pytest.raises(InvalidWorkload):
        slo(promises)


@pytest.mark.parametrize(("spare", "headroom"), [(-1, 0), (0, 1), (0, -0.1)])
def test_bad_reserves_are_refused(spare, headroom):
    with pytest.raises(InvalidWorkload):
        slo((), spare, headroom)
