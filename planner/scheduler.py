"""vLLM's continuous batching, step by step: which request is in which step.

Each step gives a token to every decoding sequence first, then fills what the token budget leaves with prompts, in order
of arrival, the last one in part (chunked prefill). A prompt that ends gives its first token; a request that ends makes
room for the next. When no KV block is left, the youngest request is preempted and computed again later, and no prompt
starts in that step.

In a closed loop nothing here depends on how long a step takes, so a whole schedule is made first and timed after, as
arrays; runs of alike steps are one record. In an open loop arrivals come by the clock, so steps are timed as they go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from planner.queues import Queues, queues
from planner.schedule import Limits, Requests, Schedule
from planner.step import Step

Clock = Callable[[Step], float]


@dataclass(slots=True)
class _Prompts:
    """Chunks of prompts in one step, and the budget that they leave; only the last may end in a later step."""

    budget: int
    ending: list[int] = field(default_factory=list)
    unfinished: tuple[int, int] | None = None
    count: int = 0
    tokens: int = 0
    before: float = 0.0

    def add(self, request: int, computed: int, length: int) -> int:
        """Takes the next chunk of a prompt; returns its tokens."""
        taken = min(self.budget, length - computed)
        self.budget -= taken
        self.count += 1
        self.tokens += taken
        self.before += computed
        if computed + taken < length:
            self.unfinished = (request, computed + taken)
        else:
            self.ending.append(request)
        return taken


_NONE = _Prompts(0)


def schedule(requests: Requests, limits: Limits, clock: Clock | None = None) -> Schedule:
    """Runs all requests to their end.

    requests : lengths and arrivals [tokens], [s]
    limits : of the engine [tokens], [1]
    clock : time of a step [s]; needed in an open loop alone
    returns : which request is in which record
    valid : first come, first served; priorities, beam search and encoder inputs are not modelled
    source : vllm.v1.core.sched.scheduler of vLLM 0.32, whose own schedules are in the tests
    """
    run, now = queues(requests, limits), 0.0
    records: list[tuple[float, ...]] = []
    times: list[tuple[float, float]] = []
    if requests.arrivals is None:
        run.send(requests.in_flight)
    while run.done < len(run.length):
        if run.idle:
            now = max(now, run.next_arrival or 0.0)
        run.send_until(now)
        prompts, undisturbed = _prompts(run)
        repeats = _repeats(run, prompts, now, clock) if undisturbed else 1
        records.append(_record(run, prompts, repeats))
        if clock is not None:
            each = clock(Step(*records[-1][:-1]))
            now += repeats * each
            times.append((each, now))
        _advance(run, prompts, repeats)
    columns = np.array(records).T
    sent, first, last = (np.array(column, dtype=np.int64) for column in (run.sent, run.first, run.last))
    stalls = np.array(run.stalls, dtype=np.int64).reshape(-1, 2)
    seconds, ended = np.array(times).T if clock is not None else (None, None)
    return Schedule(Step(*columns[:-1]), columns[-1], sent, first, last, stalls, seconds, ended, run.preemptions)


def _prompts(run: Queues) -> tuple[_Prompts, bool]:
    """The prompts in this step, after the decodes have taken their blocks; and whether nobody was preempted for it."""
    before, blocks = run.preemptions, run.blocks
    while blocks.due(run.tick, 1) > blocks.free:
        run.preempt()
    blocks.take(blocks.due(run.tick, 1))
    prompts = _Prompts(run.limits.tokens - len(run.decoding))
    if run.chunk is not None and prompts.budget:
        _continue(run, prompts, *run.chunk)
    if run.preemptions == before:
        _admit(run, prompts)
    return prompts, run.preemptions == before


def _continue(run: Queues, prompts: _Prompts, request: int, computed: int) -> None:
    """The next chunk of the prompt that is under way; without blocks for it, it is preempted itself."""
    blocks, length = run.blocks, run.length[request]
    due = blocks.of(min(length, computed + prompts.budget), 0) - blocks.of(computed, 0)
    if due > blocks.free:
        run.preempt()
        return
    blocks.take(due)
    prompts.add(request, computed, length)


def _admit(run: Queues, prompts: _Prompts) -> None:
    """Those that wait, in order, as long as budget, sequences and blocks last."""
    limits, blocks, waiting = run.limits, run.blocks, run.waiting
    while waiting and prompts.budget and len(run.decoding) + prompts.count < limits.sequences:
        request = waiting[0]
        length, cached, fixed = run.length[request], run.cached[request], run.fixed[request]
        computed = min(cached + blocks.kept(request) * blocks.size, (length - 1) // blocks.size * blocks.size)
        if not limits.chunked and length - computed > prompts.budget:
            return
        reached = length if limits.whole_prompts else min(length, computed + prompts.budget)
        if blocks.of(reached, fixed) > blocks.free:
            return
        waiting.popleft()
        found = (computed - cached) // blocks.size
        taken = prompts.add(request, computed, length)
        blocks.reclaim(request, found)
        blocks.take(blocks.of(computed + taken, fixed) - found)


def _repeats(run: Queues, prompts: _Prompts, now: float, clock: Clock | None) -> int:
    """Steps that are like this one, itself included."""
    if prompts.count:
        return 1 + (_more_chunks(run, prompts) if prompts.unfinished and prompts.count == 1 else 0)
    steps = 1 + run.blocks.steps(run.tick + 1, run.next_end - run.tick - 1, len(run.decoding))
    if clock is None or run.next_arrival is None or run.waiting:
        return steps
    wait = run.next_arrival - now

    def each(count: int) -> float:
        return clock(Step(*_record(run, _NONE, count)[:-1]))

    steps = min(steps, max(1, -int(-wait // each(1))))
    while steps > 1 and (steps - 1) * each(steps - 1) >= wait:
        steps -= 1
    return steps


def _more_chunks(run: Queues, prompts: _Prompts) -> int:
    """Further steps that the one prompt under way fills with whole chunks, until it or a decoding sequence ends."""
    request, computed = prompts.unfinished or (0, 0)
    more = -(-(run.length[request] - computed) // prompts.tokens) - 1
    if run.decoding:
        more = min(more, run.next_end - run.tick - 1)
    due = run.blocks.of(computed + more * prompts.tokens, 0) - run.blocks.of(computed, 0)
    if due + run.blocks.due(run.tick + 1, more) > run.blocks.free:
        return 0
    run.blocks.take(due)
    prompts.unfinished = (request, computed + more * prompts.tokens)
    prompts.before += prompts.tokens * more / 2
    return more


def _record(run: Queues, prompts: _Prompts, repeats: int) -> tuple[float, ...]:
    """The fields of Step, in order, and the repeats."""
    decoding = len(run.decoding)
    return (
        float(prompts.count),
        prompts.tokens / prompts.count if prompts.count else 0.0,
        prompts.before / prompts.count if prompts.count else 0.0,
        float(decoding),
        run.held / decoding + (repeats + 1) / 2 if decoding else 0.0,
        float(decoding + len(prompts.ending)),
        float(repeats),
    )


def _advance(run: Queues, prompts: _Prompts, repeats: int) -> None:
    """Gives every decoding sequence its tokens and every ending prompt its first."""
    if repeats > 1:
        run.blocks.take(run.blocks.due(run.tick + 1, repeats - 1))
    run.tick += repeats
    run.record += 1
    run.held += len(run.decoding) * repeats
    if prompts.count:
        run.chunk = prompts.unfinished
    for request in prompts.ending:
        run.decode(request)
    run.finish()
