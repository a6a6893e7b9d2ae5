"""Traffic: its peak and mean, its lengths, its presets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InvalidWorkload
from planner.presets import presets, profiles
from planner.recorded import recorded
from planner.traffic import Traffic, lengths, traffic


def test_peak_grows_and_mean_follows_the_day():
    """2 requests a second, half as many again each year for 2 years: 4.5; half the day idle: 2.25 in the mean."""
    asked = traffic(Traffic(2.0, 100, 10, growth=0.5, years=2, profile=(1.0, 0.0)))
    assert asked.peak == pytest.approx(4.5)
    assert asked.mean_rate == pytest.approx(2.25)


@settings(deadline=None, max_examples=25)
@given(st.floats(20, 10_000), st.floats(0, 2), st.integers(50, 1000), st.integers(0, 5))
def test_lengths_keep_their_mean_and_their_seed(mean, spread, count, seed):
    asked = traffic(Traffic(1.0, mean, mean, spread=spread))
    prompts, outputs = lengths(asked, count, seed)
    assert prompts.mean() == pytest.approx(mean, rel=0.03)
    assert (prompts >= 1).all()
    assert (prompts == lengths(asked, count, seed)[0]).all()
    assert len(prompts) == len(outputs) == count


def test_spread_is_standard_deviation_over_mean():
    prompts, _ = lengths(traffic(Traffic(1.0, 1000, 10, spread=0.5)), 20_000, 0)
    assert prompts.std() / prompts.mean() == pytest.approx(0.5, rel=0.04)


def test_prompts_and_outputs_are_not_sorted_alike():
    prompts, outputs = lengths(traffic(Traffic(1.0, 1000, 1000, spread=1)), 1000, 0)
    assert abs(np.corrcoef(prompts, outputs)[0, 1]) < 0.15


def test_recorded_pairs_stay_together_and_give_the_means():
    real = recorded([100, 200, 300], [10, 20, 30])
    asked = traffic(Traffic(1.0, 1, 1, recorded=real))
    assert (asked.prompt_tokens, asked.output_tokens) == (200, 20)
    prompts, outputs = lengths(asked, 300, 0)
    assert (prompts == 10 * outputs).all()
    assert prompts.mean() == pytest.approx(200)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (Traffic(0, 100, 10), "rate"),
        (Traffic(float("nan"), 100, 10), "rate"),
        (Traffic(1, 0, 10), "prompt_tokens"),
        (Traffic(1, 100, 10, prefix_share=1.5), "prefix_share"),
        (Traffic(1, 100, 10, profile=(0.0, 0.0)), "zero in every hour"),
        (Traffic(1, 100, 10, profile=(1.0, -1.0)), "hour 1"),
        (Traffic(1, 100, 10, years=100), "years"),
        (Traffic(10, 100, 10, growth=50, years=20), "busiest hour"),
    ],
)
def test_bad_traffic_is_refused_by_name(asked, word):
    with pytest.raises(InvalidWorkload, match=word):
        traffic(asked)


def test_presets_show_their_numbers_and_sources():
    assert presets()["Chat, medium"].traffic.rate == 20
    assert presets()["Chat, high"].traffic.rate == 50
    assert all(preset.source.text and preset.profile in profiles() for preset in presets().values())
    assert presets()["RAG"].basis.label == "assumed"
