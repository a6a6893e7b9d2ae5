"""Ways to serve that vLLM offers beside the plain one: speculative decoding, two pools, many adapters. Modelled simply,
on assumed inputs: what a drafter's tokens are worth depends on the text, and only a measurement tells it.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.errors import InvalidWorkload
from planner.kv_cache import block_layout, sequence_blocks
from planner.model import Attention, DenseFfn, LatentAttention, LinearAttention, Mixer, Model, MoeFfn
from planner.parameters import parameter_count
from planner.precision import BYTES
from planner.quantities import GIGA
from planner.scenario import Scenario
from planner.speculation import Speculation

POOL_LINK = 50 * GIGA
"""Between a prefill and a decode replica, for each GPU: one 400 Gb/s port. Assumed [B/s]."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """LoRA adapters that are on the GPU at once.

    count : vLLM's max_loras [1]
    rank : of each [1]
    """

    count: int
    rank: int


@dataclass(frozen=True, slots=True)
class Techniques:
    """What is tried beside plain serving.

    pools : prompts and outputs are computed on replicas of their own, the KV cache sent between them
    pool_link : between the pools, for each GPU [B/s]
    """

    speculation: Speculation | None = None
    adapters: Adapters | None = None
    pools: bool = False
    pool_link: float = POOL_LINK

    @property
    def caveats(self) -> tuple[str, ...]:
        """What is assumed, in sentences."""
        said = []
        if self.speculation is not None:
            said.append(self.speculation.caveat)
        if self.pools:
            said.append("Two pools: arrivals at the decode pool are taken as random as those of the users.")
        if self.adapters is not None:
            said.append("Adapters: their memory is counted, the time of their small products is not.")
        return tuple(said)


def check_techniques(techniques: Techniques) -> None:
    """Refuses settings that vLLM has not, and combinations that are not modelled.

    raises : InvalidWorkload naming the field
    """
    guess, adapters = techniques.speculation, techniques.adapters
    if guess is not None and not (1 <= guess.drafted <= 16 and 0 <= guess.acceptance <= 1):
        raise InvalidWorkload(
            f"Speculation drafts {guess.drafted} tokens at an acceptance of {guess.acceptance:g}: 1 to 16, and 0 to 1."
        )
    if adapters is not None and not (1 <= adapters.count <= 1000 and 1 <= adapters.rank <= 512):
        raise InvalidWorkload(f"{adapters.count} adapters of rank {adapters.rank}: 1 to 1,000, of rank 1 to 512.")
    if not 0 < techniques.pool_link < float("inf"):
        raise InvalidWorkload(f"The link between the pools is {techniques.pool_link:g} B/s: it must be above 0.")


def beside_bytes(scenario: Scenario, techniques: Techniques) -> float:
    """Memory of each GPU that drafter and adapters take.

        drafter = its parameters · 2 B / GPUs        adapters = count · bytes of one

    scenario : model and split
    techniques : what is tried
    returns : [bytes]
    valid : the drafter's own KV cache is left out: a few percent of the model's
    """
    split = scenario.deployment.tensor_parallel
    base = BYTES[scenario.quantization.base]
    guess, total = techniques.speculation, 0.0
    if guess is not None and guess.drafter is not None:
        total += parameter_count(guess.drafter) * base / split
    if techniques.adapters is not None:
        total += techniques.adapters.count * adapter_bytes(scenario.model, techniques.adapters.rank, split, base)
    return total


def adapter_bytes(model: Model, rank: int, split: int, each: float) -> float:
    """One LoRA adapter on one GPU, on the matrices of attention and feed-forward.

        a k x n matrix gets rank · (k + n) numbers; what the matrix's split divides (n, or k) is divided as well

    model : its shapes
    rank : of the adapter [1]
    split : GPUs that share each matrix [1]
    each : bytes of a number [bytes]
    returns : [bytes]
    valid : plain attention and dense feed-forward; experts get no adapter
    source : vLLM's LoRA layers, fully_sharded_loras off
    raises : InvalidWorkload for mixers whose adapters are not modelled
    """
    numbers = 0.0
    for layer in model.layers:
        if isinstance(layer.mixer, LatentAttention | LinearAttention):
            raise InvalidWorkload(f"Adapters on {model.name} are not modelled: its attention is not a plain one.")
        numbers += layer.count * (_attention_numbers(layer.mixer, model.hidden, split))
        if isinstance(layer.ffn, DenseFfn):
            up = 2 if layer.ffn.gated else 1
            numbers += layer.count * (up + 1) * (model.hidden + layer.ffn.intermediate / split)
        elif isinstance(layer.ffn, MoeFfn):
            continue
    return rank * numbers * each


def _attention_numbers(mixer: Mixer | None, hidden: int, split: int) -> float:
    if not isinstance(mixer, Attention):
        return 0.0
    query, keys = mixer.heads * mixer.head_dim / split, mixer.kv_heads * mixer.head_dim / split
    return 2 * (hidden + query) + 2 * (hidden + keys)


def transfer_time(scenario: Scenario, techniques: Techniques, prompt: float) -> float:
    """Time to send the KV cache of a prompt from the prefill to the decode pool.

        time = blocks of the prompt · bytes of a block / link

    scenario : whose KV cache, each GPU sending its part
    techniques : the link [B/s]
    prompt : [tokens]
    returns : [s]
    """
    layout = block_layout(scenario)
    return sequence_blocks(layout, prompt, scenario.engine) * layout.block_bytes / techniques.pool_link
