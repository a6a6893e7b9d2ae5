"""The reference: one object a request, one block an object, one step at a time, and no idea that is not vLLM's."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from planner.blocks import fixed_blocks
from planner.schedule import Limits, Requests
from planner.step import Step


@dataclass(eq=False)
class Request:
    prompt: int
    output: int
    shared: int
    extra: int
    known: int = 0
    computed: int = 0
    admitted: int = 0
    blocks: list = field(default_factory=list)
    extras: list = field(default_factory=list)
    first: int = -1
    last: int = -1
    end: float = 0.0


@dataclass(eq=False)
class Block:
    """What it holds: the n-th block of a request, once it is full."""

    owner: Request | None = None
    place: int = 0


class Naive:
    def __init__(self, sent: Requests, limits: Limits):
        self.limits, self.size = limits, int(limits.layout.tokens)
        growing = sum(group.window is None and not group.stateful for group in limits.layout.groups)
        self.growing = growing
        self.requests = []
        for prompt, output, cached in zip(sent.prompts, sent.outputs, sent.cached, strict=True):
            shared = int(min(cached, prompt - 1)) // self.size
            extra = fixed_blocks(limits.layout, int(prompt + output - 1), shared * self.size) + shared * growing
            self.requests.append(Request(int(prompt), int(output), shared, extra, known=int(prompt)))
        held = growing * max(request.shared for request in self.requests)
        self.free = deque(Block() for _ in range(limits.blocks - held))
        self.waiting, self.running, self.preemptions, self.steps = deque(), [], 0, []

    def need(self, request, tokens):
        return self.growing * (-(-tokens // self.size) - request.shared) - len(request.blocks)

    def allocate(self, request, count):
        for _ in range(count):
            block = self.free.popleft()
            block.owner = None
            request.blocks.append(block)

    def release(self, request):
        full = request.computed // self.size - request.shared
        self.free.extendleft(request.blocks[full:])
        self.free.extend([*request.extras, *reversed(request.blocks[:full])])
        request.blocks, request.extras, request.computed = [], [], 0

    def hits(self, request):
        """Its own full blocks that nobody took, from the first on, but never the block of its last token."""
        found = []
        if self.limits.caching:
            mine = {block.place: block for block in self.free if block.owner is request}
            while request.shared + len(found) < (request.known - 1) // self.size and len(found) in mine:
                found.append(mine[len(found)])
        return found

    def step(self):
        budget, preempted, taken, at = self.limits.tokens, False, [], 0
        while at < len(self.running) and budget > 0:
            request = self.running[at]
            count = min(request.known - request.computed, budget)
            while self.need(request, request.computed + count) > len(self.free) and request in self.running:
                victim = self.running.pop()
                self.release(victim)
                self.waiting.appendleft(victim)
                self.preemptions, preempted = self.preemptions + 1, True
            if request not in self.running:
                break
            self.allocate(request, self.need(request, request.computed + count))
            taken.append((request, count))
            budget, at = budget - count, at + 1
        while not preempted and self.waiting and budget > 0 and len(self.running) < self.limits.sequences:
            request = self.waiting[0]
            hits = self.hits(request)
            computed = (request.shared + len(hits)) * self.size
            count = min(request.known - computed, budget)
            if not self.limits.chunked and request.known - computed > budget:
                break
            whole = request.known if self.limits.whole_prompts else computed + count
            if self.need(request, whole) + request.extra > len(self.free):
                break
            self.running.append(self.waiting.popleft())
            self.free = deque(block for block in self.free if block not in hits)
            request.blocks, request.computed, request.admitted = hits, computed, request.known
            request.extras = [self.free.popleft() for _ in range(request.extra)]
            self.allocate(request, self.need(request, computed + count))
            taken.append((request, count))
            budget -= count
        return taken

    def finish(self, taken, now):
        """Tokens computed, full blocks known by their content, requests that ended."""
        number, done = len(self.steps), []
        self.steps.append([(request.computed, count) for request, count in taken])
        for request, count in taken:
            request.computed += count
            for place in range(request.computed // self.size - request.shared):
                if self.growing == 1:
                    request.blocks[place].owner, request.blocks[place].place = request, place
            if request.computed == request.known:
                request.known += 1
                request.first = number if request.first < 0 else request.first
            if request.known == request.prompt + request.output:
                request.last, request.end = number, now
                self.running.remove(request)
                self.release(request)
                done.append(request)
        return done


def as_step(taken):
    """The step that the planner times: mean prompt, mean context."""
    prompts = [(request.computed, count) for request, count in taken if request.computed < request.admitted]
    decodes = [request.computed + 1 for request, _ in taken if request.computed >= request.admitted]
    ends = sum(request.known == request.computed + count for request, count in taken)
    mean = [sum(column) / max(1, len(prompts)) for column in zip(*prompts, strict=True)] or [0.0, 0.0]
    context = sum(decodes) / max(1, len(decodes))
    return Step(float(len(prompts)), mean[1], mean[0], float(len(decodes)), context, float(ends))


def naive_schedule(sent: Requests, limits: Limits, clock=None) -> Naive:
    run, now, index, done = Naive(sent, limits), 0.0, 0, 0
    arrivals = None if sent.arrivals is None else sent.arrivals.tolist()
    if arrivals is None:
        index = min(sent.in_flight, len(run.requests))
        run.waiting.extend(run.requests[:index])
    while done < len(run.requests):
        if arrivals is not None and not run.waiting and not run.running:
            now = max(now, arrivals[index])
        while arrivals is not None and index < len(arrivals) and arrivals[index] <= now:
            run.waiting.append(run.requests[index])
            index += 1
        taken = run.step()
        if clock is not None:
            now += clock(as_step(taken))
        ended = len(run.finish(taken, now))
        done += ended
        if arrivals is None:
            run.waiting.extend(run.requests[index : index + ended])
            index += ended
    return run
