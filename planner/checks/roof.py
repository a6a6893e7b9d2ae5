"""End to end: does a measured time leave room for the work that it is said to have done?

| check | limit |
| --- | --- |
| compute_roof | FLOP/s: the dense peak; in a table without a point above it, what single kernels reach |
| same_benchmark | points below the roof of a benchmark whose other points are above it |
| decode_floor | B/s: a decode step reads its weights at least once |
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.checks.evidence import Case, Evidence, Finding
from planner.checks.work import Work, works
from planner.intervals import fastest_step
from planner.measured import Severity
from planner.quantities import GIGA
from planner.words import digits, duration, giga, percent, tera

COMPUTE, SAME, DECODE = "compute_roof", "same_benchmark", "decode_floor"
OURS, NEAR = ("", "vllm"), 1.1
"""Engines whose kernels' rates are known; above these rates by more than their own scatter."""
OTHER_SETUP = (
    "GPU, number of GPUs, model or quantization is not the one that was measured, or tokens are counted that were not "
    "generated one by one (speculative decoding)"
)


def compute_roof(evidence: Evidence) -> Iterator[Finding]:
    """More FLOP/s than the GPU has.

        2 · N · tokens / time / GPUs > peak, and FLOPs of vLLM's own ops / rates of single kernels > time
        N : parameters that a token uses, embedding and lm_head included

    evidence : cases with lengths [tokens]
    returns : where the ops of any point break the peak, a finding for each point above it; else one for each that needs
        more than 1.1 times what kernels reach; and one for the rest of their benchmark
    valid : prompts not known to come from the cache. 2 N a token counts the embedding too, which is no arithmetic: the
        second condition counts exactly, at the rates of data/efficiency.yaml, for vLLM's kernels alone
    source : 2 N a token: Kaplan et al., arXiv:2001.08361
    """
    looked = [(case, max(found, key=_share)) for case in evidence.cases if (found := list(works(case)))]
    impossible = any(work.peak_share > 1 for _, work in looked)
    beyond, told = (_beyond_peak, _above_peak) if impossible else (_beyond_kernels, _above_kernels)
    caught = [(case, work) for case, work in looked if beyond(case, work)]
    yield from (told(case, work) for case, work in caught)
    models = {case.asked.model.name for case, _ in caught}
    rest = [work for case, work in looked if case.asked.model.name in models and (case, work) not in caught]
    if rest:
        yield _same_benchmark(rest, len(caught))


def decode_floor(evidence: Evidence) -> Iterator[Finding]:
    """A decode step shorter than reading its weights.

        TPOT · tokens accepted in a step < weights / bandwidth

    evidence : cases with TPOT [s]
    valid : weights that one token needs, so for mixtures at any batch too
    """
    for case in evidence.cases:
        step = _step(case)
        if case.scenario is None or step is None or step >= (floor := fastest_step(case.scenario)):
            continue
        gpu = case.scenario.deployment.gpu
        yield Finding(
            DECODE,
            Severity.ERROR,
            case.subject,
            f"A decode step is said to take {duration(step)}, but its weights, {digits(floor * gpu.bandwidth / GIGA)} "
            f"GB on each GPU, take {duration(floor)} at the {giga(gpu.bandwidth)} of {gpu.label}.",
            gpu.bandwidth * floor / step,
            gpu.bandwidth,
            "B/s",
            OTHER_SETUP,
            "Compare GPU, tensor_parallel, model and quantization with the server's start-up log, and the tokens that "
            "it says it generated with those that the client counted.",
        )


def _share(work: Work) -> float:
    return work.kernel_share


def _beyond_peak(case: Case, work: Work) -> bool:
    possible = work.kernel_share if case.asked.engine.name in OURS else work.peak_share
    return possible > 1 and work.counted / work.seconds > _peak(case)


def _beyond_kernels(case: Case, work: Work) -> bool:
    return case.asked.engine.name in OURS and work.kernel_share > NEAR


def _peak(case: Case) -> float:
    return case.asked.deployment.gpu.peak(case.asked.quantization.matmul)


def _step(case: Case) -> float | None:
    found = case.value("tpot") or case.value("latency_per_output_token")
    return found * (case.told("spec_decode_acceptance_length") or 1.0) if found else None


def _above_peak(case: Case, work: Work) -> Finding:
    rate, peak, formats = work.counted / work.seconds, _peak(case), case.asked.quantization.matmul
    tokens, gpu = work.prompt_tokens + work.output_tokens, case.asked.deployment.gpu.label
    return Finding(
        COMPUTE,
        Severity.ERROR if work.peak_share > 1 else Severity.WARNING,
        case.subject,
        f"{work.what}, {digits(tokens)} tokens, in {duration(work.seconds)} is {tera(rate)} on each GPU: "
        f"{rate / peak:#.3g} times the dense {formats} peak of {gpu} ({tera(peak)}), at 2 FLOP a "
        f"parameter and token. The ops that vLLM runs alone make {percent(work.peak_share)} of the peak.",
        rate,
        peak,
        "FLOP/s",
        _cause(work),
        _experiment(work),
    )


def _above_kernels(case: Case, work: Work) -> Finding:
    rate, counted = work.flops / work.seconds, work.counted / work.seconds / _peak(case)
    return Finding(
        COMPUTE,
        Severity.WARNING,
        case.subject,
        f"{work.what} takes {duration(work.seconds)}, which makes {tera(rate)} on each GPU, "
        f"{percent(work.peak_share)} of the peak of {case.asked.deployment.gpu.label} ({percent(counted)} at 2 FLOP a "
        f"parameter and token): {work.kernel_share:#.3g} times what its matrix products and attention reach alone.",
        rate,
        rate / work.kernel_share,
        "FLOP/s",
        _cause(work),
        _experiment(work),
    )


def _same_benchmark(rest: list[Work], caught: int) -> Finding:
    highest = max(work.peak_share for work in rest)
    return Finding(
        SAME,
        Severity.INFO,
        f"{len(rest)} further points of the same model",
        f"{len(rest)} points of the same model stay below the roof, at up to {percent(highest)} of the peak; but "
        f"{caught} of the same benchmark do not.",
        highest,
        1.0,
        "of the peak",
        "the same benchmark, so the same fault, where it is too small to break the roof",
        "Repeat the benchmark as above before any of its points is used.",
    )


def _cause(work: Work) -> str:
    fits = work.possible_prompt_tokens
    if not fits:
        return OTHER_SETUP
    return (
        f"prefix-cache hits: in that time kernels get through {digits(fits)} of {digits(work.prompt_tokens)} prompt "
        f"tokens, so at least {percent(1 - fits / work.prompt_tokens)} were not computed, as when a benchmark repeats "
        "its prompts"
    )


def _experiment(work: Work) -> str:
    least = work.prompt.kernel_time + work.output.kernel_time
    return (
        "Start vLLM with --no-enable-prefix-caching, or send prompts that differ from their first token on (another "
        f"--seed each time): {work.what[0].lower()}{work.what[1:]} then takes {duration(least)} or more."
    )
