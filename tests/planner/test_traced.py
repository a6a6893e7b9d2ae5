"""Measured steps, made by hand: which are typical, when the GPU is busy, and parts that add up to the nanosecond."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.estimate import estimate
from planner.matching import Launch, ungrouped, unmatched
from planner.scenario import Workload
from planner.traced import NO_OP, _covered, explained, traced_step, typical
from planner.waterfall import COLLECTIVES, GAPS, HOST
from tests.planner.questions import GPT_OSS_20B, LLAMA_8B, ask
from tests.planner.test_matching import LAYER

FOUND = estimate(ask(LLAMA_8B, "h200-sxm", Workload(512, 128, 8)))
GPU = FOUND.scenario.deployment.gpu
ENDS = (("rms", "norm"), ("nvjet_head", "gemm"), ("argmax", "sampling"))


def ns(*values):
    return np.array(values, np.int64)


def decode_step(each=40_000, gap=1_000, host=500_000, **counts):
    """A step of 32 layers, a kernel every `each` ns with a gap after it; the last three lie after the marked end."""
    names = [("gather", "embedding"), *LAYER * 32, *ENDS]
    start = np.arange(len(names), dtype=np.int64) * (each + gap)
    launches = [Launch(name, kind, each * 1e-9, **counts) for name, kind in names]
    marked = int(start[-4]) + each
    return traced_step((0, marked, int(start[-1]) + each + host), launches, start, start + each)


def explain(*steps, **more):
    return explained(steps, FOUND.decode, GPU, FOUND.floor, **more)


def of(parts, name):
    return math.fsum(part.seconds for part in parts if part.name == name)


def test_typical_steps_are_those_nearest_to_the_median_from_start_to_start():
    start, end = ns(0, 10, 30, 41, 90, 100), ns(8, 25, 40, 60, 99, 500)
    assert typical(start, end, np.ones(6, bool)) == [2, 0, 4]
    assert typical(start, end, ns(0, 0, 0, 0, 0, 1) > 0) == [5]
    assert typical(start, end, np.zeros(6, bool)) == []


def test_kernels_after_the_marked_end_belong_to_the_step():
    step = traced_step((0, 100, 200), [Launch("a", "gemm", 1.0)] * 3, ns(0, 60, 120), ns(50, 100, 150))
    assert (step.busy, step.step, step.period) == pytest.approx((120e-9, 130e-9, 200e-9))


def test_a_kernel_that_runs_into_the_next_step_counts_up_to_there():
    step = traced_step((0, 100, 200), [Launch("a", "gemm", 1.0)], ns(0), ns(900))
    assert (step.busy, step.step, step.period) == pytest.approx((200e-9, 200e-9, 200e-9))


def test_kernels_between_steps_are_matched_too():
    told = explain(decode_step())
    assert ("nvjet_head", "lm_head") in {(one.kernel, one.op) for one in told.matched}
    left, share = unmatched(told.matched)
    assert [one.kernel for one in left] == ["mystery"]
    assert share == pytest.approx(32 / (1 + 12 * 32 + 3))


def test_the_parts_of_a_step_add_up_to_its_period_and_name_its_idle_times():
    step = decode_step()
    parts = explain(step).parts
    assert abs(math.fsum(part.seconds for part in parts) - step.period) < 1e-9
    assert of(parts, GAPS) == pytest.approx(1e-6 * 32 * 12)
    assert of(parts, HOST) == pytest.approx(500e-6 + 3e-6)
    assert of(parts, f"kernels: {NO_OP}") == pytest.approx(32 * 40e-6)


def test_an_ops_mark_stands_at_its_flops_over_all_its_kernels():
    mark = next(
        mark for mark in explain(decode_step(), decode_step(each=80_000)).marks if mark.phase == "attention.qkv"
    )
    op = next(time.op for time in FOUND.decode.time.ops if time.op.name == "attention.qkv")
    assert mark.name == "nvjet"
    assert mark.seconds == pytest.approx(2 * 60e-6)
    assert mark.rate == pytest.approx(op.flops / 120e-6)
    assert mark.intensity == pytest.approx(op.flops / op.moved)


def test_counted_flops_and_bytes_come_before_the_models():
    mark = next(mark for mark in explain(decode_step(flops=4e9, moved=1e6)).marks if mark.phase == "ffn.down")
    assert mark.intensity == pytest.approx(4000)
    assert mark.rate == pytest.approx(4e9 / 40e-6)


def test_a_correction_moves_time_from_one_part_to_another():
    step = decode_step()
    before, after = explain(step).parts, explain(step, corrected={"mystery": "ffn.down"}).parts
    assert of(after, f"kernels: {NO_OP}") == 0
    assert of(after, "kernels: gemm") == pytest.approx(of(before, "kernels: gemm") + 32 * 40e-6)
    assert abs(math.fsum(part.seconds for part in after) - step.period) < 1e-9


def test_a_collective_is_one_though_the_model_has_none():
    step = traced_step((0, 9, 20), [Launch("nccl", "collective", 9e-9)], ns(0), ns(9))
    assert of(explain(step).parts, COLLECTIVES) == pytest.approx(9e-9)


def test_names_of_experts_kernels_tell_what_their_class_cannot():
    """Two kernels of routing before the products: order alone would take the first product for the second."""
    found = estimate(ask(GPT_OSS_20B, "h200-sxm", Workload(512, 128, 8)))
    layer = ("moe_align_block_size", "topk_softmax", "bmm_swiGlu", "bmm_plain", "finalizeKernel")
    start = np.arange(len(layer) * 24, dtype=np.int64) * 10
    launches = [Launch(name, "moe", 8e-9) for name in layer * 24]
    step = traced_step((0, 1190, 1200), launches, start, start + 8)
    matched = explained([step], found.decode, found.scenario.deployment.gpu, found.floor).matched
    ops = {(one.kernel, ungrouped(one.op)) for one in matched if one.op}
    assert ops == {
        ("moe_align_block_size", "experts.routing"), ("topk_softmax", "experts.routing"), ("bmm_swiGlu", "experts.up"),
        ("bmm_plain", "experts.down"), ("finalizeKernel", "experts.combine"),
    }  # fmt: skip


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 30)), min_size=1, max_size=8)


@given(spans, st.integers(1, 90), st.integers(1, 90))
def test_any_kernels_add_up_to_the_period_and_cover_what_they_cover(kernels, end, following):
    begun = sorted((start, start + length) for start, length in kernels if start < following)
    start, finish = ns(*(first for first, _ in begun)), ns(*(last for _, last in begun))
    launches = [Launch("k", "gemm", (last - first) * 1e-9) for first, last in begun]
    step = traced_step((0, end, following), launches, start, finish)
    assert _covered(start, finish) == len({tick for first, last in begun for tick in range(first, last)})
    assert 0 <= step.busy <= step.step + 1e-15 <= step.period + 2e-15
    assert abs(math.fsum(part.seconds for part in explain(step).parts) - step.period) < 1e-9
