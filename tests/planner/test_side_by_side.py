"""B against A: verdicts with an interval from requests, without from reported means, promises from the planner."""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalogue_models import find_model
from planner.estimate import estimate
from planner.loads import Load, Sample
from planner.measured import MeasuredPoint, Run
from planner.overlay import scenario_of
from planner.side_by_side import Change, Word, answer, changes, leading, side
from tests.planner.questions import LLAMA_8B

EMPTY = np.zeros(0)


def load(points=(), settings=None, ttft=None, tpot=None):
    run = Run("t", "1", "t", "0" * 64, points=tuple(points), settings=settings or {})
    if ttft is None:
        return Load(run, None)
    tpot = np.full(len(ttft), np.nan) if tpot is None else tpot
    return Load(run, Sample(np.arange(len(ttft), dtype=float), ttft, tpot, EMPTY, EMPTY, EMPTY))


def drawn(scale, seed, count=300):
    return scale * np.random.default_rng(seed).gamma(20, 0.05, count)


def compared(a, b):
    return changes(side(a, None, None), side(b, None, None))


def test_a_real_difference_is_seen_and_bounded():
    found = compared(load(ttft=drawn(1.0, 0)), load(ttft=drawn(0.75, 1)))
    first = leading(found)
    assert (first.metric, first.statistic, first.word) == ("ttft", "median", Word.FASTER)
    assert first.low < 0.75 < first.high
    assert answer(found) is Word.FASTER
    assert answer(compared(load(ttft=drawn(0.75, 0)), load(ttft=drawn(1.0, 1)))) is Word.SLOWER


def test_no_difference_is_the_same_or_unknown_never_faster():
    words = [answer(compared(load(ttft=drawn(1, s)), load(ttft=drawn(1, s + 100)))) for s in range(20)]
    assert sum(word in (Word.FASTER, Word.SLOWER) for word in words) <= 4
    many = compared(load(ttft=drawn(1, 1, 20_000)), load(ttft=drawn(1, 2, 20_000)))
    assert answer(many) is Word.SAME


def test_medians_that_contradict_each_other_leave_the_answer_open():
    a, b = load(ttft=drawn(1.0, 0), tpot=drawn(1.0, 1)), load(ttft=drawn(0.5, 2), tpot=drawn(2.0, 3))
    assert answer(compared(a, b)) is Word.UNKNOWN


def test_reported_means_are_compared_without_interval():
    points = [MeasuredPoint("output_throughput", "mean", value) for value in (22.2, 99.4)]
    (only,) = found = compared(*(load([point]) for point in points))
    assert only.ratio == pytest.approx(4.477, abs=1e-3)
    assert (only.low, only.high, only.word, only.promised) == (None, None, Word.NO_INTERVAL, None)
    assert answer(found) is Word.NO_INTERVAL
    assert answer(()) is Word.NO_INTERVAL
    assert leading(()) is None


def test_few_requests_fall_back_to_what_was_reported():
    points = [MeasuredPoint("ttft", "median", 0.1)]
    (only,) = compared(load(points, ttft=drawn(1, 0, 10)), load(points, ttft=drawn(1, 1, 300)))
    assert (only.statistic, only.low) == ("median", None)


def test_a_promise_is_the_ratio_of_the_two_estimates():
    model, points = find_model(LLAMA_8B), [MeasuredPoint("tpot", "median", 0.01, 32.0, None, 128.0, 16.0)]
    loads = [load(points, {"max_num_seqs": slots}) for slots in (1.0, 32.0)]
    (found,) = changes(*(side(one, "h200-sxm", model) for one in loads))
    own = [estimate(scenario_of(one.run, "h200-sxm", model, **one.conditions)).tpot.p50 for one in loads]
    assert found.promised == pytest.approx(own[1] / own[0], rel=1e-9)


@pytest.mark.parametrize(
    ("ratio", "promised", "kept"),
    [
        (2.0, 1.8, "as promised"),
        (4.48, 3.2, "higher than promised"),
        (1.5, 2.4, "lower than promised"),
        (1.3, 0.3, "the opposite"),
        (0.97, 1.02, "as promised"),
        (2.0, None, ""),
    ],
)
def test_whether_a_promise_was_kept(ratio, promised, kept):
    assert Change("tpot", "mean", 1.0, ratio, None, None, Word.NO_INTERVAL, promised).kept == kept
