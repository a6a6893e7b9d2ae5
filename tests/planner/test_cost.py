"""Rent."""

from __future__ import annotations

import pytest

from planner.catalogue import find_gpu, gpus
from planner.cost import rent
from planner.prices import price


def test_literal():
    """Two A10 at 1.29 USD an hour and 100 tokens a second: 10,000 s, 7.1667 USD a million."""
    found = rent(find_gpu("a10"), 2, 100.0)
    assert found.per_hour == pytest.approx(2.58, rel=1e-9)
    assert found.per_million_output_tokens == pytest.approx(2.58 / 3600 * 10_000, rel=1e-9)
    assert found.source.text


def test_an_unknown_price_is_missing_and_not_zero():
    unpriced = [gpu for gpu in gpus().values() if price(gpu).on_demand is None]
    assert unpriced
    assert all(rent(gpu, 1, 100.0) is None for gpu in unpriced)
