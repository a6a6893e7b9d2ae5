"""Rented, reserved, bought, or somebody else's API: by hand."""

from dataclasses import replace

import pytest

from planner.break_even import against_api, ways
from planner.demand import Candidate, demand
from planner.entries import Price, Quote
from planner.money import Terms
from planner.quantities import KILOWATT_HOUR, MONTH, YEAR, Source
from planner.sizing import option
from tests.planner.demands import wanted

BOUGHT = {"h100-sxm": Price(purchase=Quote(30_000.0, Source("typed"), ""))}


@pytest.fixture(scope="module")
def one():
    return option(demand(wanted(5.0)), Candidate("h100-sxm"))


def test_ways_to_pay_by_hand(one):
    """One H100: 2.69 and 1.78 USD an hour; 30,000 USD over 4 years, free power and place: 625 a month."""
    terms = Terms(prices=BOUGHT, power_price=0.0, hosting=0.0)
    found = ways(demand(wanted(5.0, terms=terms)), one)
    months = {plan: paid.per_month for plan, paid in found.bills.items()}
    assert months == pytest.approx({"on_demand": 2.69 * 730, "reserved": 1.78 * 730, "buy": 30_000 / 48})
    assert found.payback["on_demand"] / MONTH == pytest.approx(30_000 / (2.69 * 730))
    assert found.payback["buy"] is None


def test_dear_power_never_pays_back(one):
    terms = Terms(prices=BOUGHT, power_price=10 / KILOWATT_HOUR, hosting=0.0)
    assert ways(demand(wanted(5.0, terms=terms)), one).payback["on_demand"] is None


def test_a_missing_price_has_no_payback(one):
    found = ways(demand(wanted(5.0)), one)
    assert found.bills["buy"].missing
    assert set(found.payback.values()) == {None}


def test_against_an_api_by_hand(one):
    """427 prompt tokens at 0.50 and 145 output tokens at 1.50 USD a million: 0.000431 USD a request; 5 a second."""
    asked = demand(wanted(5.0, terms=Terms(api_prompt=0.5e-6, api_output=1.5e-6)))
    found = against_api(asked, one)
    assert found.per_month == pytest.approx(0.000431 * 5 * MONTH)
    assert found.rate == pytest.approx(2.69 * 730 / (0.000431 * MONTH))
    assert found.carried
    assert against_api(demand(wanted(5.0)), one) is None


def test_a_cheap_api_is_beyond_what_the_option_carries(one):
    asked = demand(wanted(5.0, terms=Terms(api_prompt=1e-9, api_output=1e-9)))
    assert not against_api(asked, one).carried
    slow = replace(asked, traffic=replace(asked.traffic, profile=(1.0, 0.0)))
    assert against_api(slow, one).per_month == pytest.approx(against_api(asked, one).per_month / 2)
    assert against_api(asked, one).rate * YEAR > 0
