"""How a time grows with the prompt or the batch: work of the GPU grows as its roofs say, work of the host does not.

| check | looks at |
| --- | --- |
| marginal_cost | time of a further prompt token: below what its arithmetic takes, or alike on different GPUs |
| flat_tpot | TPOT that does not follow the batch although the GPU's work does |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from planner.checks.evidence import Case, Evidence, Finding, same_but
from planner.checks.work import compute, works
from planner.latency import StepTime, step_time
from planner.measured import Severity
from planner.quantities import FloatArray
from planner.step import decode_step, prefill_step
from planner.words import digits, duration

COST, FLAT = "marginal_cost", "flat_tpot"
FEWEST = 4
"""Points from which a slope is told."""
ALIKE = 0.5
"""Share of the GPUs' spread, in logarithms, below which costs are alike on them."""
GROWS, FLATTER, ABOVE, SPAN = 0.15, 2 / 3, 1.25, 4
"""Slope that the GPU's time must have for a flat one to tell anything; share of it that is flat; how far TPOT lies
above that time; largest batch over smallest [1]."""
LOADS = ("concurrency", "requests", "input_tokens", "output_tokens", "random_range_ratio", "expert_parallel")


def marginal_cost(evidence: Evidence) -> Iterator[Finding]:
    """A prompt token that costs less than its arithmetic.

        cost = slope of TTFT over the prompt's length; least = slope of its FLOPs at the dense peaks

    evidence : sweeps over the prompt's length, alone on their GPU [s], [tokens]
    returns : one finding where each cost is below the least, and several GPUs cost alike although their peaks differ;
        or one for a GPU that costs less than the least
    valid : from 4 lengths on; prompts not known to come from the cache
    """
    costs = [
        (cases[0], _cost(cases), _least(cases)) for cases in same_but(evidence.cases, "input_tokens") if _swept(cases)
    ]
    for model in Counter(case.asked.model.name for case, _, _ in costs):
        below = [item for item in costs if item[0].asked.model.name == model and item[1] < item[2]]
        if len(below) > 1:
            yield from _alike(below)
        elif below:
            yield _too_cheap(*below[0])


def flat_tpot(evidence: Evidence) -> Iterator[Finding]:
    """TPOT alike at every batch, and far above the GPU's time.

        slope + 2 standard errors < two thirds of the slope of the GPU's time, both of log time over log batch
        TPOT without prompts = TPOT · (1 - share of the time in which kernels compute other requests' prompts)

    evidence : closed loops at several concurrencies [s]
    returns : a finding for each point of such a series; measured: TPOT without prompts, limit: the GPU's time of that
        decode step [s]
    valid : from 4 points on, over a batch that grows fourfold, where the GPU's time grows with it (slope over 0.15).
        Held against 3,400 points of InferenceX: none is taken for one
    """
    for cases in same_but(evidence.cases, *LOADS):
        timed = [(case, bare, _decode(case)) for case in cases if (bare := _without_prompts(case))]
        batches = np.array([case.told("concurrency") or 1.0 for case, _, _ in timed])
        if len(timed) < FEWEST or batches.max() < SPAN * batches.min():
            continue
        measured = np.array([bare for _, bare, _ in timed])
        needed = np.array([float(step.gpu) for _, _, step in timed])
        (slope, error), (expected, _) = _elasticity(batches, measured), _elasticity(batches, needed)
        if expected > GROWS and slope + 2 * error < FLATTER * expected and np.median(measured / needed) > ABOVE:
            for case, bare, step in timed:
                yield _flat(case, bare, step, batches, (slope, expected))


def _swept(cases: list[Case]) -> bool:
    told = {case.told("prompt_tokens") for case in cases if case.value("ttft") and case.told("output_tokens")}
    alone = all((case.told("concurrency") or 1) == 1 and not case.told("prefix_cached_tokens") for case in cases)
    return alone and len(told - {None}) >= FEWEST


def _cost(cases: list[Case]) -> float:
    timed = [case for case in cases if case.value("ttft")]
    lengths, times = (np.array([float(value or 0) for value in side]) for side in (
        [case.told("prompt_tokens") for case in timed], [case.value("ttft") for case in timed]
    ))  # fmt: skip
    return _slope(lengths, times)


def _least(cases: list[Case]) -> float:
    lengths = sorted(length for case in cases if (length := case.told("prompt_tokens")))
    short, long = (compute(cases[0].asked, prefill_step(1.0, length)).peak_time for length in (lengths[0], lengths[-1]))
    return (long - short) / (lengths[-1] - lengths[0])


def _alike(below: list[tuple[Case, float, float]]) -> Iterator[Finding]:
    costs, least = [cost for _, cost, _ in below], [peak for _, _, peak in below]
    spread, expected = max(costs) / min(costs), max(least) / min(least)
    if np.log(spread) > ALIKE * np.log(expected):
        yield from (_too_cheap(*item) for item in below)
        return
    said = ", ".join(f"{_name(case)} {duration(cost)}" for case, cost, _ in below)
    yield Finding(
        COST,
        Severity.WARNING,
        f"{len(below)} GPUs, a further prompt token",
        f"A further prompt token costs {said}: at most {digits(spread)} times apart on GPUs whose peaks are "
        f"{digits(expected)} times apart, and less than its arithmetic takes at the peak ({duration(min(least))} to "
        f"{duration(max(least))}).",
        spread,
        expected,
        "times",
        "work of the host that grows with the prompt (tokenizing, hashing blocks, copying), not of the GPU: the tokens "
        "were not computed, but found in the prefix cache",
        "Repeat the longest prompt with --no-enable-prefix-caching: if the GPU works, the cost of a token differs by "
        f"{digits(expected)} times between these GPUs.",
    )


def _too_cheap(case: Case, cost: float, least: float) -> Finding:
    return Finding(
        COST,
        Severity.WARNING,
        f"{_name(case)}, a further prompt token",
        f"A further prompt token costs {duration(max(cost, 0.0))}; its arithmetic alone takes {duration(least)} at the "
        f"peak of {case.asked.deployment.gpu.label}.",
        cost,
        least,
        "s",
        "the tokens were not computed, but found in the prefix cache: what grows with them is work of the host",
        "Repeat the longest prompt with --no-enable-prefix-caching.",
    )


def _flat(case: Case, bare: float, step: StepTime, batches: FloatArray, slopes: tuple[float, float]) -> Finding:
    needed, tpot = float(step.gpu), case.value("tpot") or bare
    launches = sum(float(time.op.count * time.op.launches) for time in step.ops)
    grows, expected = (100 * (2**slope - 1) for slope in slopes)
    return Finding(
        FLAT,
        Severity.WARNING,
        case.subject,
        f"TPOT is {duration(tpot)}, {duration(tpot / case.asked.model.depth)} a layer; without the prompts of others "
        f"{duration(bare)}, {digits(bare / needed)} times the GPU's {duration(needed)}. From {batches.min():g} to "
        f"{batches.max():g} requests at once that grows by {digits(grows)} % with each doubling, the GPU's work by "
        f"{digits(expected)} %.",
        bare,
        needed,
        "s",
        "a cost that depends on neither batch nor context: the host launches each kernel by itself, without CUDA "
        f"graphs ({launches:,.0f} kernels a step make {duration(bare / launches)} each)",
        "Look for enforce_eager or a missing CUDA graph capture in the server's start-up log; restart with graphs and "
        f"repeat this point: {duration(float(step.total))} is expected.",
    )


def _without_prompts(case: Case) -> float | None:
    """TPOT less the share of a turn of the loop in which kernels compute prompts [s]."""
    tpot, turn = case.value("tpot"), next((work for work in works(case) if work.output_tokens), None)
    if not tpot or turn is None or not case.told("concurrency"):
        return None
    share = turn.prompt.kernel_time / turn.seconds
    return tpot * (1 - share) if share < 1 else None


def _decode(case: Case) -> StepTime:
    context = (case.told("prompt_tokens") or 0.0) + (case.told("output_tokens") or 0.0) / 2
    return step_time(case.asked, decode_step(case.told("concurrency") or 1.0, context))


def _elasticity(batches: FloatArray, times: FloatArray) -> tuple[float, float]:
    """Slope of log time over log batch, and its standard error [1]."""
    across, up = np.log(batches), np.log(times)
    slope = _slope(across, up)
    left = up - up.mean() - slope * (across - across.mean())
    return slope, float(np.sqrt(left @ left / (len(up) - 2) / np.sum((across - across.mean()) ** 2)))


def _slope(across: FloatArray, up: FloatArray) -> float:
    """Of the line of least squares."""
    centred = across - across.mean()
    return float(centred @ up / (centred @ centred))


def _name(case: Case) -> str:
    return case.run.gpu_names[0] if case.run.gpu_names else case.asked.deployment.gpu.label
