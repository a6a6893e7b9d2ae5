"""The pool of KV blocks: when sequences take them, and what of a preempted request is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.blocks import fixed_blocks, growing_groups, pool
from planner.kv_cache import BlockLayout, LayerGroup
from tests.planner.loads import FULL, PLAIN

WINDOW, STATE = LayerGroup(8, False), LayerGroup(None, True)
sequences = st.lists(st.integers(1, 50), min_size=1, max_size=8)


def running(tokens, blocks=10**6, layout=PLAIN):
    """A pool with sequences that have so many tokens at tick 0."""
    found = pool(layout, blocks)
    for each in tokens:
        found.enter(0, each)
    return found


@given(sequences, st.integers(0, 40))
def test_blocks_due_are_the_difference_of_what_sequences_hold(tokens, steps):
    found = running(tokens)
    held = [sum(found.of(each + more, 0) for each in tokens) for more in (0, steps)]
    assert found.due(0, steps) == held[1] - held[0]


@given(sequences, st.integers(1, 100), st.integers(0, 100))
def test_steps_are_the_most_for_which_blocks_last(tokens, most, free):
    found = running(tokens, blocks=free)
    steps = found.steps(0, most, len(tokens))
    assert found.due(0, steps) <= free
    assert steps == most or found.due(0, steps + 1) > free


def test_what_leaves_takes_nothing_more():
    found = running([4, 5])
    found.leave(3, 7)
    assert found.due(0, 4) == 1


def test_a_preempted_request_loses_its_last_blocks_first():
    """Three blocks free before it, one of its own not full: five are taken, then only one of its three is lost."""
    found = pool(PLAIN, 3)
    found.give(3, 1)
    found.spare(7, 3)
    found.take(5)
    assert found.kept(7) == 2
    assert found.kept(8) == 0


def test_blocks_that_are_not_full_are_handed_out_first():
    found = pool(PLAIN, 0)
    found.give(2, 0)
    found.spare(1, 2)
    found.give(5, 1)
    found.take(1)
    assert found.kept(1) == 2
    found.take(1)
    assert found.kept(1) == 1


def test_what_is_found_again_lets_later_ones_move_up():
    """Request 1 takes its two back, so the next one taken is request 2's."""
    found = pool(PLAIN, 0)
    for request in (1, 2):
        found.give(2, 0)
        found.spare(request, 2)
    found.reclaim(1, 2)
    assert (found.free, found.kept(1), found.kept(2)) == (2, 0, 2)
    found.take(1)
    assert found.kept(2) == 1


@pytest.mark.parametrize(
    ("groups", "tokens", "shared", "fixed"),
    [((FULL,), 40, 0, 0), ((FULL,), 40, 8, -2), ((FULL, FULL), 40, 8, -4), ((FULL, WINDOW), 40, 0, 3),
     ((FULL, WINDOW), 5, 0, 2), ((FULL, STATE, STATE), 40, 0, 2)],
)  # fmt: skip
def test_fixed_blocks(groups, tokens, shared, fixed):
    """Blocks of 4 tokens, a window of 8."""
    layout = BlockLayout(4.0, 1.0, groups)
    assert fixed_blocks(layout, tokens, shared) == fixed
    assert growing_groups(layout) == groups.count(FULL)
