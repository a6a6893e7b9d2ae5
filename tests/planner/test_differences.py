"""Two runs: a difference with its uncertainty, settings and kernel classes that changed."""

import numpy as np
import pytest

from planner.differences import FEWEST, Verdict, class_changes, difference, settings_that_differ
from planner.errors import TooFewPoints
from planner.measured import KernelSample, Run


def noisy(mean, count=400, seed=0, correlation=0.0):
    """Values with a spread of 10 %; `correlation` of each with the one before."""
    random = np.random.default_rng(seed)
    noise = random.normal(0, 0.1, count)
    for place in range(1, count):
        noise[place] = correlation * noise[place - 1] + np.sqrt(1 - correlation**2) * noise[place]
    return mean * (1 + noise)


def test_a_clear_difference_is_told():
    found = difference(noisy(1.0), noisy(0.8, seed=1))
    assert found.verdict is Verdict.SMALLER
    assert found.low < 0.8 < found.high


def test_the_same_sample_twice_is_the_same():
    values = np.full(100, 2.0)
    assert difference(values, values).verdict is Verdict.SAME


def test_few_noisy_values_cannot_tell():
    assert difference(noisy(1.0, 25), noisy(1.01, 25, seed=1)).verdict is Verdict.UNKNOWN


def test_too_few_values_are_refused():
    with pytest.raises(TooFewPoints, match=str(FEWEST)):
        difference([1.0] * (FEWEST - 1), [1.0] * FEWEST)


def test_ninety_in_a_hundred_intervals_hold_the_truth_also_where_neighbours_are_alike():
    inside = 0
    for seed in range(100):
        sides = (noisy(1.0, 1000, 2 * seed, 0.5), noisy(1.0, 1000, 2 * seed + 1, 0.5))
        found = difference(*sides, seed=seed)
        inside += found.low <= 1 <= found.high
    assert 80 <= inside <= 97


def test_values_that_are_missing_are_left_out():
    values = [1.0, float("nan")] * 40
    assert difference(values, values).before == 1.0


def test_identical_answers_for_a_seed():
    assert difference(noisy(1.0), noisy(1.1), seed=3) == difference(noisy(1.0), noisy(1.1), seed=3)


def run(**settings):
    return Run("tool", "1", "a.json", "0" * 64, gpu="t4", settings=settings)


def test_settings_that_differ_are_named_with_both_values():
    assert settings_that_differ(run(max_num_seqs=1.0, seed="0"), run(max_num_seqs=8.0, seed="0", eager="true")) == (
        ("eager", None, "true"),
        ("max_num_seqs", 1.0, 8.0),
    )


def test_what_came_of_a_run_is_no_setting():
    assert settings_that_differ(run(effective_concurrency=0.9), run(effective_concurrency=0.8)) == ()


def test_classes_that_grew_come_first():
    one = [KernelSample("a", "gemm", 0, 2, 4.0), KernelSample("b", "norm", 0, 2, 1.0)]
    other = [KernelSample("a", "gemm", 0, 2, 4.5), KernelSample("c", "attention", 0, 1, 3.0)]
    changes = class_changes(one, other)
    assert [(change.kind, change.before, change.after) for change in changes] == [
        ("attention", 0.0, 3.0),
        ("norm", 1.0, 0.0),
        ("gemm", 4.0, 4.5),
    ]
    assert class_changes(one, other, (2.0, 1.0))[0].kind == "attention"
