"""What a load sends, and when."""

from __future__ import annotations

import numpy as np
import pytest

from planner.arrivals import MAX_REQUESTS, OPEN_REQUESTS, requests
from planner.recorded import recorded
from planner.scenario import Workload, replay
from tests.planner.questions import ask


def of(seed=0, **load):
    return requests(ask(load=Workload(**({"prompt_tokens": 900, "output_tokens": 90} | load))), seed)


def test_lengths_keep_their_mean_and_range():
    """Mean 900 at ratio 0.8: uniform between 800 and 1,000."""
    found = of(concurrency=800, length_ratio=0.8).prompts
    assert (found.min(), found.max()) >= (800, 999)
    assert found.max() <= 1000
    assert found.mean() == pytest.approx(900, rel=5e-3)


def test_how_many_are_sent():
    assert len(of(requests=100_000).prompts) == MAX_REQUESTS
    assert len(of(concurrency=7).prompts) == 35
    assert len(of(concurrency=7, mode="batch", request_rate=3.0).prompts) == 7
    assert len(of(request_rate=3.0).prompts) == OPEN_REQUESTS


@pytest.mark.parametrize(("burstiness", "variation"), [(0.25, 2.0), (1.0, 1.0), (4.0, 0.5), (1e4, 0.01)])
def test_intervals_have_their_mean_and_spread(burstiness, variation):
    """A gamma distribution of shape k varies by 1 / sqrt(k) of its mean."""
    gaps = np.diff(of(request_rate=20.0, requests=4000, burstiness=burstiness).arrivals)
    assert gaps.mean() == pytest.approx(0.05, rel=0.1)
    assert gaps.std() / gaps.mean() == pytest.approx(variation, rel=0.1)


def test_a_seed_gives_the_same_requests():
    load = {"request_rate": 5.0, "length_ratio": 0.5, "burstiness": 0.5}
    one, same, other = of(**load), of(**load), of(seed=1, **load)
    assert list(one.arrivals) == list(same.arrivals)
    assert list(one.prompts) == list(same.prompts)
    assert list(one.arrivals) != list(other.arrivals)


def test_recorded_requests_are_sent_as_they_were():
    load = replay(recorded([5, 7], [2, 3], arrivals=[10.0, 12.5], cached=[0, 4]), concurrency=3)
    found = requests(ask(load=load), seed=9)
    assert (list(found.prompts), list(found.outputs), list(found.cached)) == ([5, 7], [2, 3], [0, 4])
    assert list(found.arrivals) == [0.0, 2.5]
    assert requests(ask(load=replay(recorded([5], [2]), concurrency=3)), 0).arrivals is None
