"""What can be changed about a deployment, one thing at a time. planner/advice.py asks what each change would give.

A lever yields changes; a change is made only when it is asked for, so that what a GPU, a model or vLLM's version does
not support says so itself, in the words of the planner's own refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from planner.catalogue import gpus
from planner.engine import V1_SINCE, WHOLE_SINCE, Engine
from planner.errors import ScenarioError
from planner.precision import KV_CACHE_CAPABILITY, SCHEMES, quantization
from planner.quantities import BITS_PER_BYTE
from planner.scenario import Deployment, Scenario, check_parallelism
from planner.speculation import Speculation

SEQUENCES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
TOKENS = (512, 1024, 2048, 4096, 8192, 16384, 32768)
GPU_COUNTS = (1, 2, 4, 8)
"""Of one node: between nodes the link is another one, which the catalogue does not know."""
UTILIZATION = 0.95
DRAFTED = (1, 2, 3, 5)
ACCEPTANCE = 0.5
"""Of drafted tokens, assumed where nobody says: answers that repeat their prompt have more, free talk less [1]."""
QUALITY = {
    16: "",
    8: "8-bit weights: quality loss is usually small; check it on your own task.",
    4: "4-bit weights: quality loss depends on model and task; check it on your own.",
}
KV_QUALITY = {
    "fp8": "8-bit keys and values: a small loss, larger with long contexts; check it on your own task.",
    "fp4": "4-bit keys and values: check long contexts on your own task.",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that could be different.

    lever : key of LEVERS
    text : what would be different, from what to what
    make : the scenario with it; raises PlannerError where that cannot run
    risk : what it may cost besides time and memory; empty if nothing
    """

    lever: str
    text: str
    make: Callable[[], Scenario]
    risk: str = ""


def batch_limit(scenario: Scenario) -> Iterator[Change]:
    """Other `max_num_seqs`, up to the requests at once and to the token budget."""
    now, load = scenario.engine.max_num_seqs or 1, scenario.workload
    asked = load.concurrency if load.request_rate is None else SEQUENCES[-1]
    most = min(scenario.engine.max_num_batched_tokens or 1, max(now, asked))
    for count in SEQUENCES:
        if count != now and count <= most:
            yield _engine(scenario, "batch_limit", f"batch limit {now:g} → {count}", max_num_seqs=float(count))


def token_budget(scenario: Scenario) -> Iterator[Change]:
    """Other `max_num_batched_tokens`: how much of a prompt is computed beside the decodes of one step."""
    now = scenario.engine.max_num_batched_tokens or 1
    for count in TOKENS:
        if count != now and count >= (scenario.engine.max_num_seqs or 1):
            text = f"token budget {now:g} → {count}"
            yield _engine(scenario, "token_budget", text, max_num_batched_tokens=float(count))


def whole_prompts(scenario: Scenario) -> Iterator[Change]:
    """Chunked prefill off: a prompt is computed in one step, which needs a token budget for the longest one."""
    engine = scenario.engine
    longest = max(engine.max_num_batched_tokens or 1.0, engine.max_model_len or 1.0)

    def make() -> Scenario:
        if engine.release < WHOLE_SINCE:
            raise ScenarioError(
                f"vLLM {engine.version} is not known to let chunked prefill be switched off: from 0.8 on it is on by "
                f"itself, and {WHOLE_SINCE[0]}.{WHOLE_SINCE[1]} is the first looked at that takes the flag."
            )
        return replace(scenario, engine=replace(engine, chunked_prefill=False, max_num_batched_tokens=longest))

    if engine.chunked_prefill:
        text = f"chunked prefill off, token budget {longest:,.0f} (the longest request has to fit)"
        yield Change("whole_prompts", text, make, "vLLM warns that generating models do not officially support it.")
    else:
        yield _engine(scenario, "whole_prompts", "chunked prefill on", chunked_prefill=True)


def speculation(acceptance: float, scenario: Scenario) -> Iterator[Change]:
    """Tokens looked up in the prompt, and checked by the model several a step.

    acceptance : chance that a drafted token is taken [1]
    """
    engine = scenario.engine
    for count in DRAFTED if engine.speculation is None and scenario.workload.output_tokens > 1 else ():

        def make(count: int = count) -> Scenario:
            if engine.release < V1_SINCE:
                raise ScenarioError(f"Drafts of vLLM {engine.version} are not modelled: its scheduler is another one.")
            tried = replace(engine, speculation=Speculation(count, acceptance), async_scheduling=False)
            return replace(scenario, engine=tried)

        text = f"speculative decoding: {count} token{'s' * (count > 1)} drafted by n-gram lookup"
        yield Change(
            "speculation", text, make,
            f"Holds only if {100 * acceptance:.0f} % of drafts are taken, which depends on the text; lookup switches "
            "async scheduling off.",
        )  # fmt: skip


def weight_formats(scenario: Scenario) -> Iterator[Change]:
    """Schemes with fewer bits a weight, those included that this GPU cannot run."""
    asked, gpu, model = scenario.quantization, scenario.deployment.gpu, scenario.model
    for name, scheme in SCHEMES.items():
        if name != asked.scheme and scheme.stored_bytes < asked.weight_bytes * 0.99:

            def make(name: str = name) -> Scenario:
                return replace(scenario, quantization=quantization(name, _kept(scenario), gpu, model))

            risk = QUALITY[int(scheme.stored_bytes * BITS_PER_BYTE)]
            yield Change("weight_formats", f"{asked.scheme} weights → {name}", make, risk)


def kv_formats(scenario: Scenario) -> Iterator[Change]:
    """KV cache formats with fewer bits."""
    asked, gpu, model = scenario.quantization, scenario.deployment.gpu, scenario.model
    for name in KV_CACHE_CAPABILITY if asked.kv_cache == asked.base else ():

        def make(name: str = name) -> Scenario:
            return replace(scenario, quantization=quantization(asked.scheme, name, gpu, model))

        yield Change("kv_formats", f"{asked.kv_cache} KV cache → {name}", make, KV_QUALITY[name])


def cuda_graphs(scenario: Scenario) -> Iterator[Change]:
    """CUDA graphs instead of eager mode."""
    if scenario.engine.enforce_eager:
        yield _engine(scenario, "cuda_graphs", "eager mode → CUDA graphs", enforce_eager=False)


def memory_share(scenario: Scenario) -> Iterator[Change]:
    """More of the GPU's memory for vLLM."""
    now = scenario.engine.gpu_memory_utilization or 0.9
    if now < UTILIZATION:
        change = _engine(
            scenario,
            "memory_share",
            f"gpu_memory_utilization {now:g} → {UTILIZATION:g}",
            gpu_memory_utilization=UTILIZATION,
        )
        yield replace(change, risk="Leaves less for other processes: vLLM stops at start if it is not free.")


def context_limit(scenario: Scenario) -> Iterator[Change]:
    """A `max_model_len` no longer than the requests: vLLM admits more of them by its own count."""
    load = scenario.workload
    needed = load.prompt_tokens + load.output_tokens
    now = scenario.engine.max_model_len or needed
    if now > needed:
        text = f"max_model_len {now:,.0f} → {needed:,.0f}"
        yield replace(
            _engine(scenario, "context_limit", text, max_model_len=needed), risk="Longer requests are refused."
        )


def prefix_caching(share: float, scenario: Scenario) -> Iterator[Change]:
    """A prefix cache that holds a share of each prompt.

    share : of the prompt, found in the cache [1]
    """
    load = scenario.workload
    cached = float(int(share * load.prompt_tokens))
    if cached > load.prefix_cached_tokens:
        yield Change(
            "prefix_caching",
            f"prompts that share a prefix: {100 * share:.0f} % of each found in the prefix cache",
            lambda: replace(scenario, workload=replace(load, prefix_cached_tokens=cached)),
            "Holds only if the prompts really begin alike.",
        )


def more_gpus(scenario: Scenario) -> Iterator[Change]:
    """Other tensor-parallel sizes."""
    split = scenario.deployment
    for count in GPU_COUNTS:
        if count != split.tensor_parallel:

            def make(count: int = count) -> Scenario:
                check_parallelism(scenario.model, count, 1)
                return replace(scenario, deployment=Deployment(split.gpu, count, 1))

            yield Change("more_gpus", f"tensor parallel {split.tensor_parallel} → {count}", make)


def other_gpu(scenario: Scenario) -> Iterator[Change]:
    """Every other GPU of the catalogue, as many of them; the formats are chosen anew."""
    now = scenario.deployment
    for gpu in gpus().values():
        if gpu.id != now.gpu.id:

            def make(other: str = gpu.id) -> Scenario:
                there, asked = gpus()[other], scenario.quantization
                formats = quantization(asked.scheme, _kept(scenario), there, scenario.model)
                engine = _own_settings(scenario).with_defaults(there)
                return replace(
                    scenario, quantization=formats, engine=engine, deployment=replace(scenario.deployment, gpu=there)
                )

            yield Change("other_gpu", f"{now.gpu.label} → {gpu.label}", make)


Lever = Callable[[Scenario], Iterator[Change]]


def levers(prefix_share: float, acceptance: float = ACCEPTANCE) -> Mapping[str, Lever]:
    """Everything that advice tries, by name.

    prefix_share : of each prompt that a prefix cache would hold [1]
    acceptance : of tokens that speculative decoding would draft [1]
    """
    return {
        "batch_limit": batch_limit,
        "token_budget": token_budget,
        "whole_prompts": whole_prompts,
        "weight_formats": weight_formats,
        "kv_formats": kv_formats,
        "cuda_graphs": cuda_graphs,
        "speculation": partial(speculation, acceptance),
        "prefix_caching": partial(prefix_caching, prefix_share),
        "memory_share": memory_share,
        "context_limit": context_limit,
        "more_gpus": more_gpus,
        "other_gpu": other_gpu,
    }


def _engine(scenario: Scenario, lever: str, text: str, **settings: Any) -> Change:
    return Change(lever, text, lambda: replace(scenario, engine=replace(scenario.engine, **settings)))


def _own_settings(scenario: Scenario) -> Engine:
    """The engine with what was set by hand kept, and what was the GPU's default left open again."""
    engine = scenario.engine
    usual = Engine(version=engine.version).with_defaults(scenario.deployment.gpu)
    open_again: dict[str, Any] = {
        name: None
        for name in ("max_num_seqs", "max_num_batched_tokens", "gpu_memory_utilization")
        if getattr(engine, name) == getattr(usual, name)
    }
    return replace(engine, **open_again)


def _kept(scenario: Scenario) -> str:
    """The KV cache's format where it was chosen; "auto" where it is the 16 bits that come by themselves."""
    asked = scenario.quantization
    return "auto" if asked.kv_cache == asked.base else asked.kv_cache
