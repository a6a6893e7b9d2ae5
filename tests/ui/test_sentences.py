"""What a page says first: measured against predicted on Evidence, where the time goes on Explain."""

from dataclasses import replace

import pytest

from importers.reference import reference_runs
from planner.catalogue_models import known_model
from planner.overlay import compare
from tests.ui.test_pages import opened
from words.compared import compared_sentence, roof_sentence


def compared_of(name, metric="tpot"):
    """A reference run beside its prediction."""
    run = next(run for run in reference_runs() if name in run.source_name)
    return [one for one in compare(run, run.gpu, known_model(run.model)) if one.point.metric == metric]


def compared(*times):
    """Load tests whose TPOT is so many times what is predicted."""
    found = compared_of("load test b8,")[0]
    return [
        replace(found, point=replace(found.point, value=found.predicted * each, concurrency=float(at)))
        for at, each in enumerate(times, 1)
    ]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ((1.0,), ", 1 times the predicted **"),
        ((1.0,), "as expected, inside the 90 % interval."),
        ((9.0,), ": it lies above the 90 % interval."),
        ((0.1,), ": it lies below the 90 % interval."),
        ((1.0, 1.0, 9.0), "is **1 times** what was predicted, in the median of 3 loads (1–9): 2 of 3 inside the 90 %"),
        ((0.1, 1.0, 9.0), ": 1 of 3 inside the 90 % interval, 1 below and 1 above it."),
        ((9.0, 9.0), ": none of 2 inside the 90 % interval, 2 above it."),
        ((1.0,) * 9 + (9.0,), ": as expected, 9 of 10 inside the 90 % interval."),
        ((), "The planner predicts nothing"),
    ],
)
def test_measured_is_held_against_the_interval(times, said):
    assert said in compared_sentence(compared(*times))


def test_a_load_is_told_once_by_its_mean():
    """Most tools write mean and median of each load: those are no two loads."""
    median = compared_of("load test b8,")[0]
    mean = replace(median, point=replace(median.point, statistic="mean", value=median.predicted * 1.25))
    assert ", 1.25 times the predicted" in compared_sentence([median, mean])


@pytest.mark.parametrize(
    ("name", "metric", "said"),
    [
        ("load test high_b1,", "output_throughput", "**Throughput** is **36.7 tokens/s**, "),
        ("load test high_b1,", "request_throughput", " requests/s**, "),
        ("static analysis", "decode_arithmetic_intensity", "**Decode intensity** is **"),
        ("static analysis", "decode_arithmetic_intensity", ": no interval is known for it."),
    ],
)
def test_every_metric_that_is_predicted_is_told_in_its_unit(name, metric, said):
    assert said in compared_sentence(compared_of(name, metric))


def test_what_does_not_fit_is_told_and_not_called_unpredictable():
    refused = replace(compared_of("load test b8,")[0], estimate=None, refusal="does not fit on 1 x T4")
    assert compared_sentence([refused]).startswith("No prediction: as chosen here, this does not fit")


def test_kernels_are_held_against_the_roof():
    assert roof_sentence(0.5, 0.8) == (
        "The kernels that stand on the roof reach **50 %** of what it allows, **0.625 times** the predicted **80 %**."
    )
    assert roof_sentence(0.0, 0.8).startswith("None of these kernels stands on the roof")


@pytest.mark.parametrize(("page", "said"), [("evidence", "#### Demo: **"), ("explain", "times** its floor")])
def test_the_first_sentence_is_the_answer(page, said):
    assert said in opened(page).markdown[0].value
