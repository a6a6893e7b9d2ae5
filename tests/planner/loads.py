"""Small loads for the scheduler's tests: whole questions for `schedule`, by hand and by Hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from planner.blocks import fixed_blocks, pool
from planner.kv_cache import BlockLayout, LayerGroup
from planner.schedule import Limits, Requests

FULL = LayerGroup(None, False)
PLAIN = BlockLayout(4.0, 1.0, (FULL,))
WIDE = Limits(256, 2048, 10**9, PLAIN)
LAYOUTS = tuple(
    BlockLayout(float(size), 1.0, groups)
    for size in (1, 4, 16)
    for groups in ((FULL,), (FULL, FULL), (FULL, LayerGroup(7, False)), (FULL, LayerGroup(None, True)))
)


def sent(prompts, outputs, cached=0.0, in_flight=None, arrivals=None):
    columns = np.broadcast_arrays(*(np.array(column, dtype=float) for column in (prompts, outputs, cached)))
    times = None if arrivals is None else np.array(arrivals, dtype=float)
    return Requests(*columns, in_flight or len(prompts), times)


def alone(load, layout):
    """Blocks that the longest request needs, and those that all share."""
    size = int(layout.tokens)
    shared = np.minimum(load.cached, load.prompts - 1).astype(int) // size * size
    longest = max(
        pool(layout, 0).of(int(total), fixed_blocks(layout, int(total), int(kept)))
        for total, kept in zip(load.prompts + load.outputs, shared, strict=True)
    )
    return longest + pool(layout, 0).of(int(shared.max()), 0)


def clock(step):
    return 1.0 + 0.01 * float(step.tokens) + 1e-4 * float(step.decode_sequences * step.decode_context)


@st.composite
def loads(draw, open_loop=None):
    count = draw(st.integers(1, 10))
    lengths = st.lists(st.integers(1, 40), min_size=count, max_size=count)
    cached = draw(st.lists(st.sampled_from([0, 0, 3, 8, 20]), min_size=count, max_size=count))
    timed = draw(st.booleans()) if open_loop is None else open_loop
    gaps = st.lists(st.sampled_from([0.0, 0.3, 5.0, 40.0]), min_size=count, max_size=count)
    return sent(
        draw(lengths), draw(lengths), cached, draw(st.integers(1, 10)), np.cumsum(draw(gaps)) if timed else None
    )


@st.composite
def bounded(draw, open_loop=None, roomy=False, layouts=LAYOUTS):
    """A load and limits under which each of its requests can run."""
    load, layout = draw(loads(open_loop)), draw(st.sampled_from(layouts))
    sequences, least = draw(st.integers(1, 8)), alone(load, layout)
    blocks = 10**9 if roomy else least + draw(st.integers(0, least))
    caching = len(layout.groups) == 1 and draw(st.booleans())
    chunked = draw(st.booleans())
    longest = 0 if chunked else int((load.prompts + load.outputs).max())
    tokens = max(longest, sequences + draw(st.integers(0, 30)))
    return load, Limits(sequences, tokens, blocks, layout, draw(st.booleans()), caching, chunked)
