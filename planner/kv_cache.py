"""vLLM's KV cache: blocks shared by groups of alike layers, and how many a sequence needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.engine import Engine
from planner.model import Attention, LatentAttention, LinearAttention, Mixer, StateSpace
from planner.precision import BYTES
from planner.scenario import Scenario

BLOCK_TOKENS = 16
TOKENS_BY_CONCURRENCY_SINCE = (0, 21)
SIMILAR_COUNTS = 1.5
"""Below this ratio of layer counts vLLM makes groups of the larger count and pads the others."""


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """Layers that share block tables.

    window : tokens kept for a sequence; None: all [tokens]
    stateful : a state of fixed size instead of keys and values
    """

    window: int | None
    stateful: bool


@dataclass(frozen=True, slots=True)
class BlockLayout:
    """One block holds `tokens` of one group's layers; every group's block has the same size.

    tokens : of one block [tokens]
    block_bytes : of one block on one GPU [bytes]
    groups : of layers
    """

    tokens: float
    block_bytes: float
    groups: tuple[LayerGroup, ...]

    def reported_tokens(self, blocks: float, longest: float, engine: Engine) -> float:
        """What vLLM prints as KV cache size [tokens]: by blocks up to 0.20, by concurrency at max_model_len after.

        blocks : that fit [1]
        longest : max_model_len [tokens]
        engine : its version
        """
        if engine.release < TOKENS_BY_CONCURRENCY_SINCE:
            return float(blocks // len(self.groups) * self.tokens)
        return float(math.floor(blocks / sequence_blocks(self, longest, engine) * longest))


def block_layout(scenario: Scenario) -> BlockLayout:
    """Blocks of a model on one GPU.

        page = block tokens · kv heads on this GPU · (key width + value width) · bytes;  latent: not divided over GPUs
        block = largest page · layers of a group
        group = smallest count of alike layers, or the largest if less than 1.5 times that

    scenario : model, KV format, split
    returns : [bytes], [tokens]
    source : vllm.v1.core.kv_cache_planning of vLLM 0.33; its own answers are in the tests
    """
    counts: dict[LayerGroup, int] = {}
    page, state = 0.0, 0.0
    for layer in scenario.model.layers:
        if layer.mixer is None:
            continue
        group = _group(layer.mixer)
        counts[group] = counts.get(group, 0) + layer.count
        if group.stateful:
            state = max(state, _state_bytes(layer.mixer, scenario))
        else:
            page = max(page, BLOCK_TOKENS * _token_bytes(layer.mixer, scenario))
    tokens = float(BLOCK_TOKENS)
    if state and page:
        tokens = BLOCK_TOKENS * math.ceil(state / page)
        page = page * tokens / BLOCK_TOKENS
    page = page or state
    smallest, largest = min(counts.values()), max(counts.values())
    size = largest if largest < SIMILAR_COUNTS * smallest else smallest
    groups = tuple(group for group, count in counts.items() for _ in range(math.ceil(count / size)))
    return BlockLayout(tokens, page * size, groups)


def sequence_blocks(layout: BlockLayout, length: float, engine: Engine) -> float:
    """Blocks that one sequence holds, over all groups.

        all tokens: ceil(length / block tokens)
        window: ceil(min(window - 1 + in flight, length) / block tokens) + 1;  state: 1

    layout : of the model's blocks
    length : prompt and output [tokens]
    engine : its token budget is what may be in flight [tokens]
    returns : [1]
    """
    return sum(_group_blocks(group, layout.tokens, length, engine) for group in layout.groups)


def _group_blocks(group: LayerGroup, tokens: float, length: float, engine: Engine) -> float:
    if group.stateful:
        return 1.0
    if group.window is None:
        return math.ceil(length / tokens)
    in_flight = engine.max_num_batched_tokens or 0.0
    return math.ceil(min(group.window - 1 + in_flight, length) / tokens) + 1


def _group(mixer: Mixer) -> LayerGroup:
    window = mixer.window if isinstance(mixer, Attention) else None
    return LayerGroup(window, isinstance(mixer, StateSpace | LinearAttention))


def _token_bytes(mixer: Mixer, scenario: Scenario) -> float:
    each = BYTES[scenario.quantization.kv_cache]
    if isinstance(mixer, LatentAttention):
        return (mixer.kv_lora_rank + mixer.rope_head_dim) * each + mixer.index_head_dim * 1.03
    if isinstance(mixer, Attention):
        heads = max(1.0, mixer.kv_heads / scenario.deployment.tensor_parallel)
        return heads * (mixer.head_dim + mixer.value_head_dim) * each
    return 0.0


def _state_bytes(mixer: Mixer, scenario: Scenario) -> float:
    split, base = scenario.deployment.tensor_parallel, BYTES[scenario.quantization.base]
    if isinstance(mixer, StateSpace):
        inner = mixer.heads * mixer.head_dim
        convolution = (inner + 2 * mixer.groups * mixer.state) * (mixer.conv_kernel - 1) * base
        return (inner * mixer.state * BYTES["fp32"] + convolution) / split
    if isinstance(mixer, LinearAttention):
        values = mixer.value_heads * mixer.value_dim
        convolution = (2 * mixer.key_heads * mixer.key_dim + values) * (mixer.conv_kernel - 1) * base
        return (values * mixer.key_dim * BYTES["fp32"] + convolution) / split
    return 0.0
