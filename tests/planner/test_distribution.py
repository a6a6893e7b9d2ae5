"""Means and percentiles, plain and weighted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.distribution import distribution, weighted_distribution

values = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=30)


def shown(found):
    return [found.p50, found.p90, found.p95, found.p99]


def test_plain_percentiles_are_numpys_and_leave_out_what_is_missing():
    column = np.array([5.0, 1.0, np.nan, 3.0, 2.0, 4.0])
    found = distribution(column)
    assert shown(found) == pytest.approx(list(np.nanpercentile(column, (50, 90, 95, 99))), rel=1e-12)
    assert found.mean == 3.0


def test_a_rare_long_gap_is_in_the_tail_alone():
    """98 gaps of 10 ms and 2 of 200 ms."""
    found = weighted_distribution(np.array([0.2, 0.01]), np.array([2.0, 98.0]))
    assert shown(found) == [0.01, 0.01, 0.01, 0.2]
    assert found.mean == pytest.approx(0.0138, rel=1e-12)


@given(st.lists(st.tuples(st.floats(1e-6, 1e3), st.integers(0, 9)), min_size=1, max_size=20))
def test_weights_are_as_good_as_repeating(rows):
    column, weights = (np.array(each, dtype=float) for each in zip(*rows, strict=True))
    if not weights.any():
        return
    spread = np.repeat(column, weights.astype(int))
    found = weighted_distribution(column, weights)
    wanted = np.percentile(spread, (50, 90, 95, 99), method="inverted_cdf")
    assert shown(found) == list(wanted)
    assert found.mean == pytest.approx(spread.mean())


@given(values)
def test_percentiles_rise_and_lie_inside(column):
    for found in (distribution(np.array(column)), weighted_distribution(np.array(column), np.ones(len(column)))):
        assert shown(found) == sorted(shown(found))
        assert min(column) * (1 - 1e-12) <= found.p50 <= found.p99 <= max(column) * (1 + 1e-12)
