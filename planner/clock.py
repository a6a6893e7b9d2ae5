"""Times of steps one by one, as an open loop asks for them, read off times of many made at once.

A step's time costs as much alone as with a thousand others. So decode steps are made for a grid of contexts, between
which time is a straight line, and mixed steps for the prompts that come next. What is not foreseen is timed alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from planner.quantities import FloatArray
from planner.schedule import Requests
from planner.step import Step, decode_step

ROWS = 8
"""Batches whose decode steps are made at once."""
AHEAD, AROUND = 32, 16
"""Prompts made ready at once, each for so many more or fewer decoding sequences."""
STRAIGHT = 1e-10
"""Relative error at which a stretch between two contexts counts as straight."""
MAX_CONTEXTS = 400
PROBES = np.array([1.0, 8.0, 100.0])
"""Batches at which the grid of contexts is chosen: its bends hardly depend on the batch."""

Seconds = Callable[[Step], FloatArray]


@dataclass(slots=True)
class StepClock:
    """Calling it with a step gives its time [s]. Made by `step_clock`.

    seconds : of the steps whose fields are arrays [s]
    contexts : grid over which decode time is straight from one to the next, ascending [tokens]
    prompts : (tokens, tokens before them) of each whole prompt, in order of arrival [tokens]
    served : prompts so far [1]
    decodes : batch -> time at each context [s]
    mixed : (tokens, tokens before, batch) -> what one whole prompt adds to a decode step [s]
    """

    seconds: Seconds
    contexts: list[float]
    prompts: list[tuple[float, float]]
    served: int = 0
    decodes: dict[float, list[float]] = field(default_factory=dict)
    mixed: dict[tuple[float, float, float], float] = field(default_factory=dict)

    def __call__(self, step: Step) -> float:
        """Time of one step [s].

        step : its fields are numbers
        """
        batch, context = float(step.decode_sequences), float(step.decode_context)
        if not step.prefill_sequences:
            return self._decode(batch, context)
        self.served += int(step.prefill_sequences)
        if step.prefill_sequences > 1 or step.sampled == batch:
            return float(self.seconds(step))
        prompt = (float(step.prefill_tokens), float(step.prefill_context))
        if (*prompt, batch) not in self.mixed:
            self._make_ready(prompt, batch, max(context, 1.0))
        alone = self._decode(batch, context) if batch else 0.0
        return self.mixed[*prompt, batch] + alone

    def _decode(self, batch: float, context: float) -> float:
        if batch not in self.decodes:
            batches = batch // ROWS * ROWS + np.arange(ROWS, dtype=float)
            grid = self.seconds(decode_step(batches[:, None], np.array(self.contexts)[None]))
            self.decodes |= dict(zip(batches.tolist(), grid.tolist(), strict=True))
        times, at = self.decodes[batch], bisect_left(self.contexts, context, 1, len(self.contexts) - 1)
        low, high = self.contexts[at - 1], self.contexts[at]
        return times[at - 1] + (times[at] - times[at - 1]) * (context - low) / (high - low)

    def _make_ready(self, prompt: tuple[float, float], batch: float, context: float) -> None:
        pairs = list(dict.fromkeys([prompt, *self.prompts[self.served : self.served + AHEAD]]))
        batches = np.arange(max(0.0, batch - AROUND), batch + AROUND + 1)
        tokens, before = (np.array(column)[:, None] for column in zip(*pairs, strict=True))
        alone = decode_step(batches, np.where(batches > 0, context, 0.0))
        both = replace(alone, prefill_sequences=1.0, prefill_tokens=tokens, prefill_context=before, sampled=batches + 1)
        added = self.seconds(both) - np.where(batches > 0, self.seconds(alone), 0.0)
        for pair, times in zip(pairs, added.tolist(), strict=True):
            self.mixed |= {(*pair, at): time for at, time in zip(batches.tolist(), times, strict=True)}


def step_clock(seconds: Seconds, requests: Requests) -> StepClock:
    """A clock for the steps of a load.

    seconds : time of steps whose fields are arrays [s]
    requests : their prompts are foreseen [tokens]
    returns : exact up to STRAIGHT where a prompt adds as much whatever the context of the decodes
    """
    longest = float((requests.prompts + requests.outputs).max())
    before = np.minimum(requests.cached, requests.prompts - 1)
    prompts = list(zip((requests.prompts - before).tolist(), before.tolist(), strict=True))
    return StepClock(seconds, _contexts(seconds, longest + 1).tolist(), prompts)


def _contexts(seconds: Seconds, longest: float) -> FloatArray:
    """Contexts from 0 to the longest; stretches that are not straight are halved."""
    grid = np.array([0.0, longest / 2, longest])
    while len(grid) < MAX_CONTEXTS:
        middle = (grid[:-1] + grid[1:]) / 2
        ends, between = (seconds(decode_step(PROBES[:, None], at[None])) for at in (grid, middle))
        error = np.abs((ends[:, :-1] + ends[:, 1:]) / 2 - between) / between
        bent = (error.max(axis=0) > STRAIGHT) & (np.diff(grid) > STRAIGHT * longest)
        if not bent.any():
            break
        grid = np.sort(np.concatenate([grid, middle[bent]]))
    return grid
