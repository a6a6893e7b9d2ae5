"""KV blocks of the sequences that run: how many are free, when each sequence takes its next, and which of its blocks a
preempted request finds again.

vLLM hands out blocks in the order in which they became free, and frees those of a request from its end, a last one that
is not full before all others. So with prefix caching what a preempted request had computed stays readable until the
blocks that were free before it are used up; then it is lost from its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from planner.kv_cache import BlockLayout


@dataclass(slots=True)
class Blocks:
    """The pool. Sequences that decode compute one token each at every tick.

    free : held by no sequence [1]
    size : tokens of a block [tokens]
    growing : groups of layers that keep every token; each takes a block of its own [1]
    crossings : decoding sequences by the tick, modulo size, at which they take a block [1]
    loose : free blocks that were not full: the next ones to be handed out [1]
    passed : other free blocks handed out since the start [1]
    spared : preempted request -> value of `passed` from which its blocks are handed out, and its full blocks [1]
    """

    free: int
    size: int
    growing: int
    crossings: list[int]
    loose: int = 0
    passed: int = 0
    spared: dict[int, tuple[int, int]] = field(default_factory=dict)

    def of(self, tokens: int, fixed: int) -> int:
        """Blocks of a sequence.

        tokens : that it has computed [tokens]
        fixed : blocks that do not depend on them [1]
        """
        return self.growing * -(-tokens // self.size) + fixed

    def due(self, tick: int, steps: int) -> int:
        """Blocks that the decoding sequences take.

        tick, steps : from which step on, and in how many [1]
        """
        if steps == 1:
            return self.growing * self.crossings[tick % self.size]
        cycles, rest = divmod(steps, self.size)
        start = tick % self.size
        crossed = sum(self.crossings[start : start + rest]) + sum(self.crossings[: max(0, start + rest - self.size)])
        return self.growing * (cycles * sum(self.crossings) + crossed if cycles else crossed)

    def steps(self, tick: int, most: int, decoding: int) -> int:
        """Steps for which the free blocks last, `most` at the longest.

        tick : of the first of them [1]
        most, decoding : steps asked for, sequences that decode [1]
        """
        cycle = self.growing * decoding
        if cycle * (most // self.size + 1) <= self.free:
            return most
        found, left = self.free // cycle * self.size, self.free % cycle
        while found < most:
            left -= self.growing * self.crossings[(tick + found) % self.size]
            if left < 0:
                break
            found += 1
        return min(found, most)

    def take(self, count: int) -> None:
        """Hands out free blocks.

        count : [1]
        """
        from_loose = min(count, self.loose)
        self.free -= count
        self.loose -= from_loose
        self.passed += count - from_loose

    def enter(self, tick: int, tokens: int) -> None:
        """A sequence starts to decode.

        tick : of its first decode [1]
        tokens : that it has computed by then [tokens]
        """
        self.crossings[(tick - tokens) % self.size] += 1

    def leave(self, tick: int, tokens: int) -> None:
        """A sequence decodes no longer.

        tick, tokens : any tick at which it decoded, and the tokens that it had computed by then [1], [tokens]
        """
        self.crossings[(tick - tokens) % self.size] -= 1

    def give(self, full: int, partial: int) -> None:
        """Frees blocks of a request; those that are not full are handed out before all others.

        full, partial : [1]
        """
        self.free += full + partial
        self.loose += partial

    def spare(self, request: int, full: int) -> None:
        """Remembers what a preempted request has just given: it may find it again.

        request : its number [1]
        full : of its blocks, the last ones to be handed out [1]
        """
        self.spared[request] = (self.passed + self.free - self.loose - full, full)

    def kept(self, request: int) -> int:
        """Full blocks of a preempted request that nobody has taken since [1].

        request : its number; none for one that was never preempted [1]
        """
        next_at, count = self.spared.get(request, (0, 0))
        return max(0, count - max(0, self.passed - next_at))

    def reclaim(self, request: int, count: int) -> None:
        """Gives a request its own blocks back; those freed after them move up.

        request : its number [1]
        count : of its blocks that are used again [1]
        """
        self.free -= count
        next_at, _ = self.spared.pop(request, (0, 0))
        for other, (later, spared) in self.spared.items() if count else ():
            if later > next_at:
                self.spared[other] = (later - count, spared)


def fixed_blocks(layout: BlockLayout, tokens: int, shared: int) -> int:
    """Blocks of a request that do not grow while it runs.

        window: min(ceil(tokens / block), ceil(window / block) + 1);  state: 1;  shared: -shared / block, in each group

    layout : of the model's blocks
    tokens : of the whole request [tokens]
    shared : whole blocks of its prompt that others hold as well [tokens]
    returns : [1]
    valid : a window is held from the start, as large as the request will ever need it
    """
    size = int(layout.tokens)
    total = -(shared // size) * growing_groups(layout)
    for group in layout.groups:
        if group.stateful:
            total += 1
        elif group.window is not None:
            total += min(math.ceil(tokens / size), math.ceil(group.window / size) + 1)
    return total


def growing_groups(layout: BlockLayout) -> int:
    """Groups of layers that keep every token [1].

    layout : of the model's blocks
    """
    return sum(group.window is None and not group.stateful for group in layout.groups)


def pool(layout: BlockLayout, blocks: int) -> Blocks:
    """A pool in which nothing runs.

    layout : of the model's blocks
    blocks : that requests may hold [1]
    """
    size = int(layout.tokens)
    return Blocks(free=blocks, size=size, growing=growing_groups(layout), crossings=[0] * size)
