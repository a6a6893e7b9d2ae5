"""How sure a figure is: laws of the interval, and its coverage of measurements that it was not fitted to."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from planner.catalogue import find_gpu
from planner.catalogue_models import find_model
from planner.engine import Engine
from planner.estimate import estimate
from planner.intervals import (
    FAMILY_NOVELTIES,
    GPU_NOVELTIES,
    _rows,
    family,
    fastest_step,
    interval,
    novelty,
    overflows,
    why_wide,
)
from planner.memory import memory, weight_bytes
from planner.scenario import Workload
from tests.planner.questions import GPT_OSS_20B, LLAMA_8B, MEASUREMENTS, MIXTRAL, ask
from tools.fit_intervals import FOLDS, METRICS, Sides, comparable, fitted, left_out_coverage, quantiles
from tools.residuals import Case, cases

shared = pytest.mark.skipif(
    not all((MEASUREMENTS / name).is_file() for name in ("vllm_serving.csv", "end_to_end.csv")),
    reason="the tables of ../shared/measurements are not there",
)
QUESTIONS = [
    (LLAMA_8B, "h100-sxm", Workload(512, 128)),
    (LLAMA_8B, "t4", Workload(512, 128)),
    (MIXTRAL, "mi300x", Workload(512, 128, concurrency=16)),
    (GPT_OSS_20B, "b200", Workload(100, 2, concurrency=64)),
    (LLAMA_8B, "l40s", Workload(20, 4000, concurrency=256)),
    (LLAMA_8B, "h200-sxm", Workload(512, 1, mode="batch", concurrency=8)),
]


@cache
def left_out(gpu):
    return cases(MEASUREMENTS, gpu)


def residuals(values, group):
    return [Case("tpot", "fits", group, "hopper", "llama dense", "", "vllm", value) for value in values]


@pytest.mark.parametrize(("model", "gpu", "load"), QUESTIONS)
def test_every_figure_lies_in_its_interval_and_is_positive(model, gpu, load):
    found = estimate(ask(model, gpu, load, scheme="awq" if gpu == "t4" else None))
    for figure in (found.ttft, found.tpot, found.e2e):
        if figure is not None:
            assert 0 < figure.low <= figure.value <= figure.high
    assert 0 < found.throughput_low <= found.output_tokens_per_second <= found.throughput_high


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("regime", ["fits", "overflows"])
def test_what_is_farther_from_the_measurements_is_never_surer(metric, regime):
    rows = _rows()
    steps = [((near, kind), (far, kind)) for near, far in pairwise(GPU_NOVELTIES) for kind in FAMILY_NOVELTIES]
    steps += [((gpu, near), (gpu, far)) for gpu in GPU_NOVELTIES for near, far in pairwise(FAMILY_NOVELTIES)]
    for near, far in steps:
        for side in ("below", "above"):
            assert rows[metric, regime, *near][side] <= rows[metric, regime, *far][side]
            assert rows[metric, "fits", *far][side] <= rows[metric, "overflows", *far][side]


def test_novelty_tells_what_was_measured():
    assert novelty(find_gpu("h100-sxm"), "llama dense") == ("measured", "measured")
    assert novelty(find_gpu("b300"), "llama moe") == ("gpu_unseen", "family_unseen")
    assert novelty(find_gpu("t4"), "gpt_oss moe") == ("generation_unseen", "measured")
    assert family(find_model(LLAMA_8B)) == "llama dense"


def test_the_interval_says_why_it_is_wide():
    asked = ask(LLAMA_8B, "h100-sxm"), ask(MIXTRAL, "mi300x", tensor_parallel=2)
    near, far = (interval("tpot", 0.01, one) for one in asked)
    nothing, why = (why_wide(one) for one in asked)
    assert nothing == ""
    assert "MI300X" in why
    assert "AMD" in why
    assert "mixtral moe" in why
    assert far.high - far.low > 2 * (near.high - near.low)
    assert why in estimate(asked[1]).caveats


@pytest.mark.parametrize(("engine", "word"), [(Engine(name="sglang"), "sglang"), (Engine(version="0.6.0"), "0.6.0")])
def test_another_engine_than_the_measured_one_doubles_the_sides(engine, word):
    asked = [ask(LLAMA_8B, "h100-sxm", engine=each) for each in (Engine(), engine)]
    near, far = (interval("tpot", 0.01, one) for one in asked)
    assert np.log(far.high / 0.01) == pytest.approx(2 * np.log(near.high / 0.01), rel=1e-9)
    assert word in why_wide(asked[1])


def test_no_lower_end_undercuts_the_floor_and_both_ends_grow_with_the_value():
    question = ask(LLAMA_8B, "t4", scheme="awq")
    for floor in (0.0, 0.009, 0.02):
        found = interval("tpot", 0.01, question, floor=floor)
        assert min(floor, 0.01) <= found.low <= 0.01
    ends = [interval("ttft", value, question, floor=0.02) for value in np.geomspace(0.001, 10, 20)]
    assert all(less.low <= more.low and less.high <= more.high for less, more in pairwise(ends))


def test_the_fastest_step_of_a_dense_model_is_its_weights_but_the_embedding():
    found = fastest_step(ask(LLAMA_8B, "h100-sxm"))
    assert found == pytest.approx(2 * (8_030_261_248 - 128_256 * 4096) / 3350e9, rel=1e-9)
    mixture = ask(GPT_OSS_20B, "h100-sxm")
    assert fastest_step(mixture) == estimate(mixture).floor < 0.5 * weight_bytes(mixture) / 3350e9


def test_more_requests_than_fit_overflow():
    for concurrency, crowded in ((4, False), (256, True)):
        question = ask(LLAMA_8B, "l40s", Workload(20, 4000, concurrency=concurrency))
        assert overflows(question, memory(question)) is crowded


def test_quantiles_take_the_rank_of_one_more():
    assert quantiles(residuals(np.arange(-50, 50) / 100, "a")) == pytest.approx((0.46, 0.45))
    assert quantiles(residuals([0.0, 0.3], "a")) == Sides(0.02, 0.3)


def test_a_left_out_group_that_lies_elsewhere_widens_the_fit():
    random = np.random.default_rng(0)
    alike = [case for group in "abcd" for case in residuals(random.normal(0, 0.1, 100), group)]
    apart = [*alike, *residuals(random.normal(0.5, 0.1, 100), "e")]
    keys = (lambda case: case.gpu,)
    assert fitted(alike, keys).above < 0.25 < fitted(apart, keys).above
    assert 0.85 < left_out_coverage(alike, keys)[0] < 0.95


@shared
@pytest.mark.parametrize("metric", METRICS)
def test_left_out_configurations_lie_inside_nine_times_of_ten(metric):
    """GPU and family measured, the configuration not: 90-92 % of 353 cases in 26 groups."""
    near = ("measured", "measured")
    part = comparable(left_out(near[0]), metric, "fits", near)
    assert all(0.85 <= share <= 0.95 for share in left_out_coverage(part, FOLDS[near]))


@shared
def test_left_out_gpus_and_families_lie_inside_nine_times_of_ten():
    """Mean over left-out groups: 76-95 % by novelty and metric, 90 % in all; with four groups one moves it by 25."""
    held = {
        (metric, *far): left_out_coverage(comparable(left_out(far[0]), metric, "fits", far), keys)[1]
        for metric in METRICS
        for far, keys in FOLDS.items()
    }
    assert 0.85 <= np.mean(list(held.values())) <= 0.95, held
    assert all(0.75 <= share <= 0.98 for share in held.values()), held
