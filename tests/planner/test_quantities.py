"""Units and bases."""

from __future__ import annotations

from planner.quantities import GIB, GIGA, HOUR, KIB, MIB, TERA, Basis, Source, weakest


def test_units():
    assert (KIB, MIB, GIB) == (1024, 1024**2, 1024**3)
    assert TERA / GIGA == 1000
    assert HOUR == 3600


def test_an_estimate_is_as_good_as_its_weakest_input():
    assert weakest(Basis.MEASURED, Basis.ASSUMED, Basis.CALIBRATED) is Basis.ASSUMED
    assert weakest(Basis.MEASURED) is Basis.MEASURED


def test_a_source_that_nobody_checked_is_assumed():
    assert Source("data sheet").basis is Basis.DATASHEET
    assert Source("hearsay", checked=False).basis is Basis.ASSUMED
