"""Prices: of known GPUs, with date and source, in the right unit; what nobody told stays missing."""

import pytest

from planner.catalogue import find_gpu
from planner.errors import BadRow
from planner.prices import SERVER_POWER, UNKNOWN, price, price_book, read_price, server_power, terms_book

SOURCES = {"survey": {"date": "2026-07", "text": "a survey"}}


def test_every_price_has_a_source_and_a_date():
    for known in price_book().values():
        quotes = [quote for quote in (known.on_demand, known.reserved, known.purchase, known.all_in_power) if quote]
        assert quotes
        assert all(quote.value > 0 and quote.source.text and quote.date for quote in quotes)
    assert all(quote.source.text and quote.date for quote in terms_book().values())


def test_units_are_converted_once():
    """An H100 at 2.69 USD an hour; 0.11 USD and 450 g for 3.6 MJ."""
    assert price(find_gpu("h100-sxm")).on_demand.value == pytest.approx(2.69 / 3600, rel=1e-9)
    assert price(find_gpu("h100-sxm")).reserved.years == 3
    assert terms_book()["power_usd_per_kwh"].value == pytest.approx(0.11 / 3.6e6, rel=1e-9)
    assert terms_book()["co2_g_per_kwh"].value == pytest.approx(0.450 / 3.6e6, rel=1e-9)


def test_what_nobody_told_is_missing():
    assert price(find_gpu("v100-sxm")) is UNKNOWN
    assert price(find_gpu("b300")).on_demand is None
    assert all(known.purchase is None for known in price_book().values())


def test_power_of_a_server_is_told_or_assumed():
    assert server_power(find_gpu("h100-sxm")).value == 1370
    assumed = server_power(find_gpu("t4"))
    assert assumed.value == pytest.approx(70 * SERVER_POWER)
    assert not assumed.source.checked


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"gpu": "h1000", "purchase_usd": {"value": 1, "source": "survey"}}, "no such GPU"),
        ({"gpu": "t4", "rent": {"value": 1, "source": "survey"}}, "rent"),
        ({"gpu": "t4", "purchase_usd": {"value": 0, "source": "survey"}}, "positive"),
        ({"gpu": "t4", "purchase_usd": {"value": float("nan"), "source": "survey"}}, "positive"),
        ({"gpu": "t4", "purchase_usd": {"value": "1", "source": "survey"}}, "positive"),
        ({"gpu": "t4", "purchase_usd": {"value": 1}}, "no source"),
    ],
)
def test_a_bad_row_is_refused_by_name(row, word):
    with pytest.raises(BadRow, match=word):
        read_price(row, SOURCES)
