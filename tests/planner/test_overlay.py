"""Measured beside predicted."""

from __future__ import annotations

import pytest

from planner.catalogue_models import find_model
from planner.estimate import estimate
from planner.kernel_marks import kernel_marks
from planner.marks import predicted_marks, totals
from planner.measured import KernelSample, MeasuredPoint, Run
from planner.overlay import compare, conditions_of, scenario_of, step_marks
from tests.planner.questions import LLAMA_8B

MODEL = find_model(LLAMA_8B)


def run(*points, kernels=(), **settings):
    return Run("test", "1", "test.json", "0" * 64, settings=settings, points=points, kernels=tuple(kernels))


def test_each_point_is_predicted_under_its_own_conditions():
    few = MeasuredPoint("tpot", "mean", 0.005, concurrency=1, prompt_tokens=128, output_tokens=16)
    many = MeasuredPoint("tpot", "mean", 0.010, concurrency=64, prompt_tokens=128, output_tokens=16)
    one, two = compare(run(few, many), "h200-sxm", MODEL)
    assert one.predicted < two.predicted
    assert one.residual == pytest.approx(0.005 / one.predicted, rel=1e-9)
    read = 2 * (8_030_261_248 - 128_256 * 4096)  # all but the input embedding, of which a step reads a row a sequence
    assert one.floor_utilisation == pytest.approx(read / 4800e9 / 0.005, rel=1e-9)


def test_what_has_no_prediction_is_left_out_and_what_does_not_fit_keeps_its_refusal():
    odd = MeasuredPoint("queue_length", "mean", 3.0)
    tail = MeasuredPoint("tpot", "p99", 0.1)
    large = MeasuredPoint("tpot", "mean", 0.1, concurrency=1, prompt_tokens=5_000_000, output_tokens=2)
    (found,) = compare(run(odd, tail, large), "h200-sxm", MODEL)
    assert found.estimate is None
    assert found.residual is None
    assert "too small for one request" in found.refusal


def test_settings_of_the_file_are_asked_and_the_reader_wins():
    asked = scenario_of(run(concurrency=8.0, tensor_parallel=2.0), "h200-sxm", MODEL, tensor_parallel="4")
    assert asked.deployment.tensor_parallel == 4
    assert asked.workload.concurrency == 8


def test_a_load_test_without_limit_sends_all_its_requests_at_once():
    asked = scenario_of(run(requests=60.0, request_rate="inf"), "h200-sxm", MODEL)
    assert (asked.workload.concurrency, asked.workload.open_loop) == (60, False)
    assert (
        scenario_of(run(requests=60.0, request_rate="inf", concurrency=4.0), "h200-sxm", MODEL).workload.concurrency
        == 4
    )
    assert scenario_of(run(requests=60.0, request_rate=5.0), "h200-sxm", MODEL).workload.open_loop


def test_conditions_lose_nothing():
    point = MeasuredPoint("ttft", "mean", 1.0, concurrency=16.0, prompt_tokens=921.6)
    assert conditions_of(point) == {"concurrency": "16", "input_tokens": "921.6"}


def test_predicted_marks_lie_under_the_roof_and_share_the_step():
    phase = estimate(scenario_of(run(), "h200-sxm", MODEL)).decode
    marks = predicted_marks("decode", phase)
    assert sum(mark.share for mark in marks) == pytest.approx(1.0, rel=1e-9)
    assert not any(mark.above_roof for mark in marks)


def test_a_faster_measurement_than_the_roof_is_flagged():
    point = MeasuredPoint("tpot", "mean", 1e-6, concurrency=1, prompt_tokens=128, output_tokens=16)
    predicted, measured = step_marks(compare(run(point), "h200-sxm", MODEL))
    assert not predicted[0].above_roof
    assert measured[0].above_roof


def test_kernels_take_the_flops_of_their_class_and_the_rest_is_told():
    kernels = [KernelSample("gemm_a", "gemm", 0, 129, 3.0), KernelSample("odd", "memcpy", 0, 1, 1.0)]
    phase = estimate(scenario_of(run(), "h200-sxm", MODEL)).prefill
    marks, unplaced = kernel_marks(run(kernels=kernels), phase)
    assert [mark.name for mark in marks] == ["gemm_a"]
    assert unplaced == pytest.approx(0.25, rel=1e-9)
    assert dict(totals(kernels)) == {"gemm": 3.0, "memcpy": 1.0}


def test_counted_flops_and_bytes_come_before_the_models():
    counted = KernelSample("counted", "other", 0, 2, 1e-3, flops=4e9, bytes=2e9)
    no_flops = KernelSample("copy", "memory", 0, 1, 1e-3, flops=0.0, bytes=1e9)
    from_shapes = KernelSample("gemm_a", "gemm", 0, 10, 1e-3, flops=1e12)
    unknown = KernelSample("odd", "other", 0, 1, 1e-3, bytes=1e9)
    phase = estimate(scenario_of(run(), "h200-sxm", MODEL)).prefill
    marks, unplaced = kernel_marks(run(kernels=[counted, no_flops, from_shapes, unknown]), phase)
    assert [mark.name for mark in marks] == ["counted", "gemm_a"]
    assert (marks[0].intensity, marks[0].rate) == (pytest.approx(2.0), pytest.approx(4e12))
    assert marks[0].bound.label == "memory"
    assert marks[1].rate == pytest.approx(1e15)
    mean = kernel_marks(run(kernels=[KernelSample("gemm_a", "gemm", 0, 10, 1e-3)]), phase)[0][0]
    assert marks[1].intensity == pytest.approx(mean.intensity)
    assert unplaced == pytest.approx(0.5)


@pytest.mark.parametrize("seconds", [1e-303, 1e300])
def test_a_time_that_no_step_takes_gets_no_mark(seconds):
    point = MeasuredPoint("tpot", "mean", seconds, concurrency=1, prompt_tokens=128, output_tokens=16)
    compared = compare(run(point), "h200-sxm", MODEL)
    assert len(compared) == 1
    assert step_marks(compared) == ((), ())


def test_an_open_loop_says_that_its_interval_is_borrowed():
    question = scenario_of(run(concurrency=4), "h200-sxm", MODEL, request_rate="2")
    assert any("Open loops" in caveat for caveat in estimate(question).caveats)
