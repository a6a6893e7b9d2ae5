"""What a page says first: measured against predicted on Evidence, where the time goes on Explain."""

from dataclasses import replace

import pytest

from importers.reference import reference_runs
from planner.catalogue_models import known_model
from planner.overlay import compare
from tests.ui.test_pages import opened
from words.compared import compared_sentence, roof_sentence


def compared(*times):
    """A load test whose TPOT is so many times what is predicted."""
    run = next(run for run in reference_runs() if "load test b8," in run.source_name)
    found = [one for one in compare(run, run.gpu, known_model(run.model)) if one.point.metric == "tpot"][:1]
    return [replace(one, point=replace(one.point, value=one.predicted * each)) for one in found for each in times]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ((1.0,), ", 1 times the predicted **"),
        ((1.0,), "as expected, inside the 90 % interval."),
        ((9.0,), "it lies outside the 90 % interval, more than it allows."),
        ((0.1,), "it lies outside the 90 % interval, less than it allows."),
        ((1.0, 1.0, 9.0), "is **1 times** what was predicted, in the median of 3 values (1–9): 1 of 3 lie outside"),
        ((), "The planner predicts nothing"),
    ],
)
def test_measured_is_held_against_the_interval(times, said):
    assert said in compared_sentence(compared(*times))


def test_kernels_are_held_against_the_roof():
    assert roof_sentence(0.5, 0.8) == (
        "The kernels reach **50 %** of what the roof allows them, **0.625 times** the predicted **80 %**."
    )


@pytest.mark.parametrize(("page", "said"), [("evidence", "#### Demo: **"), ("explain", "times** its floor")])
def test_the_first_sentence_is_the_answer(page, said):
    assert said in opened(page).markdown[0].value
