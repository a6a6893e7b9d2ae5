"""One step of the engine as a table of ops: prefill, decode, or both mixed.

Rows are ops, each counted for one layer on one GPU and repeated `count` times; layers that are alike share rows. Step
fields may be arrays, so a table describes one step or a million.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from planner.ffn import ffn_ops
from planner.mixers import mixer_ops
from planner.ops import SAMPLER_LAUNCHES, SAMPLER_PASSES, Op, all_reduce, elementwise, gemm
from planner.precision import BYTES
from planner.scenario import Scenario
from planner.step import Step


def forward(scenario: Scenario, step: Step) -> tuple[Op, ...]:
    """Every op of a step.

    scenario : model, formats and split
    step : what it works on; fields may be arrays of one shape
    returns : ops; `flops`, `moved`, `sent`, `rows` of each broadcast to the step's shape [FLOP, bytes, bytes, tokens]
    valid : tensor parallelism shards by heads and columns; sequence and context parallelism are not modelled
    """
    ops: list[Op] = [embedding(scenario, step)]
    for index, layer in enumerate(scenario.model.layers):
        prefix = f"layers{index}." if len(scenario.model.layers) > 1 else ""
        if layer.mixer is not None:
            ops += named(prefix, layer.count, mixer_ops(layer.mixer, scenario, step))
        if layer.ffn is not None:
            ops += named(prefix, layer.count, ffn_ops(layer.ffn, scenario, step.tokens))
    return (*ops, *head(scenario, step))


def named(prefix: str, count: float, ops: Iterable[Op]) -> list[Op]:
    """The ops of a group of layers, named after it and repeated for each layer.

    prefix : put before each name
    count : layers of the group [1]
    ops : of one layer
    """
    return [replace(op, name=prefix + op.name, count=count * op.count) for op in ops]


def embedding(scenario: Scenario, step: Step) -> Op:
    """Lookup of one row of the embedding for each token.

    scenario, step : as in forward; bytes read and written for each token [bytes]
    """
    return elementwise("embedding", step.tokens, 2 * scenario.model.hidden, BYTES[scenario.quantization.base])


def head(scenario: Scenario, step: Step) -> list[Op]:
    """Final norm, lm_head over the vocabulary, gathering of logits, and sampling, for sequences that need a token.

    scenario, step : as in forward
    """
    model, formats, split = scenario.model, scenario.quantization, scenario.deployment.tensor_parallel
    base = BYTES[formats.base]
    project = gemm(
        "lm_head", step.sampled, model.hidden, model.vocab / split, formats.bytes_of("lm_head"), base,
        formats.format_of("lm_head"),
    )  # fmt: skip
    ops = [elementwise("final_norm", step.tokens, 4 * model.hidden, base), project]
    if split > 1:
        ops.append(all_reduce("logits.gather", step.sampled, model.vocab / 2, base, split))
    return [
        *ops,
        elementwise(
            "sampling",
            step.sampled,
            SAMPLER_PASSES * model.vocab,
            BYTES["fp32"],
            kind="sampling",
            launches=SAMPLER_LAUNCHES,
        ),
    ]
