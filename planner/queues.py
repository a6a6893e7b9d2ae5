"""The requests of a run: which wait, whose prompt is under way, which decode, and until when."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from planner.blocks import Blocks, fixed_blocks, pool
from planner.schedule import Limits, Requests


@dataclass(slots=True)
class Queues:
    """State of a run, with its blocks. Lists have one entry a request.

    length, left : tokens known and to come; counted anew when it is preempted [tokens]
    cached : of its prompt, found with others' in the prefix cache [tokens]
    fixed : its blocks that do not grow [1]
    ends : tick of its last token, while it decodes [1]
    sent, first, last : see Schedule
    chunk : request whose prompt is computed in part, and its computed tokens
    decoding : in order of admission, the youngest last
    ending : heap of (tick of the last token, request); an entry that is not the request's `ends` is void
    tick, record : steps so far; the last record that is complete [1]
    held : tokens of those that decode [tokens]
    stalled : preempted request -> record of its last token so far
    """

    limits: Limits
    blocks: Blocks
    arrivals: list[float] | None
    length: list[int]
    left: list[int]
    cached: list[int]
    fixed: list[int]
    ends: list[int]
    sent: list[int]
    first: list[int]
    last: list[int]
    waiting: deque[int] = field(default_factory=deque)
    chunk: tuple[int, int] | None = None
    decoding: dict[int, None] = field(default_factory=dict)
    ending: list[tuple[int, int]] = field(default_factory=list)
    tick: int = 0
    record: int = -1
    held: int = 0
    sent_count: int = 0
    done: int = 0
    preemptions: int = 0
    stalled: dict[int, int] = field(default_factory=dict)
    stalls: list[tuple[int, int]] = field(default_factory=list)

    @property
    def idle(self) -> bool:
        """Nothing waits or runs."""
        return not (self.waiting or self.chunk or self.decoding)

    @property
    def next_arrival(self) -> float | None:
        """When the next request comes by itself [s]."""
        if self.arrivals is None or self.sent_count == len(self.arrivals):
            return None
        return self.arrivals[self.sent_count]

    @property
    def next_end(self) -> int:
        """Tick at which the first of the decoding sequences has its last token [1]."""
        while self.ends[self.ending[0][1]] != self.ending[0][0]:
            heapq.heappop(self.ending)
        return self.ending[0][0]

    def send(self, count: int) -> None:
        """The next requests join those that wait.

        count : as far as there are so many [1]
        """
        last = min(self.sent_count + count, len(self.length))
        for request in range(self.sent_count, last):
            self.sent[request] = self.record
            self.waiting.append(request)
        self.sent_count = last

    def send_until(self, now: float) -> None:
        """Those join that have arrived.

        now : [s]
        """
        while (arrival := self.next_arrival) is not None and arrival <= now:
            self.send(1)

    def preempt(self) -> None:
        """Sends the youngest back to the head of the queue; what it generated is computed again as prompt."""
        if self.chunk is not None:
            (request, computed), self.chunk = self.chunk, None
        else:
            request, _ = self.decoding.popitem()
            left = self.ends[request] - self.tick
            computed = self.length[request] + self.left[request] - left - 1
            self.blocks.leave(self.tick, computed)
            self.held -= computed
            self.length[request], self.left[request] = computed + 1, left
            self.ends[request] = -1
            self.stalled[request] = self.record
        full, partial = self._blocks_of(request, computed)
        self.blocks.give(full, partial)
        if self.limits.caching:
            self.blocks.spare(request, full)
        self.waiting.appendleft(request)
        self.preemptions += 1

    def decode(self, request: int) -> None:
        """A prompt has ended in this record: its first token is there, the next ones follow.

        request : its number [1]
        """
        if self.first[request] < 0:
            self.first[request] = self.record
        if request in self.stalled:
            self.stalls.append((self.stalled.pop(request), self.record))
        self.ends[request] = self.tick + self.left[request] - 1
        heapq.heappush(self.ending, (self.ends[request], request))
        self.decoding[request] = None
        self.held += self.length[request]
        self.blocks.enter(self.tick, self.length[request])

    def finish(self) -> None:
        """Those leave that have their last token; in a closed loop as many others are sent."""
        before = self.done
        while self.decoding and self.next_end <= self.tick:
            end, request = heapq.heappop(self.ending)
            del self.decoding[request]
            computed = self.length[request] + self.left[request] - 1
            self.blocks.leave(end, computed)
            self.blocks.give(*self._blocks_of(request, computed))
            self.held -= computed
            self.last[request] = self.record
            self.done += 1
        if self.arrivals is None:
            self.send(self.done - before)

    def _blocks_of(self, request: int, computed: int) -> tuple[int, int]:
        partial = self.blocks.growing if computed % self.blocks.size else 0
        return self.blocks.of(computed, self.fixed[request]) - partial, partial


def queues(requests: Requests, limits: Limits) -> Queues:
    """A run in which nothing has been sent.

    requests, limits : as in planner.scheduler.schedule
    """
    layout, size = limits.layout, int(limits.layout.tokens)
    prompts, outputs = (column.astype(int).tolist() for column in (requests.prompts, requests.outputs))
    cached = (np.minimum(requests.cached, requests.prompts - 1).astype(int) // size * size).tolist()
    fixed = [
        fixed_blocks(layout, prompt + output - 1, shared)
        for prompt, output, shared in zip(prompts, outputs, cached, strict=True)
    ]
    shared = pool(layout, 0).of(max(cached), 0)
    arrivals = None if requests.arrivals is None else requests.arrivals.tolist()
    ends, sent, first, last = ([-1] * len(prompts) for _ in range(4))
    return Queues(
        limits, pool(layout, limits.blocks - shared), arrivals, prompts, outputs, cached, fixed, ends,
        sent, first, last,
    )  # fmt: skip
