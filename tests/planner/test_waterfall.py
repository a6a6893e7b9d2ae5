"""A time taken apart: the parts add up to it, to the nanosecond."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.estimate import estimate
from planner.quantities import Basis
from planner.scenario import Workload
from planner.waterfall import (
    COLLECTIVES,
    FLOOR,
    GAPS,
    HOST,
    KV_READS,
    OTHER_BYTES,
    UNEXPLAINED,
    inferred,
    predicted,
    traced,
)
from tests.planner.questions import GPT_OSS_20B, LLAMA_8B, ask, eager

NANOSECOND = 1e-9


def whole(parts):
    return math.fsum(part.seconds for part in parts)


def of(parts, name):
    return next(part.seconds for part in parts if part.name == name)


@pytest.mark.parametrize("model", [LLAMA_8B, GPT_OSS_20B])
@pytest.mark.parametrize("batch", [1, 64, 512])
@pytest.mark.parametrize(("split", "engine"), [(1, None), (2, None), (1, eager())])
def test_parts_of_a_prediction_add_up(model, batch, split, engine):
    found = estimate(ask(model, "h200-sxm", Workload(512, 128, batch), tensor_parallel=split, engine=engine))
    gpu = found.scenario.deployment.gpu
    for phase, floor in ((found.decode, found.floor), (found.prefill, 0.0)):
        parts = predicted(phase, gpu, floor)
        assert abs(whole(parts) - phase.seconds) < NANOSECOND
        fewer = phase is found.prefill or found.scenario.quantization.scheme == "mxfp4"  # its padding is in no op
        assert all(part.seconds > -NANOSECOND for part in parts if not fewer or part.name != OTHER_BYTES)
        assert (COLLECTIVES in {part.name for part in parts}) == (split > 1)


def test_the_floor_of_a_decode_is_the_weights_over_bandwidth():
    """8.03 G weights without the embedding table of 128,256 rows of 4,096, in 2 bytes over 4.8 TB/s."""
    found = estimate(ask(LLAMA_8B, "h200-sxm", Workload(512, 128, 1)))
    parts = predicted(found.decode, found.scenario.deployment.gpu, found.floor)
    assert parts[0].name == FLOOR
    assert parts[0].seconds == pytest.approx(2 * (8_030_261_248 - 128_256 * 4_096) / 4.8e12)
    assert of(parts, KV_READS) == pytest.approx(576 * 131072 / 4.8e12, rel=0.05)
    assert of(parts, HOST) == pytest.approx(float(found.decode.time.host))


spans = st.floats(1e-6, 1.0)


@given(
    kernels=st.dictionaries(st.sampled_from(["gemm", "attention_decode", "all_reduce", "other"]), spans, min_size=1),
    overlap=st.floats(0.5, 1.0), idle=st.floats(0, 0.1), host=st.floats(0, 0.1),
)  # fmt: skip
def test_parts_of_a_trace_add_up_to_the_period(kernels, overlap, idle, host):
    found = estimate(ask(LLAMA_8B, "h200-sxm", Workload(512, 128, 8)))
    busy = overlap * sum(kernels.values())
    step = busy + idle
    parts = traced(found.decode, found.scenario.deployment.gpu, found.floor, kernels, busy, step, step + host)
    assert abs(whole(parts) - (step + host)) < NANOSECOND
    if idle > NANOSECOND:
        assert of(parts, GAPS) == pytest.approx(idle, abs=NANOSECOND)


def test_a_load_tests_parts_are_marked_as_inferred_and_add_up():
    found = estimate(ask(LLAMA_8B, "h200-sxm", Workload(512, 128, 8)))
    assert found.tpot is not None
    parts = predicted(found.decode, found.scenario.deployment.gpu, found.floor)
    told = inferred(parts, found.tpot.value, 0.02)
    assert abs(whole(told) - 0.02) < NANOSECOND
    assert told[-1].name == UNEXPLAINED
    assert {part.basis for part in told[:-1]} == {Basis.ASSUMED}
