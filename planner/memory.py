"""Memory of one GPU as vLLM accounts for it, and what fits into its KV cache.

KV cache = utilization · total - weights - outside PyTorch - activation peak - CUDA graphs
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.errors import InsufficientMemory
from planner.kv_cache import block_layout, sequence_blocks
from planner.model import DenseFfn, MoeFfn
from planner.parameters import active_parameters, parameter_count, parameters_by_role
from planner.precision import BYTES
from planner.quantities import GIB
from planner.scenario import Scenario

NATIVE_SAMPLER_BYTES = 38.7
FLASHINFER_SAMPLER_BYTES = 11.0
FLASHINFER_SAMPLER_SINCE = (0, 21)
"""Peak of the sampler's profile run for each of max_num_seqs x vocab logits [bytes]; 16 real start-up logs, 38.4-41."""

OUTSIDE_TORCH = {1: 0.13 * GIB, 2: 0.55 * GIB}
"""CUDA context, NCCL and cuBLAS that appear during the profile run: one GPU, several [bytes]."""

GRAPHS_SUBTRACTED_SINCE = (0, 20)
TILES = (256, 128)
"""Multiples to which vLLM pads hidden and width of mxfp4 experts."""
REPLICATED = frozenset({"router", "other"})
"""Roles of which every GPU holds a whole copy."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one GPU, and what the KV cache holds.

    total : as CUDA reports [bytes]
    usable : that vLLM may take [bytes]
    weights, activations, graphs, outside : parts of it [bytes]
    kv_cache : what is left [bytes]; negative: that much is missing
    kv_cache_tokens : as vLLM prints them [tokens]
    blocks : of the KV cache [1]
    concurrency : requests of the workload's mean length that fit at once [1]
    longest_fits : whether its longest request does, alone
    """

    total: float
    usable: float
    weights: float
    activations: float
    graphs: float
    outside: float
    kv_cache: float
    kv_cache_tokens: float
    blocks: float
    concurrency: float
    longest_fits: bool

    @property
    def fits(self) -> bool:
        """Whether every request of the workload can run."""
        return self.kv_cache > 0 and self.longest_fits

    def require(self, scenario: Scenario) -> None:
        """Raises InsufficientMemory that says what is missing and what to change."""
        if self.fits:
            return
        name, gpu = scenario.model.name, scenario.deployment.gpu.label
        count = scenario.deployment.tensor_parallel
        if self.kv_cache <= 0:
            raise InsufficientMemory(
                f"{name} does not fit on {count} x {gpu}: weights {self.weights / GIB:.1f} GiB and working memory "
                f"{(self.activations + self.graphs + self.outside) / GIB:.1f} GiB of each GPU exceed the "
                f"{self.usable / GIB:.1f} GiB that vLLM may use by {-self.kv_cache / GIB:.1f} GiB. Take more GPUs "
                "(tensor_parallel), a larger one, or fewer bits for the weights."
            )
        length = scenario.workload.longest
        raise InsufficientMemory(
            f"{name} fits on {count} x {gpu}, but its KV cache of {self.kv_cache / GIB:.1f} GiB is too small for one "
            f"request of {length:,.0f} tokens. Take shorter requests, an fp8 KV cache, or more GPUs."
        )


def memory(scenario: Scenario, beside: float = 0.0) -> Memory:
    """Memory of one GPU of the replica, part by part.

    scenario : the question
    beside : what else is loaded with the weights: a drafter, adapters [bytes]
    returns : [bytes], [tokens]
    source : vLLM 0.33's profile run; start-up logs, docs/model.md
    """
    gpu, engine = scenario.deployment.gpu, scenario.engine
    usable = math.ceil(gpu.memory * (engine.gpu_memory_utilization or 0.9))
    weights = weight_bytes(scenario) + beside
    activations = activation_peak(scenario)
    graphs = graph_bytes(scenario)
    outside = OUTSIDE_TORCH[min(2, scenario.deployment.tensor_parallel)]
    left = usable - weights - activations - outside - (graphs if engine.release >= GRAPHS_SUBTRACTED_SINCE else 0.0)
    layout = block_layout(scenario)
    longest = engine.max_model_len or float(scenario.model.max_context)
    length = scenario.workload.prompt_tokens + scenario.workload.output_tokens
    blocks = max(0.0, left) // layout.block_bytes
    return Memory(
        total=gpu.memory,
        usable=usable,
        weights=weights,
        activations=activations,
        graphs=graphs,
        outside=outside,
        kv_cache=left,
        kv_cache_tokens=layout.reported_tokens(blocks, longest, engine),
        blocks=blocks,
        concurrency=blocks / sequence_blocks(layout, length, engine),
        longest_fits=blocks >= sequence_blocks(layout, scenario.workload.longest, engine),
    )


def weight_bytes(scenario: Scenario) -> float:
    """Weights on one GPU.

        bytes = sum over roles of parameters · padding · bytes of one weight / GPUs that share them

    scenario : model, formats, split
    returns : [bytes]
    """
    formats, split = scenario.quantization, scenario.deployment.tensor_parallel
    total = 0.0
    for role, parameters in parameters_by_role(scenario.model).items():
        share = 1 if role in REPLICATED else split
        each = BYTES[formats.base] if role in REPLICATED else formats.bytes_of(role)
        total += parameters * each / share * (expert_padding(scenario) if role == "experts" else 1.0)
    return total


def expert_padding(scenario: Scenario) -> float:
    """What vLLM adds to mxfp4 experts to make their matrices fit its kernels' tiles.

        padding = up(hidden, 256) · up(width / GPUs, 128) / (hidden · width / GPUs)

    scenario : model, formats, split
    returns : 1 for every other format [1]
    source : start-up logs of gpt-oss-120b on 2, 4 and 8 H200, vLLM 0.22: 34.38, 17.22, 8.66 GiB
    """
    widths = {layer.ffn.intermediate for layer in scenario.model.layers if isinstance(layer.ffn, MoeFfn)}
    if scenario.quantization.scheme != "mxfp4" or len(widths) != 1:
        return 1.0
    hidden, width = scenario.model.hidden, widths.pop() / scenario.deployment.tensor_parallel
    tiles = (math.ceil(hidden / TILES[0]) * TILES[0], math.ceil(width / TILES[1]) * TILES[1])
    return tiles[0] * tiles[1] / (hidden * width)


def step_weight_bytes(scenario: Scenario) -> float:
    """Weights on one GPU that every decode step has to read: of an untied input embedding it reads single rows.

        bytes = active weights - untied input embedding / GPUs

    scenario : model, formats, split
    returns : [bytes]
    """
    model = scenario.model
    unread = 0.0 if model.tied else model.vocab * model.hidden * scenario.quantization.bytes_of("embedding")
    return active_weight_bytes(scenario) - unread / scenario.deployment.tensor_parallel


def active_weight_bytes(scenario: Scenario) -> float:
    """Weights on one GPU without the experts that a token leaves out, the whole embedding table among them.

        bytes = weights - idle experts · bytes of one weight / GPUs

    scenario : model, formats, split
    returns : [bytes]; of a dense model all its weights
    """
    model, split = scenario.model, scenario.deployment.tensor_parallel
    unread = 0 if model.tied else model.vocab * model.hidden
    idle = parameter_count(model) - active_parameters(model) - unread
    each = scenario.quantization.bytes_of("experts") * expert_padding(scenario)
    return weight_bytes(scenario) - idle * each / split


def activation_peak(scenario: Scenario) -> float:
    """Largest working memory of the profile run: the forward pass at the token budget, or the sampler at max_num_seqs.

        forward = tokens · (4 · hidden + 3 · width / GPUs) · bytes
        sampler = max_num_seqs · vocab · bytes a logit (38.7 in PyTorch, 11 in FlashInfer)

    scenario : engine's limits, model's widths
    returns : [bytes]
    source : 16 start-up logs; docs/model.md
    """
    engine, model = scenario.engine, scenario.model
    width = max((_active_width(layer.ffn) for layer in model.layers), default=0.0)
    row = 4 * model.hidden + 3 * width / scenario.deployment.tensor_parallel
    forward = (engine.max_num_batched_tokens or 0.0) * row * BYTES[scenario.quantization.base]
    each = FLASHINFER_SAMPLER_BYTES if engine.release >= FLASHINFER_SAMPLER_SINCE else NATIVE_SAMPLER_BYTES
    return max(forward, (engine.max_num_seqs or 0.0) * model.vocab * each)


def graph_bytes(scenario: Scenario) -> float:
    """CUDA graphs: about 1 GiB from Hopper on, half of that before, none in eager mode.

    scenario : GPU and engine
    returns : [bytes]
    source : start-up logs (H200 0.96-1.03, A100 0.5-0.65, T4 0.2-0.6 GiB)
    """
    if scenario.engine.enforce_eager:
        return 0.0
    return (1.0 if scenario.deployment.gpu.capability >= 9.0 else 0.5) * GIB


def _active_width(ffn: DenseFfn | MoeFfn | None) -> float:
    if isinstance(ffn, MoeFfn):
        return ffn.experts_per_token * ffn.intermediate + ffn.shared_intermediate
    return ffn.intermediate if ffn is not None else 0.0
