"""Loads of a run: groups of points, the requests of each, requests in flight."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from planner.loads import in_flight, loads
from planner.measured import MeasuredPoint, Run


@dataclass
class Table:
    """A table of one batch; planner needs names and columns alone."""

    columns: dict = field(default_factory=dict)

    @property
    def schema(self):
        return self

    @property
    def names(self):
        return list(self.columns)

    @property
    def num_rows(self):
        return len(next(iter(self.columns.values())))

    def column(self, name):
        return np.array(self.columns[name], dtype=float)

    def __iter__(self):
        return iter([self])


def run(points, **tables):
    return Run("test", "1", "test.json", "0" * 64, points=tuple(points), tables=tables)


def point(concurrency, metric="ttft"):
    return MeasuredPoint(metric, "mean", 1.0, concurrency=concurrency, prompt_tokens=8)


REQUESTS = Table(
    {
        "result": [0, 0, 0, 1, 1],
        "sent_s": [2.0, 0.0, 1.0, 0.0, 1.0],
        "ttft_s": [0.5, 0.25, 0.5, 1.0, np.nan],
        "e2e_s": [2.5, 1.25, 1.0, 3.0, np.nan],
        "output_tokens": [5, 3, 1, 2, np.nan],
        "succeeded": [1, 1, np.nan, 1, 0],
    }
)
GAPS = Table({"result": [0, 0, 0, 1], "request": [0, 0, 1, 0], "gap_s": [0.5, 0.75, 0.1, 2.0]})


def test_each_load_has_the_requests_of_its_result():
    one, two = loads(run([point(1), point(1, "tpot"), point(4)], requests=REQUESTS, itl=GAPS))
    assert (one.label, two.label) == ("batch 1, prompt 8", "batch 4, prompt 8")
    assert one.value("tpot") == 1.0
    assert one.sample.sent.tolist() == [0.0, 1.0, 2.0]
    assert one.sample.values("tpot").tolist() == pytest.approx([0.5, 0.5])
    assert two.sample.e2e.tolist() == [3.0]


def test_gaps_follow_their_own_requests_first_token():
    one, two = loads(run([point(1), point(4)], requests=REQUESTS, itl=GAPS))
    assert one.sample.itl.tolist() == [0.1, 0.5, 0.75]
    assert one.sample.itl_at.tolist() == pytest.approx([0.35, 3.0, 3.75])
    assert two.sample.itl_at.tolist() == pytest.approx([3.0])


def test_the_same_load_measured_twice_is_two_loads():
    assert len(loads(run([point(1), point(1)]))) == 2


def test_requests_of_unknown_loads_are_given_to_none():
    assert [one.sample for one in loads(run([point(1)], requests=REQUESTS))] == [None]
    assert [len(one.sample.sent) for one in loads(run([], requests=REQUESTS))] == [3, 1]


def test_requests_in_flight_are_those_sent_and_not_answered():
    (one, _) = loads(run([point(1), point(4)], requests=REQUESTS))
    moments = np.array([0.0, 1.1, 1.5, 2.5, 5.0])
    assert in_flight(one.sample, moments).tolist() == [1, 2, 1, 1, 0]
