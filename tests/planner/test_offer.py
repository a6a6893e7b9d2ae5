"""An option in words and columns."""

import pytest

from planner.demand import Candidate, demand
from planner.offer import deployment, row, sentence, setup
from planner.sizing import option
from tests.planner.demands import promised, wanted


@pytest.fixture(scope="module")
def one():
    return option(demand(wanted(60.0, slo=promised(headroom=0.2), counts=(2,))), Candidate("l40s", 2, scheme="fp8"))


def test_the_answer_in_one_sentence(one):
    told = sentence(one, promised().promises)
    assert told.startswith(
        f"{one.gpus} L40S PCIe in {one.replicas} replicas of 2, {one.per_month.value:,.0f} USD a month,"
    )
    assert "keep the promises with a chance of" in told
    assert "p95 TTFT" in told
    assert "ms (promised 50 ms). Basis: " in told


def test_a_missing_price_is_said(one):
    none = option(demand(wanted(gpus=("h200-nvl",))), Candidate("h200-nvl"))
    assert "no price known (on-demand rent of H200 NVL 141GB)" in sentence(none, ())
    assert "): p95 TTFT" in sentence(none, ())
    assert row(none)["usd_per_month"] == ""


def test_columns_have_units_and_agree_with_the_option(one):
    told = row(one)
    assert told["gpus"] == one.gpus == one.replicas * 2
    assert told["usd_per_month"] == pytest.approx(one.per_month.value, abs=0.01)
    assert told["tpot_p95_ms"] == pytest.approx(1000 * one.figures["tpot", 0.95].value, abs=0.001)
    assert told["energy_kwh_per_year"] == pytest.approx(told["power_kw"] * 8760, rel=1e-4)


def test_setup_names_what_differs():
    asked = demand(wanted())
    built = option(asked, Candidate("l40s", scheme="fp8", budget=4096.0, sequences=128.0))
    assert setup(built) == "fp8, token budget 4,096, batch limit 128"
    assert deployment(built) == f"{built.gpus} L40S PCIe"
