"""Money by hand: rent, purchase, tokens, energy, break-even; and what is missing stays missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalogue import find_gpu
from planner.entries import Price, Quote
from planner.errors import InvalidWorkload
from planner.money import Terms, api_break_even, bill, check_terms, payback, per_million_tokens
from planner.quantities import HOUR, KILOWATT_HOUR, MONTH, YEAR, Source
from planner.traffic import Traffic

H100 = find_gpu("h100-sxm")


def typed(**values):
    source = Source("typed")
    return {"h100-sxm": Price(**{name: Quote(value, source, "") for name, value in values.items()})}


def test_rent_by_hand():
    """Eight H100 at 2.69 USD an hour: 21.52 an hour, 15,709.60 a month of 730 hours, 188,515.20 a year."""
    found = bill(H100, 8, 0.5, Terms())
    assert found.per_second * HOUR == pytest.approx(21.52, rel=1e-9)
    assert found.per_month == pytest.approx(15_709.60, rel=1e-9)
    assert found.per_year == pytest.approx(188_515.20, rel=1e-9)
    assert found.upfront == 0
    assert "Runpod" in found.sources[0]


def test_reserved_rent_is_another_price():
    assert bill(H100, 1, 0.5, Terms(plan="reserved")).per_second * HOUR == pytest.approx(1.78, rel=1e-9)


def test_a_typed_price_wins():
    found = bill(H100, 1, 0.5, Terms(prices=typed(on_demand=5 / HOUR)))
    assert found.per_second * HOUR == pytest.approx(5, rel=1e-9)
    assert found.sources == ("typed",)


def test_purchase_by_hand():
    """8 x 30,000 USD over 4 years: 5,000 a month. Power: 8 x 1,370 W x (0.3 + 0.7 x 0.5) x 1.5 = 10,686 W at 0.10
    USD/kWh: 780.078 a month. Place: 8 x 1.37 kW x 150 USD: 1,644 a month."""
    terms = Terms(
        plan="buy",
        prices=typed(purchase=30_000.0),
        pue=1.5,
        power_price=0.10 / KILOWATT_HOUR,
        hosting=150 / (1000 * MONTH),
    )
    found = bill(H100, 8, 0.5, terms)
    assert found.power == pytest.approx(10_686, rel=1e-9)
    assert found.per_month == pytest.approx(5_000 + 780.078 + 1_644, rel=1e-9)
    assert found.upfront == 240_000
    assert found.co2 * YEAR == pytest.approx(10.686 * 8760 * 0.450, rel=1e-9)


def test_missing_prices_are_named_and_not_zero():
    found = bill(H100, 8, 0.5, Terms(plan="buy"))
    assert found.per_second is None
    assert found.per_month is None
    assert found.missing == ("purchase price of H100 SXM5 80GB", "hosting")
    assert bill(find_gpu("t4"), 1, 0.5, Terms()).missing == ("on-demand rent of T4 PCIe",)


def test_a_hosting_price_of_zero_is_told_and_not_missing():
    terms = Terms(plan="buy", prices=typed(purchase=30_000.0), hosting=0.0)
    assert bill(H100, 1, 0.5, terms).missing == ()


def test_utilisation_of_the_terms_wins_over_the_load():
    full, half = (bill(H100, 1, 0.1, Terms(utilisation=used, pue=1.0)).power for used in (1.0, 0.5))
    assert full == pytest.approx(1370)
    assert half == pytest.approx(1370 * 0.65)


@given(st.floats(0.01, 1), st.floats(1e-3, 100), st.floats(1, 1e5), st.floats(1, 1e5), st.floats(0, 1))
def test_tokens_pay_the_whole_bill(cost, rate, prompt, output, share):
    asked = Traffic(rate, prompt, output)
    each = per_million_tokens(cost, asked, share)
    paid = (each[0] * prompt + each[1] * output) * rate / 1e6
    assert paid == pytest.approx(cost, rel=1e-9)


def test_payback_by_hand():
    """240,000 USD, 2,424.078 a month to run, 15,709.60 to rent: 18.064 months."""
    found = payback(240_000, 2_424.078 / MONTH, 15_709.60 / MONTH)
    assert found / MONTH == pytest.approx(240_000 / 13_285.522, rel=1e-9)
    assert payback(1.0, 2.0, 2.0) is None


def test_api_break_even_by_hand():
    """15,709.60 USD a month against 1,000 prompt tokens at 0.50 and 200 output tokens at 1.50 USD a million: 0.0008 USD
    a request, so 19,637,000 requests a month, 7.472 a second."""
    found = api_break_even(15_709.60 / MONTH, Traffic(1.0, 1000, 200), 0.5e-6, 1.5e-6)
    assert found * MONTH == pytest.approx(19_637_000, rel=1e-9)
    assert api_break_even(1.0, Traffic(1.0, 1000, 200), 0.0, 0.0) is None


@pytest.mark.parametrize(
    "terms", [Terms(plan="steal"), Terms(years=0), Terms(utilisation=1.5), Terms(pue=0.5), Terms(hosting=-1.0)]
)
def test_terms_that_no_contract_has_are_refused(terms):
    with pytest.raises(InvalidWorkload):
        check_terms(terms)
