"""A jump that no roof explains: twice the batch takes twice the time, so nothing was gained, though it paid before."""

from __future__ import annotations

import math
from collections.abc import Iterator

from planner.checks.evidence import Case, Evidence, Finding, same_but
from planner.latency import step_time
from planner.measured import Severity
from planner.memory import memory
from planner.step import decode_step
from planner.words import duration, percent

WAVES = "waves"
METRICS = ("latency_per_output_token", "e2e")
PROPORTIONAL, PAID = 0.9, 0.7
"""Exponent of time over batch from which a larger batch gains nothing, and below which it paid [1]."""


def waves(evidence: Evidence) -> Iterator[Finding]:
    """A batch that runs in several waves.

        log(time ratio) / log(batch ratio) > 0.9, after < 0.7 for the batches before, and a step fills < 0.9 of the time

    evidence : batches of one GPU and model, all started together [s]
    returns : measured: time of the larger batch; limit: of the one before it [s]
    valid : from 3 batches on, where max_num_seqs or the KV cache hold the one batch and not the other
    """
    for cases in same_but(evidence.cases, "concurrency", "requests"):
        timed = [(batch, seconds, case) for case in cases
                 if (batch := case.told("concurrency")) and (seconds := _time(case))]  # fmt: skip
        timed.sort(key=lambda item: item[0])
        for before, smaller, larger in zip(timed, timed[1:], timed[2:], strict=False):
            if before[0] < smaller[0] < larger[0] and _jumps(before, smaller, larger):
                yield from _finding(before, smaller, larger)


def _time(case: Case) -> float | None:
    if case.asked.workload.mode != "batch":
        return None
    return next((value for metric in METRICS if (value := case.value(metric))), None)


Timed = tuple[float, float, Case]


def _jumps(before: Timed, smaller: Timed, larger: Timed) -> bool:
    paid, proportional = _exponent(before, smaller) < PAID, _exponent(smaller, larger) > PROPORTIONAL
    return paid and proportional and _gpu_share(larger) < PROPORTIONAL


def _exponent(one: Timed, other: Timed) -> float:
    return math.log(other[1] / one[1]) / math.log(other[0] / one[0])


def _gpu_share(timed: Timed) -> float:
    """Of its time, what decoding needs on the GPU: FLOPs, weights and KV cache [1]."""
    batch, seconds, case = timed
    output = case.told("output_tokens") or 1.0
    each = seconds if case.value(METRICS[0]) else seconds / output
    context = (case.told("prompt_tokens") or 0.0) + output / 2
    return float(step_time(case.asked, decode_step(batch, context)).gpu) / each


def _finding(before: Timed, smaller: Timed, larger: Timed) -> Iterator[Finding]:
    ratio, share = larger[1] / smaller[1], _gpu_share(larger)
    limit, why, remedy = _capacity(smaller[0], larger)
    if not why:
        return
    grown = smaller[1] + (larger[0] - smaller[0]) * (smaller[1] - before[1]) / (smaller[0] - before[0])
    yield Finding(
        WAVES,
        Severity.WARNING,
        larger[2].subject,
        f"Batch {larger[0]:g} takes {duration(larger[1])}, {ratio:#.3g} times the {duration(smaller[1])} of batch "
        f"{smaller[0]:g}: no gain from batching. No ridge does that: a step of all fills {percent(share)} of it.",
        larger[1],
        smaller[1],
        "s",
        f"{_counted(larger[0] / limit)} of {why}",
        f'Read "Running: {limit:g} reqs, Waiting: {larger[0] - limit:g} reqs" in the server\'s log, and repeat it '
        f"{remedy}: one wave that grows as from {before[0]:g} to {smaller[0]:g} takes {duration(grown)}.",
    )


def _capacity(smaller: float, larger: Timed) -> tuple[float, str, str]:
    """The batch that runs at once, why no more does, and what lets more; no why: as far as we know, more does."""
    asked, batch = larger[2].asked, larger[0]
    slots, room = asked.engine.max_num_seqs or batch, math.floor(memory(asked).concurrency)
    told = "as set" if larger[2].told("max_num_seqs") else f"vLLM's default on {asked.deployment.gpu.label}"
    if smaller <= slots < batch:
        return slots, f"the batch limit of {slots:g} (--max-num-seqs), {told}", f"with --max-num-seqs {batch:g}"
    if smaller <= room < batch:
        return room, f"the {room:,.0f} such requests that the KV cache holds", "with an fp8 KV cache or more GPUs"
    return smaller, "", ""


def _counted(waves_needed: float) -> str:
    count = math.ceil(waves_needed)
    return f"{ {2: 'two', 3: 'three', 4: 'four'}.get(count, count) } waves"
