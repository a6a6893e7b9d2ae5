"""Elbows of made curves, where the break is known."""

from __future__ import annotations

import numpy as np
import pytest

from planner.elbow import FEWEST, elbow, ridge_batch, student
from planner.errors import NoElbow, TooFewPoints
from planner.roofline import ridge_point
from planner.scenario import Workload, scenario
from tests.planner.questions import LLAMA_8B, find_gpu, find_model

X = np.array([1.0, 2, 4, 8, 16, 32, 64, 128, 256, 512])


def bent(at, noise, seed):
    random = np.random.default_rng(seed)
    return np.maximum(1.0, X / at) ** 0.9 * X**0.05 * np.exp(random.normal(0, noise, len(X)))


def test_interval_holds_the_break_nine_times_in_ten():
    found = [elbow(X, bent(40.0, 0.05, seed)) for seed in range(200)]
    inside = np.mean([one.low <= 40 <= one.high for one in found])
    assert inside >= 0.85
    assert np.median([one.at for one in found]) == pytest.approx(40, rel=0.1)
    assert np.median([one.high / one.low for one in found]) < 2.5


def test_exact_data_has_a_narrow_interval_and_slopes():
    found = elbow(X[::-1], bent(40.0, 0.0, 0)[::-1])
    assert found.low <= 40 <= found.high < 1.1 * found.low
    assert (found.before, found.after) == pytest.approx((0.05, 0.95), abs=0.01)


def test_a_straight_line_has_no_elbow():
    random = np.random.default_rng(1)
    refused = 0
    for _ in range(200):
        try:
            elbow(X, X**0.7 * np.exp(random.normal(0, 0.1, len(X))))
        except NoElbow as no:
            refused += "between 1 and 512" in str(no)
    assert refused >= 190


def test_too_few_points_are_refused():
    with pytest.raises(TooFewPoints, match="4 points are too few"):
        elbow([1, 2, 4, 8, 8, float("nan"), 0], [1, 1, 2, 4, 4, 1, 1])
    assert elbow(X[: FEWEST + 1], [1, 1, 1, 2, 4, 8]).at == pytest.approx(4, rel=0.02)


@pytest.mark.parametrize(("free", "expected"), [(1, 6.314), (11, 1.796), (20, 1.725), (120, 1.658)])
def test_quantiles_of_students_t(free, expected):
    assert student(free) == pytest.approx(expected, abs=1e-3)


def test_products_cross_the_ridge_near_the_ridge_point_in_bf16():
    """With weights of 2 bytes a product does 1 FLOP a byte for each row: the batch is the ridge point and a little."""
    gpu = find_gpu("h100-sxm")
    found = ridge_batch(scenario(find_model(LLAMA_8B), gpu, Workload(512, 128)), 576)
    ridge = float(ridge_point(gpu.peak("bf16"), gpu.bandwidth))
    assert ridge < found < 1.3 * ridge


def test_int4_weights_cross_earlier_and_experts_later():
    gpu = find_gpu("h100-sxm")
    llama = find_model(LLAMA_8B)
    dense, packed = (
        ridge_batch(scenario(llama, gpu, Workload(512, 128), scheme=name), 576) for name in ("bf16", "awq")
    )
    experts = ridge_batch(scenario(find_model("Qwen/Qwen3-30B-A3B"), gpu, Workload(512, 128), scheme="bf16"), 576)
    assert packed < dense < experts
