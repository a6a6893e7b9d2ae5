"""The buyer's question as text: every column does what it says, in its unit, or is refused by name."""

import pytest

from planner.asking import DEFAULTS, INPUTS, asked_for, cells_of, typed_prices
from planner.catalogue import gpus
from planner.errors import PlannerError
from planner.presets import presets
from planner.quantities import HOUR, KILOWATT_HOUR, MONTH
from planner.recorded import recorded
from tests.planner.questions import LLAMA_8B


def asked(**cells):
    return asked_for({"model": LLAMA_8B, **cells})


def test_empty_cells_mean_the_defaults():
    found = asked()
    assert set(DEFAULTS) < set(INPUTS)
    assert found.traffic.rate == 20
    assert found.slo.promises == ()
    assert found.slo.headroom == 0.2
    assert found.gpus == tuple(gpus())


def test_units_are_those_of_the_keys():
    found = asked(
        slo_ttft_p95_ms="800", slo_e2e_p99_ms="60000", power_usd_per_kwh="0.2", hosting_usd_per_kw_month="150",
        api_usd_per_million_output_tokens="2", pool_link_gb_s="25", drafted_tokens="3", adapters="4", years_ahead="2",
    )  # fmt: skip
    assert {promise.label: promise.limit for promise in found.slo.promises} == {"p95 TTFT": 0.8, "p99 end to end": 60}
    assert found.terms.power_price == pytest.approx(0.2 / KILOWATT_HOUR)
    assert found.terms.hosting == pytest.approx(150 / (1000 * MONTH))
    assert found.terms.api_output == pytest.approx(2e-6)
    assert found.techniques.pool_link == 25e9
    assert found.techniques.speculation.drafted == 3
    assert found.techniques.adapters.count == 4
    assert found.traffic.years == 2


def test_typed_prices():
    found = typed_prices("H100 on_demand 2.5, b200 purchase 40000, h100-sxm reserved 2")
    assert found["h100-sxm"].on_demand.value == pytest.approx(2.5 / HOUR)
    assert found["h100-sxm"].reserved.value == pytest.approx(2 / HOUR)
    assert found["b200"].purchase.value == 40_000
    assert found["b200"].on_demand is None


def test_profiles_by_name_and_by_hand():
    assert len(asked(profile="office").traffic.profile) == 24
    assert asked(profile="0.5, 1").traffic.profile == (0.5, 1.0)


def test_presets_become_cells_and_back():
    preset = presets()["Agents"]
    assert asked(**cells_of(preset.traffic, preset.profile)).traffic == preset.traffic


def test_a_recording_gives_lengths_and_where_it_is_silent_rate_and_day():
    """Three hours of 360, 720 and 180 requests: 0.2 a second in the busiest."""
    times = [hour * HOUR + at * HOUR / count for hour, count in enumerate((360, 720, 180)) for at in range(count)]
    real = recorded([300] * 1260, [30] * 1260, [*times[:-1], 3 * HOUR])
    found = asked_for({"model": LLAMA_8B}, recording=real)
    assert found.traffic.rate == pytest.approx(0.2)
    assert found.traffic.profile == pytest.approx((0.5, 1.0, 179 / 720))
    assert found.traffic.prompt_tokens == 300
    assert asked_for({"model": LLAMA_8B, "request_rate": "7"}, recording=real).traffic.rate == 7


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("request_rate", "many"), ("request_rate", "0"), ("gpus", "h1000"), ("gpus_per_replica", "1.5"),
        ("gpus_per_replica", "64"), ("pay", "steal"), ("profile", "sometimes"), ("profile", "0,0"), ("headroom", "1"),
        ("prices_usd", "h100-sxm 2.5"), ("prices_usd", "h100-sxm on_demand -1"), ("prices_usd", "on_demand 2"),
        ("slo_ttft_p95_ms", "-1"), ("pools", "maybe"), ("drafter", "no/model"), ("acceptance", "x"), ("model", ""),
        ("api_usd_per_million_output_tokens", "-1"), ("drafted_tokens", "99"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(column, text):
    with pytest.raises(PlannerError):
        asked(**{"drafted_tokens": "2", column: text})
