"""The question: which model, in which formats, on which GPUs, in which engine, under which load."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from planner.correction import Correction
from planner.engine import Engine, HostTimes
from planner.errors import InvalidParallelism, InvalidWorkload
from planner.gpu import Gpu
from planner.model import Attention, LatentAttention, LinearAttention, Model, MoeFfn, StateSpace
from planner.precision import Quantization, quantization
from planner.recorded import Recorded

MODES = ("serving", "batch")
MAX_TOKENS = 100_000_000
MAX_CONCURRENCY = 1_000_000


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked of the server.

    prompt_tokens, output_tokens : means over the requests [tokens]
    concurrency : requests in flight (serving), or the size of the one batch (batch)
    mode : "serving", a loop in which each finished request is followed by the next; "batch", all started together
    request_rate : arrivals in an open loop [1/s]; None: a closed loop at `concurrency`
    requests : how many the measurement sends; None: five times the concurrency
    length_ratio : lengths are uniform between this share of a nominal length and that length; 1: all alike
    prefix_cached_tokens : of each prompt, found in the prefix cache, where all share it, and not computed [tokens]
    burstiness : of an open loop: shape of the gamma distribution of its intervals; 1: Poisson, below 1 in bursts
    recorded : the requests themselves; the lengths above are then their means. See `replay`
    """

    prompt_tokens: float
    output_tokens: float
    concurrency: float = 1
    mode: str = "serving"
    request_rate: float | None = None
    requests: int | None = None
    length_ratio: float = 1.0
    prefix_cached_tokens: float = 0.0
    burstiness: float = 1.0
    recorded: Recorded | None = None

    @property
    def open_loop(self) -> bool:
        """Whether requests come by the clock, not when others end."""
        timed = self.recorded is not None and self.recorded.arrivals is not None
        return self.mode == "serving" and (timed or self.request_rate is not None)

    @property
    def longest(self) -> float:
        """Prompt and output of the longest request [tokens]."""
        if self.recorded is not None:
            return self.recorded.longest
        nominal = 2 / (1 + self.length_ratio)
        return float(math.floor(self.prompt_tokens * nominal) + math.floor(self.output_tokens * nominal))


@dataclass(frozen=True, slots=True)
class Deployment:
    """GPUs of one replica, and how the model is split over them.

    tensor_parallel : GPUs that share each matrix
    expert_parallel : GPUs over which whole experts are spread; divides tensor_parallel
    """

    gpu: Gpu
    tensor_parallel: int = 1
    expert_parallel: int = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """One whole question.

    correction : factors of a calibration; None: the catalogue as it is
    """

    model: Model
    quantization: Quantization
    deployment: Deployment
    engine: Engine
    workload: Workload
    correction: Correction | None = None

    @property
    def configuration(self) -> str:
        """What runs where, whatever the load: model, formats, GPU and split."""
        split = self.deployment
        parts = (self.model.name, self.quantization.scheme, self.quantization.kv_cache, split.gpu.id)
        return " ".join((*parts, f"x{split.tensor_parallel}"))

    @property
    def factors(self) -> Correction | None:
        """Those of the calibration as they hold for this model; None without one."""
        return self.correction.held(self.configuration) if self.correction else None

    @property
    def host(self) -> HostTimes | None:
        """Host times that hold: the engine's, with a calibration's factors [s]."""
        times, own = self.engine.host, self.factors
        return times if times is None or own is None else own.host(times)


def scenario(
    model: Model,
    gpu: Gpu,
    workload: Workload,
    *,
    scheme: str | None = None,
    kv_cache: str = "auto",
    tensor_parallel: int = 1,
    expert_parallel: int = 1,
    engine: Engine | None = None,
) -> Scenario:
    """A checked question. Everything left out takes vLLM's default for that GPU and model.

    scheme : quantization; None takes the checkpoint's own
    tensor_parallel, expert_parallel : GPUs of the replica [1]
    raises : ScenarioError
    """
    check_workload(workload)
    check_parallelism(model, tensor_parallel, expert_parallel)
    formats = quantization(scheme, kv_cache, gpu, model)
    chosen = (engine or Engine()).with_defaults(gpu)
    if workload.prefix_cached_tokens and engine is not None and engine.prefix_caching is False:
        raise InvalidWorkload(
            f"{workload.prefix_cached_tokens:g} prompt tokens are to be cached, but prefix caching is off: nothing is "
            "found. Leave the one at 0 or switch the other on."
        )
    length = workload.longest
    if chosen.max_model_len is not None and length > chosen.max_model_len:
        raise InvalidWorkload(
            f"{length:,.0f} tokens of prompt and output exceed the context limit of {chosen.max_model_len:,.0f}: vLLM "
            "refuses such requests. Shorten them or raise the limit (--max-model-len)."
        )
    if chosen.max_model_len is None:
        chosen = replace(chosen, max_model_len=float(model.max_context))
    return Scenario(model, formats, Deployment(gpu, tensor_parallel, expert_parallel), chosen, workload)


def replay(recording: Recorded, concurrency: float = 1) -> Workload:
    """The load of a recording: at its own times if it has some, else in a closed loop.

    recording : from planner.recorded.recorded [tokens], [s]
    concurrency : requests in flight, in a closed loop [1]
    """
    count = len(recording.prompts)
    prompt, output, cached = (
        sum(column) / count for column in (recording.prompts, recording.outputs, recording.cached)
    )
    return Workload(prompt, output, concurrency, requests=count, prefix_cached_tokens=cached, recorded=recording)


def check_workload(workload: Workload) -> None:
    """Refuses lengths, batch and rates that no server can be asked for.

    raises : InvalidWorkload naming the field
    """
    ranges = {
        "prompt_tokens": (workload.prompt_tokens, 1, MAX_TOKENS),
        "output_tokens": (workload.output_tokens, 1, MAX_TOKENS),
        "concurrency": (workload.concurrency, 1, MAX_CONCURRENCY),
        "prefix_cached_tokens": (workload.prefix_cached_tokens, 0, workload.prompt_tokens),
        "length_ratio": (workload.length_ratio, 1e-9, 1),
        "burstiness": (workload.burstiness, 1e-3, 1e6),
        "requests": (workload.requests if workload.requests is not None else 1, 1, MAX_CONCURRENCY),
        "request_rate": (workload.request_rate if workload.request_rate is not None else 1, 1e-9, MAX_CONCURRENCY),
    }
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise InvalidWorkload(f"{name} is {value:g}: it must be between {low:g} and {high:g}.")
    if workload.mode not in MODES:
        raise InvalidWorkload(f'mode is "{workload.mode[:40]}": choose one of {", ".join(MODES)}.')


def check_parallelism(model: Model, tensor_parallel: int, expert_parallel: int) -> None:
    """Refuses splits that vLLM refuses: heads that do not divide, experts without a mixture.

    raises : InvalidParallelism naming the sizes that work
    """
    if not 1 <= tensor_parallel <= 1024 or not 1 <= expert_parallel <= tensor_parallel:
        raise InvalidParallelism(
            f"{tensor_parallel} GPUs (tensor parallel) and {expert_parallel} for experts: both must be at least 1, and "
            "experts are spread over the GPUs of the tensor-parallel group."
        )
    heads = [_heads(layer.mixer) for layer in model.layers if layer.mixer is not None]
    uneven = next((count for count in heads if count % tensor_parallel), None)
    if uneven is not None:
        fits = [size for size in range(1, 129) if all(count % size == 0 for count in heads)]
        raise InvalidParallelism(
            f"{model.name} has {uneven} attention heads, which {tensor_parallel} GPUs cannot share evenly. "
            f"Tensor parallel may be {', '.join(map(str, fits))}."
        )
    if expert_parallel > 1:
        _check_experts(model, tensor_parallel, expert_parallel)


def _check_experts(model: Model, tensor_parallel: int, expert_parallel: int) -> None:
    experts = [layer.ffn.experts for layer in model.layers if isinstance(layer.ffn, MoeFfn)]
    if not experts:
        raise InvalidParallelism(f"{model.name} has no experts to spread. Leave expert parallel at 1.")
    if tensor_parallel % expert_parallel:
        raise InvalidParallelism(
            f"Expert parallel {expert_parallel} must divide the {tensor_parallel} GPUs (tensor parallel)."
        )


def _heads(mixer: Attention | LatentAttention | StateSpace | LinearAttention) -> int:
    return mixer.value_heads if isinstance(mixer, LinearAttention) else mixer.heads
