"""The buyer's answers against measurements: the highest load at a promise, and ranks."""

import statistics

import pytest

from tests.planner.questions import MEASUREMENTS
from tools.accuracy_cases import Case
from tools.capacity_check import TABLE, _configurations, _load, capacity_cases, rank_correlation, ranks_agree

shared = pytest.mark.skipif(
    not (MEASUREMENTS / "vllm_serving.csv").is_file(), reason="the tables of ../shared/measurements are not there"
)


def test_a_load_between_two_measured_ones():
    """TPOT doubles while requests go from 10 to 40: half way, at the root of 2, there are 20."""
    assert _load(2**0.5, [10.0, 40.0], [1.0, 2.0]) == pytest.approx(20)
    assert _load(0.5, [10.0, 40.0], [1.0, 2.0]) == pytest.approx(10)


def test_configurations_differ_in_concurrency_alone():
    rows = [{"gpu": gpu, "concurrency": at, "source": "x"} for gpu, at in (("a", "8"), ("b", "4"), ("a", "2"))]
    assert [[row["concurrency"] for row in alike] for alike in _configurations(rows)] == [["2", "8"]]


def test_ranks_by_hand():
    assert rank_correlation([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 2], [5, 5, 9]) == pytest.approx(1)


def test_systems_are_compared_by_gpu_not_by_size():
    cells = [{"tensor_parallel": str(size)} for size in (1, 2, 4, 8, 1, 2)]
    cases = [
        Case("t", f"gpu {at}", "m", "", size * (at + 1.0), size * (at + 2.0), cells=one)
        for at, one in enumerate(cells)
        for size in (int(one["tensor_parallel"]),)
    ]
    assert "rank correlation 1.00" in next(ranks_agree(cases, "t"))


@shared
def test_the_highest_load_at_a_promise_is_near_the_measured_one(tmp_path):
    """A twelfth of the configurations here, all of them in make accuracy: 12 % at the median."""
    lines = (MEASUREMENTS / "vllm_serving.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines[1:] if "h200-sxm" in line and "gpt-oss" in line]
    (tmp_path / "vllm_serving.csv").write_text("".join([lines[0], *kept[:24]]), encoding="utf-8")
    found = list(capacity_cases(tmp_path))
    assert len(found) >= 10
    assert {case.table for case in found} == {TABLE}
    assert statistics.median(case.error for case in found) < 0.15
