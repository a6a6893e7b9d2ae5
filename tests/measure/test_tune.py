"""The search for the best batch: it finds it, in few runs, and stops."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.tune import WORTH_IT, best_batch, candidates, next_batch


def played(value, choices, predicted=None, more_is_better=True):
    """Runs the search against a function that stands in for the server; returns what was measured."""
    measured = {}
    while (batch := next_batch(choices, measured, predicted, more_is_better=more_is_better)) is not None:
        assert batch not in measured
        measured[batch] = value(batch)
    return measured


def rising(batch):
    """Throughput that saturates: a step of 10 ms, and 0.4 ms more for each sequence."""
    return batch / (0.010 + 0.0004 * batch)


def test_a_good_prediction_saves_runs():
    choices = candidates(1, 256)
    found = played(rising, choices, {batch: 1.1 * rising(batch) for batch in choices})
    assert best_batch(found) >= 240
    assert len(found) <= 4 < len(choices)


def test_a_peak_in_the_middle_is_found_without_a_prediction():
    def peak(batch):
        return 100 * math.exp(-(math.log2(batch / 12) ** 2) / 4)

    found = played(peak, candidates(1, 64))
    assert peak(best_batch(found)) >= peak(12) * (1 - 2 * WORTH_IT)
    assert len(found) < len(candidates(1, 64))


def test_less_is_better_for_latency():
    found = played(lambda batch: 10 + batch, candidates(1, 16), more_is_better=False)
    assert best_batch(found, more_is_better=False) == 1


def test_of_batches_that_are_as_good_the_smallest_is_taken():
    assert best_batch({1: 50.0, 8: 99.0, 16: 100.0}) == 8


@given(st.integers(1, 300), st.integers(0, 700))
def test_candidates_rise_from_start_to_end(start, more):
    found = candidates(start, start + more)
    assert found[0] == start
    assert found[-1] == start + more
    assert list(found) == sorted(set(found))


@given(st.lists(st.floats(0.1, 1e4), min_size=16, max_size=16))
def test_it_always_ends_with_the_best_of_what_was_measured(values):
    found = played(lambda batch: values[batch - 1], candidates(1, 16))
    assert found[best_batch(found)] >= max(found.values()) * (1 - 2 * WORTH_IT)


def test_one_choice_is_one_run():
    assert played(rising, candidates(4, 4)) == {4: pytest.approx(rising(4))}
