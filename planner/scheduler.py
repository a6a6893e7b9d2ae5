"""vLLM's continuous batching, step by step: which request is in which step.

Each step gives a token to every decoding sequence first, then fills what the token budget leaves with prompts, in order
of arrival, the last one in part (chunked prefill). A prompt that ends gives its first token; a request that ends makes
room for the next. When the KV cache is full, the youngest request is preempted and computed again later.

In a closed loop nothing here depends on how long a step takes, so a whole schedule is made first and timed after, as
arrays; runs of alike decode steps are one record. In an open loop arrivals come by the clock, so steps are timed as
they go.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from planner.schedule import Limits, Requests, Schedule
from planner.step import Step

Clock = Callable[[Step], float]


@dataclass(slots=True)
class _State:
    """Requests waiting, in a chunk, and decoding; `ending` is a heap of (tick of the last token, request)."""

    requests: Requests
    limits: Limits
    todo: list[float]
    left: list[float]
    length: list[float]
    ends: list[float]
    sent: list[int]
    first: list[int]
    last: list[int]
    waiting: deque[int] = field(default_factory=deque)
    chunk: tuple[int, float] | None = None
    ending: list[tuple[float, int]] = field(default_factory=list)
    order: dict[int, None] = field(default_factory=dict)
    tick: float = 0.0
    held: float = 0.0
    sent_count: int = 0
    preemptions: int = 0
    records: list[tuple[float, ...]] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Prompts:
    """Chunks of prompts in one step: the last may end in a later step, the others end here."""

    ending: tuple[int, ...]
    unfinished: tuple[int, float] | None
    count: int
    tokens: float
    before: float

    def over(self, repeats: float) -> _Prompts:
        """The same over several alike steps, in which one chunk follows the other: `before` is their mean."""
        if self.unfinished is None or repeats == 1:
            return self
        request, computed = self.unfinished
        more = self.tokens * (repeats - 1)
        return replace(self, unfinished=(request, computed + more), before=self.before + more / 2)


_NONE = _Prompts((), None, 0, 0.0, 0.0)


def schedule(requests: Requests, limits: Limits, clock: Clock | None = None) -> Schedule:
    """Runs all requests to their end.

    requests : lengths and arrivals [tokens], [s]
    limits : of the engine; kv_tokens must hold the longest request alone [tokens]
    clock : time of a step [s]; needed in an open loop alone
    returns : which request is in which record
    valid : priorities, beam search and encoder inputs are not modelled
    """
    state = _started(requests, limits)
    now, done, total = 0.0, 0, len(requests.prompts)
    if requests.arrivals is None:
        _send(state, min(requests.in_flight, total))
    while done < total:
        now = _arrive(state, now)
        prompts = _take_prompts(state)
        repeats = _alike_chunks(state, prompts) if prompts.count else _alike_steps(state, now, clock)
        prompts = prompts.over(repeats)
        record = _record(state, prompts, repeats)
        if clock is not None:
            now += repeats * clock(Step(*record[:-1]))
            state.ended.append(now)
        state.records.append(record)
        done += _advance(state, prompts, repeats)
    return _schedule(state)


def _started(requests: Requests, limits: Limits) -> _State:
    prompts = requests.prompts.tolist()
    unset = [-1] * len(prompts)
    return _State(
        requests,
        limits,
        todo=[max(1.0, prompt - requests.cached) for prompt in prompts],
        left=requests.outputs.tolist(),
        length=prompts,
        ends=[0.0] * len(prompts),
        sent=[*unset],
        first=[*unset],
        last=[*unset],
    )


def _send(state: _State, count: int) -> None:
    record = len(state.records) - 1
    for request in range(state.sent_count, state.sent_count + count):
        state.sent[request] = record
        state.waiting.append(request)
    state.sent_count += count


def _arrive(state: _State, now: float) -> float:
    arrivals = state.requests.arrivals
    if arrivals is None:
        return now
    idle = not (state.waiting or state.chunk or state.order)
    if idle and state.sent_count < len(arrivals):
        now = max(now, float(arrivals[state.sent_count]))
    arrived = int(np.searchsorted(arrivals, now, side="right"))
    _send(state, max(0, arrived - state.sent_count))
    return now


def _take_prompts(state: _State) -> _Prompts:
    """The prompts in this step, in order of arrival, within budget, sequences and KV cache."""
    if not state.waiting and state.chunk is None:
        return _NONE
    limits, decoding = state.limits, len(state.order)
    budget, held = limits.tokens - decoding, state.held + decoding
    ending: list[int] = []
    unfinished, count, tokens, before = None, 0, 0.0, 0.0
    queue = state.waiting
    if state.chunk is not None:
        queue.appendleft(state.chunk[0])
    computed = state.chunk[1] if state.chunk is not None else 0.0
    while queue and budget > 0 and decoding + count < limits.sequences:
        request = queue[0]
        length, todo = state.length[request], state.todo[request] - computed
        if held + length + 1 > limits.kv_tokens and (count or decoding):
            state.preemptions += computed > 0
            computed = 0.0
            break
        queue.popleft()
        taken = min(budget, todo)
        count, tokens, before = count + 1, tokens + taken, before + length - todo
        budget, held = budget - taken, held + length + 1
        if taken < todo:
            unfinished = (request, computed + taken)
        else:
            ending.append(request)
        computed = 0.0
    if computed and state.chunk is not None:
        queue.popleft()
        unfinished = state.chunk
    return _Prompts(tuple(ending), unfinished, count, tokens, before)


def _alike_chunks(state: _State, prompts: _Prompts) -> float:
    """Steps that one long prompt fills alone with whole chunks, until it or a decoding sequence ends."""
    if prompts.unfinished is None or prompts.count > 1:
        return 1.0
    request, computed = prompts.unfinished
    steps = float(np.ceil((state.todo[request] - computed) / prompts.tokens))
    if state.order:
        room = (state.limits.kv_tokens - state.held - state.length[request] - 1) // len(state.order)
        steps = min(steps, state.ending[0][0] - state.tick, room)
    return max(1.0, steps)


def _alike_steps(state: _State, now: float, clock: Clock | None) -> float:
    """Decode steps until a sequence ends, the KV cache is full, or the next request arrives."""
    room = (state.limits.kv_tokens - state.held) // len(state.order)
    steps = max(1.0, min(state.ending[0][0] - state.tick, room))
    arrivals = state.requests.arrivals
    if arrivals is None or clock is None or state.sent_count >= len(arrivals):
        return steps
    wait = float(arrivals[state.sent_count]) - now
    return min(steps, max(1.0, float(np.ceil(wait / clock(Step(*_record(state, _NONE, 1.0)[:-1]))))))


def _record(state: _State, prompts: _Prompts, repeats: float) -> tuple[float, ...]:
    """The fields of Step, in order, and the repeats."""
    decoding = len(state.order)
    return (
        float(prompts.count),
        prompts.tokens / prompts.count if prompts.count else 0.0,
        prompts.before / prompts.count if prompts.count else 0.0,
        float(decoding),
        state.held / decoding + (repeats + 1) / 2 if decoding else 0.0,
        float(decoding + len(prompts.ending)),
        repeats,
    )


def _advance(state: _State, prompts: _Prompts, repeats: float) -> int:
    """Gives every decoding sequence its tokens and every ending prompt its first; returns how many requests end."""
    record = len(state.records) - 1
    state.tick += repeats
    state.held += len(state.order) * repeats
    state.chunk = prompts.unfinished
    for request in prompts.ending:
        if state.first[request] < 0:
            state.first[request] = record
        state.ends[request] = state.tick + state.left[request] - 1
        heapq.heappush(state.ending, (state.ends[request], request))
        state.order[request] = None
        state.held += state.length[request]
    done = _finish(state, record) if state.ending and state.ending[0][0] <= state.tick else 0
    if state.held + len(state.order) > state.limits.kv_tokens:
        _preempt(state)
    return done


def _finish(state: _State, record: int) -> int:
    ended = 0
    while state.ending and state.ending[0][0] <= state.tick:
        _, request = heapq.heappop(state.ending)
        del state.order[request]
        state.held -= state.length[request] + state.left[request] - 1
        state.last[request] = record
        ended += 1
    if state.requests.arrivals is None:
        _send(state, min(ended, len(state.requests.prompts) - state.sent_count))
    return ended


def _preempt(state: _State) -> None:
    """Sends the youngest back to the queue until the rest fits; what it generated is computed again as prompt."""
    while len(state.order) > 1 and state.held + len(state.order) > state.limits.kv_tokens:
        request, _ = state.order.popitem()
        state.ending.remove((state.ends[request], request))
        heapq.heapify(state.ending)
        left = state.ends[request] - state.tick
        generated = state.left[request] - left
        state.held -= state.length[request] + generated - 1
        state.length[request] += generated
        state.todo[request] = state.length[request]
        state.left[request] = left
        state.waiting.appendleft(request)
        state.preemptions += 1


def _schedule(state: _State) -> Schedule:
    columns = np.array(state.records).T
    ended = np.array(state.ended) if state.ended else None
    sent, first, last = (np.array(column, dtype=np.int64) for column in (state.sent, state.first, state.last))
    return Schedule(Step(*columns[:-1]), columns[-1], sent, first, last, ended, state.preemptions)
