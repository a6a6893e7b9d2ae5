"""The roofline: literals, and the laws of its two lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalogue import find_gpu
from planner.roofline import Bound, arithmetic_intensity, attainable, bound, ridge_point

rates = st.floats(1e9, 1e16)
intensities = st.floats(1e-3, 1e6)


@pytest.mark.parametrize(
    ("gpu", "number_format", "ridge"),
    [("t4", "fp16", 203), ("h200-sxm", "bf16", 206), ("h100-sxm", "bf16", 295), ("a100-pcie-80gb", "bf16", 161),
     ("l40s", "bf16", 419)],
)  # fmt: skip
def test_ridge_points_of_data_sheets(gpu, number_format, ridge):
    found = find_gpu(gpu)
    assert round(ridge_point(found.peak(number_format), found.bandwidth)) == ridge


def test_literals():
    assert ridge_point(989.4e12, 3.35e12) == pytest.approx(295.34328358208955, rel=1e-9)
    assert arithmetic_intensity(7.0, 2.0) == pytest.approx(3.5, rel=1e-9)
    assert attainable(100.0, 989.4e12, 3.35e12) == pytest.approx(335e12, rel=1e-9)
    assert attainable(1000.0, 989.4e12, 3.35e12) == pytest.approx(989.4e12, rel=1e-9)


@given(intensities, rates, rates)
def test_attainable_never_exceeds_either_roof(intensity, peak, bandwidth):
    assert attainable(intensity, peak, bandwidth) <= peak
    assert attainable(intensity, peak, bandwidth) <= intensity * bandwidth


@given(rates, rates)
def test_the_two_lines_meet_at_the_ridge(peak, bandwidth):
    ridge = ridge_point(peak, bandwidth)
    assert attainable(ridge, peak, bandwidth) == pytest.approx(peak, rel=1e-9)
    below, above = (attainable(ridge * factor, peak, bandwidth) for factor in (1 - 1e-9, 1 + 1e-9))
    assert above == pytest.approx(below, rel=1e-8)


@given(st.tuples(*[st.floats(0, 1)] * 4))
def test_bound_is_the_longest(times):
    assert times[Bound(int(bound(*times)))] == max(times)


def test_bound_broadcasts():
    found = bound(np.array([1.0, 3.0]), 2.0, 0.0, 0.0)
    assert [Bound(int(index)) for index in found] == [Bound.MEMORY, Bound.COMPUTE]
