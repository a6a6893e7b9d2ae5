"""Ops of the feed-forward networks: dense, and mixture of experts."""

from __future__ import annotations

from planner.model import DenseFfn, Ffn, MoeFfn
from planner.ops import Op, all_reduce, elementwise, experts_gemm, gemm, touched_experts
from planner.precision import BYTES
from planner.quantities import Number
from planner.scenario import Scenario


def ffn_ops(ffn: Ffn, scenario: Scenario, tokens: Number) -> list[Op]:
    """Ops of one layer's feed-forward network on one GPU, norm before and all-reduce after included.

    ffn : of the layer
    scenario : as in forward.forward
    tokens : in the step [tokens]
    returns : ops [FLOP, bytes] of one layer
    """
    hidden, split = scenario.model.hidden, scenario.deployment.tensor_parallel
    base = BYTES[scenario.quantization.base]
    ops = [elementwise("ffn.norm", tokens, 4 * hidden, base)]
    ops += moe_ops(ffn, scenario, tokens) if isinstance(ffn, MoeFfn) else dense_ops(ffn, scenario, tokens)
    if split > 1:
        ops.append(all_reduce("ffn.all_reduce", tokens, hidden, base, split))
    return ops


def dense_ops(ffn: DenseFfn, scenario: Scenario, tokens: Number, role: str = "ffn") -> list[Op]:
    """Gate and up in one product, activation, down.

    ffn : width, gated or not
    scenario : as in forward.forward
    tokens : in the step [tokens]
    role : "ffn" or "shared_experts": selects the formats, and names the ops
    """
    formats, hidden = scenario.quantization, scenario.model.hidden
    width = ffn.intermediate / scenario.deployment.tensor_parallel
    up = 2 if ffn.gated else 1
    base, weight, number_format = BYTES[formats.base], formats.bytes_of(role), formats.format_of(role)
    return [
        gemm(f"{role}.up", tokens, hidden, up * width, weight, base, number_format),
        elementwise(f"{role}.activation", tokens, (up + 1) * width, base),
        gemm(f"{role}.down", tokens, width, hidden, weight, base, number_format),
    ]


def moe_ops(ffn: MoeFfn, scenario: Scenario, tokens: Number) -> list[Op]:
    """Router, sorting of tokens by expert, the experts' products, weighting, and the shared experts.

        experts on this GPU = experts / expert_parallel
        width on this GPU = intermediate / (tensor_parallel / expert_parallel)

    ffn : experts and widths
    scenario : as in forward.forward
    tokens : in the step [tokens]
    valid : tokens spread evenly over GPUs; the fullest GPU of a real step has more
    """
    formats, hidden = scenario.quantization, scenario.model.hidden
    spread = scenario.deployment.expert_parallel
    width = ffn.intermediate / (scenario.deployment.tensor_parallel / spread)
    inner = ffn.latent or hidden
    base = BYTES[formats.base]
    pairs = tokens * ffn.experts_per_token / spread
    touched = touched_experts(ffn.experts, ffn.experts_per_token, tokens) / spread
    up = 2 if ffn.gated else 1
    weight, number_format = formats.bytes_of("experts"), formats.format_of("experts")
    ops = [
        gemm("router", tokens, hidden, ffn.experts, base, base, formats.base),
        elementwise("experts.routing", tokens, 4 * ffn.experts, BYTES["fp32"], kind="moe_routing", launches=2),
        experts_gemm("experts.up", pairs, touched, inner, up * width, weight, base, number_format),
        elementwise("experts.activation", pairs, (up + 1) * width, base),
        experts_gemm("experts.down", pairs, touched, width, inner, weight, base, number_format),
        elementwise("experts.combine", pairs, 2 * inner, base),
    ]
    if ffn.latent is not None:
        ops.append(gemm("experts.latent", tokens, hidden, 2 * inner, base, base, formats.base))
    if ffn.shared_intermediate:
        ops += dense_ops(DenseFfn(ffn.shared_intermediate, ffn.gated), scenario, tokens, role="shared_experts")
    return ops
