"""Recorded requests: what is checked, and what it is called when it is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InvalidWorkload
from planner.recorded import MAX_RECORDED, recorded
from planner.scenario import replay


def test_a_recording_is_sorted_and_counts_from_its_first_request():
    found = recorded([1, 2, 3], [4, 5, 6], arrivals=[20.0, 10.0, 15.0], cached=[0, 1, 2])
    assert found.arrivals == (0.0, 5.0, 10.0)
    assert (found.prompts, found.outputs, found.cached) == ((2, 3, 1), (5, 6, 4), (1, 2, 0))
    assert found.longest == 9


def test_its_workload_has_its_means():
    load = replay(recorded([100, 200], [10, 20], arrivals=[0.0, 1.0], cached=[0, 50]), concurrency=4)
    assert (load.prompt_tokens, load.output_tokens, load.prefix_cached_tokens) == (150, 15, 25)
    assert (load.requests, load.longest, load.open_loop) == (2, 220, True)
    assert not replay(recorded([100], [10])).open_loop


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (([], []), "0 requests were recorded"),
        (([1] * (MAX_RECORDED + 1), [1] * (MAX_RECORDED + 1)), "give 1 to 100,000"),
        (([1, 2], [1]), "prompt_tokens 2, output_tokens 1"),
        (([1, 0], [1, 1]), "prompt_tokens of request 2 is 0: it must be a whole number of tokens from 1"),
        (([1, 2.5], [1, 1]), "prompt_tokens of request 2 is 2.5"),
        (([1], [float("nan")]), "output_tokens of request 1 is nan"),
        (([1], [1e300]), "output_tokens of request 1"),
        (([1], [1], [float("inf")]), "arrival_s of request 1 is inf: it must be a time in seconds"),
        (([8, 8], [1, 1], [0.0]), "arrival_s 1"),
        (([8, 8], [1, 1], None, [0, 9]), "prefix_cached_tokens of request 2 is 9: it must not exceed its prompt of 8"),
        (([8], [1], None, [-1]), "prefix_cached_tokens of request 1 is -1"),
    ],
)
def test_a_fault_is_named(columns, said):
    with pytest.raises(InvalidWorkload, match=said.replace("(", r"\(")):
        recorded(*columns)


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500), st.floats(-1e6, 1e6)), min_size=1, max_size=20))
def test_any_order_gives_the_same_recording(rows):
    rows = [(prompt, output, at + number) for number, (prompt, output, at) in enumerate(rows)]
    if len({row[2] for row in rows}) == len(rows):
        one, other = (recorded(*zip(*order, strict=True)) for order in (rows, rows[::-1]))
        assert one == other
        assert one.arrivals[0] == 0
        assert list(one.arrivals) == sorted(one.arrivals)
