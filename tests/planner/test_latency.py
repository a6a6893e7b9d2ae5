"""Step times: one literal, and the laws that any honest model of time keeps."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalogue import find_gpu
from planner.efficiency import CACHE, CACHED, Range
from planner.engine import Engine
from planner.host import dispatches, host_time, launch_gap
from planner.latency import step_time
from planner.op_times import LARGER, Roof, op_time, roof
from planner.ops import Op, elementwise, experts_gemm, gemm
from planner.quantities import Basis
from planner.roofline import Bound
from planner.step import Step, decode_step, prefill_step
from tests.planner.questions import DEEPSEEK, GEMMA_2, GPT_OSS_20B, LLAMA_8B, MIXTRAL, ask, eager

MODELS = (LLAMA_8B, MIXTRAL, DEEPSEEK, GEMMA_2, GPT_OSS_20B, "nvidia/Nemotron-H-56B-Base-8K")
QUESTIONS = {model: ask(model, tensor_parallel=2) for model in MODELS}
batches = st.integers(1, 512).map(float)
contexts = st.integers(1, 8192).map(float)
steps = st.builds(
    lambda prompts, tokens, cached, batch, context: Step(prompts, tokens, cached, batch, context, batch + prompts),
    st.sampled_from([0.0, 1.0, 3.0]), contexts, contexts, batches, contexts,
)  # fmt: skip
asked = st.sampled_from(MODELS).map(QUESTIONS.__getitem__)
laws = settings(deadline=None, max_examples=25)


def seconds(question, step):
    return float(step_time(question, step).total)


def with_gpu(question, **changes):
    deployment = replace(question.deployment, gpu=replace(question.deployment.gpu, **changes))
    return replace(question, deployment=deployment)


def product(gpu):
    op = gemm("up", 64.0, 4096.0, 4096.0, 2.0, 2.0, "bf16")
    return op_time(op, roof(op, find_gpu(gpu), 1))


def test_literal_of_one_product():
    """2 * 64 * 4096^2 FLOP at 81 % of 989 TFLOP/s; 4096^2 * 2 + 2 * 64 * 4096 * 2 B at 91 % of 4800 GB/s; 5 us."""
    time = product("h200-sxm")
    assert time.compute == pytest.approx(2 * 64 * 4096**2 / (0.81 * 989e12), rel=1e-9)
    assert time.memory == pytest.approx((4096**2 * 2 + 2 * 64 * 4096 * 2) / (0.91 * 4800e9), rel=1e-9)
    assert time.total == pytest.approx(time.memory + 5e-6, rel=1e-9)
    assert time.bound is Bound.MEMORY


def test_host_time_literal():
    """0.8 ms a step and 14 us a sequence since vLLM 0.10; since 0.14 that is 1.0 ms and 22 us, the rest hidden."""
    step = decode_step(10.0, 100.0)
    assert host_time(ask(engine=Engine(version="0.12.0")), step, 1.0) == pytest.approx(0.94e-3, rel=1e-9)
    assert host_time(ask(), step, 1.0) == pytest.approx(0.94e-3, rel=1e-9)
    assert host_time(ask(engine=Engine(async_scheduling=False)), step, 1.0) == pytest.approx(1.22e-3, rel=1e-9)


def test_async_scheduling_hides_the_host_behind_a_busy_gpu_alone():
    """0.2 ms + 10 x 8 us can hide; behind a GPU that is busy for 0.1 ms no more than that."""
    step = decode_step(10.0, 100.0)
    assert host_time(ask(), step, 0.1e-3) == pytest.approx(1.12e-3, rel=1e-9)
    assert list(host_time(ask(), step, np.array([0.0, 1.0]))) == pytest.approx([1.22e-3, 0.94e-3], rel=1e-9)


@laws
@given(asked, steps)
def test_async_scheduling_is_never_slower_and_never_faster_than_the_host(question, step):
    off = replace(question, engine=replace(question.engine, async_scheduling=False))
    assert seconds(question, step) <= seconds(off, step)
    assert seconds(question, step) >= float(step_time(off, step).host) * (1 - 1e-12)


def test_launches_hide_behind_a_busy_gpu_and_show_behind_an_idle_one():
    graphs, launched = ask(LLAMA_8B), ask(LLAMA_8B, engine=eager())
    small, large = decode_step(1.0, 10.0), prefill_step(1.0, 8192.0)
    times = step_time(launched, large)
    assert launch_gap(launched, times.ops) == times.launch_gap == 0
    assert launch_gap(graphs, step_time(graphs, small).ops) == 0
    assert seconds(launched, small) >= seconds(graphs, small)


def test_llama_2_7b_awq_on_a_t4_is_bound_as_its_study_says():
    for engine in (None, eager()):
        question = ask("TheBloke/Llama-2-7B-AWQ", "t4", engine=engine)
        for tokens in (128.0, 512.0):
            assert step_time(question, prefill_step(1.0, tokens)).bound is Bound.COMPUTE
        for context in (512.0, 2048.0):
            assert step_time(question, decode_step(1.0, context)).bound is Bound.MEMORY


@pytest.mark.parametrize(
    ("gpu", "measured_ms", "share"),
    [("h200-sxm", 5.78, 58), ("h100-sxm", 7.06, 68), ("a100-pcie-80gb", 11.97, 69), ("l40s", 22.06, 84)],
)
def test_bandwidth_floor_of_the_lab_at_batch_1(gpu, measured_ms, share):
    """16.06 GB of bf16 weights over the data sheet's bandwidth, against the Week 3 lab's decode sweep."""
    floor = 2 * 8_030_261_248 / find_gpu(gpu).bandwidth
    assert round(100 * floor / (measured_ms * 1e-3)) == share


@laws
@given(asked, steps, st.floats(1.0, 10.0))
def test_more_bandwidth_is_never_slower(question, step, factor):
    faster = with_gpu(question, bandwidth=question.deployment.gpu.bandwidth * factor)
    assert seconds(faster, step) <= seconds(question, step)


@laws
@given(asked, steps, st.floats(1.0, 10.0))
def test_more_peak_is_never_slower(question, step, factor):
    peaks = {name: peak * factor for name, peak in question.deployment.gpu.peaks.items()}
    assert seconds(with_gpu(question, peaks=MappingProxyType(peaks)), step) <= seconds(question, step)


@laws
@given(asked, steps, st.floats(1.0, 10.0))
def test_a_faster_link_is_never_slower(question, step, factor):
    faster = with_gpu(question, link_bandwidth=question.deployment.gpu.link_bandwidth * factor)
    assert seconds(faster, step) <= seconds(question, step)


@laws
@given(asked, steps)
def test_fewer_weight_bits_never_move_more_bytes(question, step):
    formats = [replace(question.quantization, weight_bytes=width) for width in (2.0, 1.0, 0.5625, 0.5)]
    moved = [float(step_time(replace(question, quantization=each), step).moved) for each in formats]
    assert moved == sorted(moved, reverse=True)


@laws
@given(asked, batches, batches, contexts)
def test_a_larger_batch_never_takes_a_shorter_step(question, batch, more, context):
    assert seconds(question, decode_step(batch + more, context)) >= seconds(question, decode_step(batch, context))


@laws
@given(asked, batches, contexts, contexts)
def test_a_longer_context_never_takes_a_shorter_step(question, batch, context, more):
    assert seconds(question, decode_step(batch, context + more)) >= seconds(question, decode_step(batch, context))


@laws
@given(asked, contexts, st.floats(0, 0.999))
def test_a_cached_prefix_is_never_slower(question, tokens, share):
    cached = float(int(tokens * share))
    assert seconds(question, prefill_step(1.0, tokens - cached, cached)) <= seconds(question, prefill_step(1.0, tokens))


@laws
@given(asked, steps)
def test_a_step_is_the_sum_of_its_parts(question, step):
    time = step_time(question, step)
    assert float(time.by_bound.sum()) == pytest.approx(float(time.total), rel=1e-9)
    assert time.by_bound[time.bound] == time.by_bound.max()
    assert (time.by_bound >= 0).all()


@laws
@given(asked, st.lists(steps, min_size=1, max_size=4), st.booleans())
def test_arrays_and_scalars_agree(question, table, launched):
    question = replace(question, engine=replace(question.engine, enforce_eager=launched))
    names = Step.__slots__
    at_once = step_time(question, Step(**{name: np.array([getattr(step, name) for step in table]) for name in names}))
    for index, step in enumerate(table):
        alone = step_time(question, step)
        assert at_once.total[index] == pytest.approx(float(alone.total), rel=1e-12)
        assert at_once.flops[index] == pytest.approx(float(alone.flops), rel=1e-12)
        assert np.broadcast_to(at_once.by_bound, (4, len(table)))[:, index] == pytest.approx(alone.by_bound, rel=1e-12)


def test_basis_is_of_what_takes_the_time():
    assert step_time(ask(gpu="h200-sxm"), prefill_step(1.0, 4096.0)).basis is Basis.MEASURED
    assert step_time(ask(gpu="t4", scheme="fp16"), prefill_step(1.0, 4096.0)).basis is Basis.ASSUMED


def test_a_tile_with_few_rows_sets_the_pace_of_the_stream():
    """The tensor core takes 16 rows: below them streaming an expert's weights costs as much as work on 16 rows."""
    op = experts_gemm("up", 8.0, 8.0, 64.0, 64.0, 0.5, 2.0, "bf16")
    under = Roof(compute=1e12, memory=1e12, link=1.0, latency=0.0, basis=Basis.MEASURED, tile=16.0)
    assert float(op_time(op, under).memory) == pytest.approx(16 * op.flops / 1e12)
    assert op_time(op, under).bound is Bound.MEMORY
    full = replace(op, rows=64.0, moved=0.0)
    assert float(op_time(full, under).body) == pytest.approx(op.flops / 1e12)


@pytest.mark.parametrize(
    ("kind", "number_format", "kernels"),
    [
        ("gemm", "bf16", 1),
        ("gemm", "fp8", 2),
        ("moe_gemm", "fp4", 2),
        ("moe_gemm_unpacked", "bf16", 1),
        ("moe_routing", "fp32", 5),
    ],
)
def test_kernels_that_the_host_starts_one_by_one(kind, number_format, kernels):
    assert dispatches(Op("x", kind, number_format, 0.0, 0.0, launches=2.0 if kind == "moe_routing" else 1.0)) == kernels


def test_what_lies_outside_of_what_was_measured_is_no_longer_measured():
    valid = Range(rows=(1.0, 100.0), moved=(1e6, 1e9))
    under = Roof(1e15, 1e12, 1e11, 1e-6, Basis.MEASURED, valid=valid)
    inside, small = Op("a", "gemm", "bf16", 1e9, 1e7, rows=50.0), Op("b", "gemm", "bf16", 1e9, 1e3, rows=50.0)
    assert op_time(inside, under).founded is Basis.MEASURED
    assert op_time(replace(inside, rows=LARGER * 100.0), under).inside
    assert not op_time(replace(inside, rows=LARGER * 100.0 + 1), under).inside
    assert op_time(small, under).founded is Basis.CALIBRATED
    assert op_time(replace(small, moved=0.0), under).inside


def test_ampere_shows_part_of_what_others_overlap():
    """Where compute and memory take as long, both show on an A100: sqrt(2) times; an H100 hides one."""
    for name, factor in (("a100-sxm-80gb", 2**0.5), ("h100-sxm", 1.0)):
        under = roof(gemm("x", 64.0, 8192, 8192, 2.0, 2.0, "bf16"), find_gpu(name), 1)
        time = op_time(Op("x", "gemm", "bf16", float(under.compute), float(under.memory)), under)
        assert float(time.body) == pytest.approx(factor, rel=1e-9), "each takes a second alone"


@pytest.mark.parametrize(("gpu", "faster"), [("l40s", CACHED["8.9"]), ("h100-sxm", 1.0)])
def test_a_pass_that_fits_in_the_cache_reads_less_of_memory(gpu, faster):
    """Where GDDR has a large cache before it; what the cache does not hold comes from memory whole."""
    there = find_gpu(gpu)
    small, large = (elementwise("norm", rows, 1000.0, 2.0) for rows in (CACHE / 2000, CACHE / 2000 + 1))
    for op, kept in ((small, faster), (large, 1.0)):
        time = op_time(op, roof(op, there, 1))
        assert float(time.op.moved) == pytest.approx(op.moved / kept)
        assert float(time.memory) == pytest.approx(op.moved / kept / roof(op, there, 1).memory)
