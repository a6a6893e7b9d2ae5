"""vLLM's settings and their defaults by version and GPU, and what its host code costs.

Host times are inputs of the model like any other: each has a default, and every front shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from planner.errors import InvalidWorkload
from planner.gpu import Gpu
from planner.quantities import GIB, MICROSECOND, MILLISECOND
from planner.setting_words import flagged
from planner.speculation import Speculation

LATEST = "0.33.0"
ASYNC_SINCE = (0, 14)
"""First release that schedules a step while the one before runs, unless told otherwise (wheels 0.11 to 0.32)."""
WHOLE_SINCE = (0, 32)
"""First release of which is known that chunked prefill can be switched off (its wheel: "not officially supported");
0.8 and the first ones after it switch it on by themselves."""
V1_SINCE = (0, 8)
"""First release whose default is the V1 engine, with prefix caching on."""


@dataclass(frozen=True, slots=True)
class HostTimes:
    """CPU time that the GPU waits for.

    step : scheduling, input preparation and output handling of a step [s]
    sequence : more for each sequence in the step [s]
    hidden_step, hidden_sequence : of these, behind the GPU where scheduling is asynchronous [s]
    prompt_token : more for each prompt token of a request, cached ones included [s]
    request : from the client's send to the queue and from the first token back, waiting for steps apart [s]
    launch : one kernel launched without a CUDA graph [s]
    workers : more for each step where several GPUs are told what to run [s]
    """

    step: float
    sequence: float
    hidden_step: float = 0.0
    hidden_sequence: float = 0.0
    prompt_token: float = 1.3 * MICROSECOND
    request: float = 20 * MILLISECOND
    launch: float = 21 * MICROSECOND
    workers: float = 0.0


HOST_TIMES: Mapping[str, tuple[tuple[tuple[int, int], HostTimes], ...]] = {
    "vllm": (
        ((0, 0), HostTimes(1.5 * MILLISECOND, 55 * MICROSECOND, launch=35 * MICROSECOND, workers=1.2 * MILLISECOND)),
        ((0, 8), HostTimes(1.0 * MILLISECOND, 22 * MICROSECOND)),
        ((0, 10), HostTimes(0.8 * MILLISECOND, 14 * MICROSECOND)),
        ((0, 14), HostTimes(1.0 * MILLISECOND, 22 * MICROSECOND, 0.2 * MILLISECOND, 8 * MICROSECOND)),
    ),
    "sglang": (((0, 0), HostTimes(0.1 * MILLISECOND, 2 * MICROSECOND)),),
}
"""By engine and first version; an engine that is not here counts as vLLM. vLLM before 0.8 (its V0 loop): static batches
of vLLM 0.5 on A100 and H100. 0.8-0.9: the lab's decode sweep (what grows with the batch but not with the GPU) and its
prefill sweep (1.2-1.7 us a cached prompt token, alike on four GPUs). From 0.10: serving tables, whose runs scheduled
asynchronously; from 0.14 what that hides is what 0.8-0.9 had more, which is assumed. SGLang hides its scheduler behind
the GPU: its own serving tables. A launch without a graph: 35 us in the
vLLM of 2023 (Splitwise: 28 us on the hosts of H100, 43 on those of A100), 21 us in V1 (Qwen3-235B without graphs: 16
and 23 us on two hosts). docs/model.md."""


@dataclass(frozen=True, slots=True)
class Engine:
    """vLLM's settings; None takes the default of its version on the GPU.

    max_num_seqs : sequences in one step [1]
    max_num_batched_tokens : token budget of one step [tokens]
    max_model_len : longest sequence admitted [tokens]
    gpu_memory_utilization : share of the GPU's memory that vLLM may use [1]
    enforce_eager : no CUDA graphs: every kernel is launched by the host
    async_scheduling : the host prepares a step while the GPU runs the one before
    prefix_caching : blocks of the KV cache are found again by their content
    chunked_prefill : a prompt may be computed in parts; without, only whole
    speculation : tokens drafted and checked; a step then yields several tokens for a sequence
    """

    name: str = "vllm"
    version: str = LATEST
    max_num_seqs: float | None = None
    max_num_batched_tokens: float | None = None
    max_model_len: float | None = None
    gpu_memory_utilization: float | None = None
    enforce_eager: bool = False
    async_scheduling: bool | None = None
    prefix_caching: bool | None = None
    chunked_prefill: bool = True
    host: HostTimes | None = None
    speculation: Speculation | None = None

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version, for comparison; an unreadable one counts as the latest."""
        return release(self.version)

    def with_defaults(self, gpu: Gpu) -> Engine:
        """The same settings with every gap filled as vLLM fills it on that GPU.

        raises : InvalidWorkload for a setting out of range
        """
        tokens, sequences = scheduler_limits(gpu, self.release)
        tokens = tokens if self.max_num_batched_tokens is None else self.max_num_batched_tokens
        filled = replace(
            self,
            version=self.version or LATEST,
            max_num_seqs=min(sequences, tokens) if self.max_num_seqs is None else self.max_num_seqs,
            max_num_batched_tokens=tokens,
            gpu_memory_utilization=default_utilization(self.release)
            if self.gpu_memory_utilization is None
            else self.gpu_memory_utilization,
            async_scheduling=self.release >= ASYNC_SINCE if self.async_scheduling is None else self.async_scheduling,
            prefix_caching=self.release >= V1_SINCE if self.prefix_caching is None else self.prefix_caching,
            host=host_times(self.release, self.name) if self.host is None else self.host,
        )
        _check(filled)
        return filled


def release(version: str) -> tuple[int, int]:
    """Major and minor number of a version.

    version : "0.12.0", "v0.9.1", "" (the latest)

    >>> release("v0.9.1")
    (0, 9)
    """
    found = re.match(r"v?(\d{1,6})\.(\d{1,6})", version.strip()) or re.match(r"(\d+)\.(\d+)", LATEST)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def scheduler_limits(gpu: Gpu, version: tuple[int, int]) -> tuple[float, float]:
    """Default max_num_batched_tokens and max_num_seqs of vLLM's API server.

    version : (major, minor) [1]
    returns : tokens of a step [tokens], sequences of a step [1]
    source : vLLM's EngineArgs, wheels 0.8.5 to 0.33
    """
    large = gpu.memory >= 70 * GIB
    if large and "a100" not in gpu.id:
        huge = gpu.memory >= 160 * GIB and version >= (0, 28)
        return (16384.0 if huge else 8192.0), 1024.0
    return (8192.0 if large and version < (0, 9) else 2048.0), 256.0


def default_utilization(version: tuple[int, int]) -> float:
    """Default gpu_memory_utilization: 0.92 since vLLM 0.20, 0.9 before.

    version : (major, minor) [1]

    >>> default_utilization((0, 19))
    0.9
    """
    return 0.92 if version >= (0, 20) else 0.9


def host_times(version: tuple[int, int], engine: str = "vllm") -> HostTimes:
    """Host times of an engine's version.

    version : (major, minor) [1]
    engine : "vllm", "sglang"; any other counts as vLLM of today
    """
    if engine not in HOST_TIMES:
        return HOST_TIMES["vllm"][-1][1]
    return next(times for first, times in reversed(HOST_TIMES[engine]) if version >= first)


def _check(engine: Engine) -> None:
    tokens, sequences = engine.max_num_batched_tokens or 0, engine.max_num_seqs or 0
    if tokens < sequences:
        raise InvalidWorkload(
            f"The token budget (--max-num-batched-tokens) of {tokens:g} is below the batch limit (--max-num-seqs) of "
            f"{sequences:g}: each sequence needs a token in a step, and vLLM refuses to start. Raise the one or lower "
            "the other."
        )
    limits = {
        "max_num_seqs": (engine.max_num_seqs, 1, 1_000_000),
        "max_num_batched_tokens": (engine.max_num_batched_tokens, 1, 100_000_000),
        "max_model_len": (engine.max_model_len, 1, 100_000_000),
        "gpu_memory_utilization": (engine.gpu_memory_utilization, 0.01, 1),
    }
    for name, (value, low, high) in limits.items():
        if value is not None and not low <= value <= high:
            raise InvalidWorkload(f"{flagged(name)} is {value:g}: it must be between {low:g} and {high:g}.")
