"""Numbers and sentences as people write them. Text of users and files is escaped before it becomes Markdown."""

from __future__ import annotations

import re

from planner.estimate import Estimate
from planner.memory import Memory
from planner.quantities import GIB
from planner.scenario import Scenario, Workload
from planner.words import digits, duration

OPS = {
    "embedding": "Embedding",
    "attention.norm": "Norm before attention",
    "attention.qkv": "QKV projection",
    "attention.rotary": "Rotary embedding",
    "attention.cache_write": "KV cache write",
    "attention.prefill": "Attention (prompt)",
    "attention.decode": "Attention (KV cache)",
    "attention.output": "Output projection",
    "attention.all_reduce": "All-reduce after attention",
    "attention.query": "Query projection",
    "attention.query_down": "Query down-projection",
    "attention.query_up": "Query up-projection",
    "attention.latent_down": "Latent down-projection",
    "attention.latent_up": "Latent up-projection",
    "attention.index": "Sparse index scores",
    "attention.index_query": "Sparse index query",
    "mamba.input": "Mamba input projection",
    "mamba.convolution": "Mamba convolution",
    "mamba.scan": "Mamba state update",
    "mamba.output": "Mamba output projection",
    "delta.input": "Linear attention input",
    "delta.convolution": "Linear attention convolution",
    "delta.scan": "Linear attention state update",
    "delta.output": "Linear attention output",
    "ffn.norm": "Norm before FFN",
    "ffn.up": "Gate and up projection",
    "ffn.activation": "Activation",
    "ffn.down": "Down projection",
    "ffn.all_reduce": "All-reduce after FFN",
    "router": "Router",
    "experts.routing": "Expert routing",
    "experts.up": "Experts: gate and up",
    "experts.activation": "Experts: activation",
    "experts.down": "Experts: down",
    "experts.combine": "Experts: combine",
    "experts.latent": "Experts: latent projection",
    "shared_experts.up": "Shared experts: gate and up",
    "shared_experts.activation": "Shared experts: activation",
    "shared_experts.down": "Shared experts: down",
    "final_norm": "Final norm",
    "lm_head": "LM head",
    "logits.gather": "Gather logits",
    "sampling": "Sampling",
}
OP_KINDS = {
    "gemm": "matrix products",
    "moe_gemm": "experts' products",
    "gemm_unpacked": "products of widened weights",
    "moe_gemm_unpacked": "experts' products",
    "attention_prefill": "attention over prompts",
    "attention_decode": "attention over the KV cache",
    "elementwise": "element-wise passes",
    "moe_routing": "expert routing",
    "state": "state updates",
    "sampling": "sampling",
}
MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:])")


def plain(text: str) -> str:
    """Text with every character escaped that Markdown would act on: no link, image or style can come of it.

    Half a character, which JSON may hold and no browser can be sent, becomes a question mark.

    text : from a user or a file
    """
    return MARKDOWN.sub(r"\\\1", text.encode(errors="replace").decode())


def memory_text(amount: float) -> str:
    """Memory in GiB, as vLLM and CUDA report it.

    amount : [bytes]
    """
    return f"{amount / GIB:,.1f} GiB"


def op_name(name: str) -> str:
    """An op's name for people; a group of layers keeps its number.

    name : Op.name
    """
    group, _, rest = name.partition(".")
    if group.startswith("layers") and rest:
        return f"{OPS.get(rest, rest)} (group {int(group.removeprefix('layers')) + 1})"
    return OPS.get(name, name)


def kernel_name(name: str, longest: int = 32) -> str:
    """A kernel's name without return type, namespaces, template and call arguments.

    name : demangled
    longest : characters kept [1]

    >>> kernel_name("void at::native::reduce_kernel<(int)512, (int)1>(T3)")
    'reduce_kernel'
    """
    bare = re.split(r"[<(]", name.removeprefix("void "))[0].split("::")[-1].strip() or name
    return bare if len(bare) <= longest else f"{bare[: longest - 1]}…"


def gpus_text(scenario: Scenario) -> str:
    """How many of which GPU."""
    count = scenario.deployment.tensor_parallel
    return f"{count} × {scenario.deployment.gpu.label}"


def load_words(load: Workload) -> str:
    """How many requests there are."""
    if load.request_rate is not None:
        return f"{digits(load.request_rate)} requests a second"
    return "one request" if load.concurrency == 1 else f"{load.concurrency:,.0f} requests at once"


def answer_sentence(found: Estimate) -> str:
    """The answer in one sentence that a manager understands, in Markdown."""
    scenario = found.scenario
    model, formats = plain(scenario.model.name), scenario.quantization.scheme
    then = f", then a token every **{duration(found.tpot.value)}**" if found.tpot else ""
    return (
        f"**{model}** in {formats} on **{gpus_text(scenario)}**, {load_words(scenario.workload)}: first token after "
        f"**{duration(found.ttft.value)}**{then}, **{digits(found.output_tokens_per_second)} tokens/s** in all. "
        f"Prefill is bound by **{found.prefill.bound.label}**, decode by **{found.decode.bound.label}**."
        + (f" Calibrated on **{plain(scenario.correction.name)}**." if scenario.correction else "")
    )


def memory_sentence(room: Memory, load: Workload) -> str:
    """Whether it fits and with how much room, as a sentence."""
    length = load.prompt_tokens + load.output_tokens
    return (
        f"It fits: {memory_text(room.weights)} of weights on each GPU leave {memory_text(room.kv_cache)} of KV cache, "
        f"**{room.kv_cache_tokens:,.0f}** tokens: room for **{room.concurrency:,.0f}** requests of {length:,.0f} each."
    )
