"""A model: shapes, parameters and KV bytes per token. What config.json says, in our words.

A model is a stack of layers, given as groups of alike ones. A layer is a mixer (how tokens see each other) followed by
a feed-forward network; either may be missing (hybrids). Readers of config.json are in `planner/families/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from planner.quantities import Source


@dataclass(frozen=True, slots=True)
class Attention:
    """Softmax attention with its own keys and values: multi-head, grouped-query or multi-query.

    window : tokens that one token attends to at most; None means all before it
    value_head_dim : width of a value head where it differs from a key head
    gated : the output is multiplied by a gate projected from the input (doubles the query projection)
    keys_as_values : there is no value projection, values are made from the projected keys (Gemma 4); both are cached
    """

    heads: int
    kv_heads: int
    head_dim: int
    value_head_dim: int
    window: int | None = None
    gated: bool = False
    keys_as_values: bool = False


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """Multi-head latent attention (DeepSeek): one compressed vector a token is the whole KV cache.

    q_lora_rank : width of the compressed query; None means projected directly
    index_heads, index_head_dim, index_topk : sparse attention's indexer (V3.2, GLM-5); 0 where there is none
    """

    heads: int
    q_lora_rank: int | None
    kv_lora_rank: int
    rope_head_dim: int
    nope_head_dim: int
    value_head_dim: int
    index_heads: int = 0
    index_head_dim: int = 0
    index_topk: int = 0


@dataclass(frozen=True, slots=True)
class StateSpace:
    """Mamba-2: a state of fixed size for each sequence, whatever its length."""

    heads: int
    head_dim: int
    state: int
    groups: int
    conv_kernel: int


@dataclass(frozen=True, slots=True)
class LinearAttention:
    """Gated delta net: a state of key_dim x value_dim for each value head and sequence."""

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    conv_kernel: int


@dataclass(frozen=True, slots=True)
class DenseFfn:
    """Feed-forward network. Gated: up, gate and down (SwiGLU); otherwise up and down."""

    intermediate: int
    gated: bool = True


@dataclass(frozen=True, slots=True)
class MoeFfn:
    """Mixture of experts: a router picks experts_per_token of experts; shared ones run for every token.

    intermediate : width of one expert
    shared_intermediate : summed width of the experts that always run; 0 where there are none
    latent : width into which tokens are projected before the experts (Nemotron-3 Super, Ultra); None where not
    """

    experts: int
    experts_per_token: int
    intermediate: int
    shared_intermediate: int = 0
    gated: bool = True
    latent: int | None = None


Mixer: TypeAlias = Attention | LatentAttention | StateSpace | LinearAttention
Ffn: TypeAlias = DenseFfn | MoeFfn


@dataclass(frozen=True, slots=True)
class Layer:
    """`count` alike layers. `other_parameters`: norms, biases, sinks, convolutions of one of them, outside matmuls."""

    count: int
    mixer: Mixer | None
    ffn: Ffn | None
    other_parameters: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How the published weights are stored.

    scheme : quantization scheme of precision.SCHEMES, such as "fp8"; None: not quantized
    dtype : number format of what is not quantized ("bf16", "fp16", "fp32")
    unquantized : roles left in `dtype`: any of "attention", "ffn", "experts", "shared_experts", "lm_head", "embedding"
    block : the fp8 scales are of blocks of 128 x 128 weights, not of tensors or channels
    kv_cache : number format that the checkpoint declares for its KV cache, which vLLM's "auto" follows; None: its dtype
    """

    scheme: str | None = None
    dtype: str = "bf16"
    unquantized: frozenset[str] = frozenset({"embedding", "lm_head", "router"})
    block: bool = False
    kv_cache: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """All that the planner knows of a model.

    hidden : width of the residual stream
    vocab : rows of the embedding (and columns of lm_head)
    tied : lm_head shares the embedding's weights
    max_context : longest sequence that the config allows [tokens]
    other_parameters : outside the layers, the embedding and lm_head: final norm, vision tower, learned positions
    caveats : what of the config the planner does not model, in a sentence each
    """

    name: str
    family: str
    hidden: int
    vocab: int
    tied: bool
    max_context: int
    layers: tuple[Layer, ...]
    source: Source
    checkpoint: Checkpoint = Checkpoint()
    other_parameters: int = 0
    caveats: tuple[str, ...] = field(default=())

    @property
    def depth(self) -> int:
        """Number of layers."""
        return sum(layer.count for layer in self.layers)
