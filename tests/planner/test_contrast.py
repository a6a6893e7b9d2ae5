"""Figures side by side: an interval of the ratio by hand, words that follow from it, and what a side must not know."""

import math

import pytest

from planner.contrast import METRICS, Known, contrast, of_estimate, of_load, settings
from planner.estimate import estimate
from planner.loads import Load
from planner.measured import MeasuredPoint, Run
from planner.predict import question
from planner.quantities import Basis
from planner.side_by_side import Word


def known(value, low, high):
    return Known(value, low, high, Basis.CALIBRATED)


def asked(**cells):
    return question({"gpu": "h100-sxm", "model": "meta-llama/Llama-3.1-8B-Instruct", **cells})


def test_the_interval_of_a_ratio_by_hand():
    found = contrast("tpot", known(2.0, 1.0, 2.0 * math.e), known(1.0, 0.5, math.e**0.75))
    assert found.ratio == 0.5
    assert found.high == pytest.approx(0.5 * math.exp(math.hypot(0.75, math.log(2))), rel=1e-12)
    assert found.low == pytest.approx(0.5 * math.exp(-math.hypot(math.log(2), 1.0)), rel=1e-12)
    assert found.word is Word.UNKNOWN


@pytest.mark.parametrize(
    ("metric", "second", "word"),
    [
        ("tpot", known(0.5, 0.45, 0.55), Word.FASTER),
        ("tpot", known(2.0, 1.9, 2.1), Word.SLOWER),
        ("output_throughput", known(2.0, 1.9, 2.1), Word.FASTER),
        ("output_throughput", known(0.5, 0.45, 0.55), Word.SLOWER),
        ("cost", known(0.5, 0.45, 0.55), Word.FASTER),
        ("tpot", known(1.05, 0.95, 1.15), Word.UNKNOWN),
        ("tpot", known(1.0, 0.999, 1.001), Word.SAME),
        ("tpot", known(2.0, None, None), Word.NO_INTERVAL),
        ("tpot", known(0.5, 0.0, 0.55), Word.FASTER),
        ("output_throughput", known(2.0, 0.0, 2.1), Word.UNKNOWN),
    ],
)
def test_words_follow_from_the_interval(metric, second, word):
    assert contrast(metric, known(1.0, 0.999, 1.001), second).word is word


def test_both_ways_round_say_the_same():
    one, other = known(1.0, 0.9, 1.2), known(1.7, 1.5, 2.5)
    there, back = contrast("tpot", one, other), contrast("tpot", other, one)
    assert there.low * back.high == pytest.approx(1, rel=1e-12)
    assert {there.word, back.word} == {Word.FASTER, Word.SLOWER}


def test_an_estimate_gives_every_figure_and_its_own_intervals():
    found = estimate(asked())
    said = of_estimate(found)
    assert tuple(said) == METRICS
    assert said["cost"].low * found.throughput_high == pytest.approx(
        said["cost"].value * found.output_tokens_per_second
    )
    assert "tpot" not in of_estimate(estimate(asked(output_tokens="1")))


def test_a_twice_as_fast_gpu_is_faster_and_a_sister_cannot_be_told():
    first, fast, near = (
        of_estimate(estimate(asked(**more))) for more in ({}, {"gpu": "b200"}, {"output_tokens": "130"})
    )
    assert contrast("tpot", first["tpot"], fast["tpot"]).word is Word.FASTER
    assert contrast("tpot", first["tpot"], near["tpot"]).word is Word.UNKNOWN


def test_a_load_without_requests_has_values_without_intervals():
    run = Run(
        "vllm", "1", "x", "0" * 64, points=(MeasuredPoint("tpot", "mean", 0.01), MeasuredPoint("ttft", "p99", 1.0))
    )
    assert of_load(Load(run, None)) == {"tpot": Known(0.01, None, None, Basis.MEASURED)}


def test_settings_have_vllms_defaults_filled_in():
    said = settings(asked(concurrency="8"))
    assert (said["concurrency"], said["max_num_seqs"], said["quantization"]) == ("8", "1024", "bf16")
