"""Shares of the roofs: measured ones, inherited ones, and how well each is founded."""

from __future__ import annotations

import pytest

from planner.catalogue import find_gpu, gpus, read_yaml
from planner.efficiency import NEAREST, PRIOR, SHARE_OF_GEMM, efficiency
from planner.quantities import MICROSECOND, Basis

KINDS = ("gemm", "attention_decode", "attention_prefill", "all_reduce", *SHARE_OF_GEMM, *PRIOR)


@pytest.mark.parametrize("gpu", sorted(gpus()))
def test_every_gpu_has_every_efficiency_within_its_roof(gpu):
    for kind in KINDS:
        for number_format in gpus()[gpu].peaks:
            found = efficiency(kind, number_format, gpus()[gpu], 4)
            assert 0 < found.compute <= 1
            assert 0 < found.memory <= 1
            assert 0 < found.link <= 1
            assert 0 <= found.latency < 100 * MICROSECOND


def test_measured_row_as_in_the_file():
    found = efficiency("gemm", "bf16", find_gpu("h100-sxm"))
    assert (found.compute, found.memory, found.basis) == (0.8, 0.88, Basis.MEASURED)
    assert found.latency == pytest.approx(3.5e-6, rel=1e-9)


def test_a_gpu_without_rows_takes_its_generation():
    """H20 is Hopper: the mean of H100 (0.80, 0.88) and H200 (0.82, 0.91)."""
    found = efficiency("gemm", "bf16", find_gpu("h20"))
    assert found.basis is Basis.CALIBRATED
    assert found.compute == pytest.approx(0.81, rel=1e-9)
    assert found.memory == pytest.approx(0.895, rel=1e-9)


def test_a_generation_without_rows_takes_the_nearest_and_says_assumed():
    found = efficiency("gemm", "fp16", find_gpu("t4"))
    assert found.basis is Basis.ASSUMED
    assert found.compute == efficiency("gemm", "bf16", find_gpu("a100-sxm-80gb")).compute


@pytest.mark.parametrize("kind", sorted(SHARE_OF_GEMM))
def test_grouped_gemm_is_a_share_of_the_plain_one(kind):
    gpu = find_gpu("h200-sxm")
    plain, grouped = efficiency("gemm", "fp8", gpu), efficiency(kind, "fp8", gpu)
    assert (grouped.compute / plain.compute, grouped.memory / plain.memory) == pytest.approx(SHARE_OF_GEMM[kind])
    assert grouped.basis is Basis.ASSUMED


def test_all_reduce_by_the_nearest_group_size():
    gpu = find_gpu("h100-sxm")
    assert efficiency("all_reduce", "fp32", gpu, 8).link == 0.8
    assert efficiency("all_reduce", "fp32", gpu, 16).link == 0.8
    assert efficiency("all_reduce", "fp32", gpu, 2).link == 0.66


def test_every_generation_leads_to_measured_ones():
    assert set(NEAREST) >= {gpu.generation for gpu in gpus().values()}


def test_the_file_holds_known_gpus_and_tells_its_error():
    for rows in read_yaml("efficiency.yaml").values():
        assert {row["gpu"] for row in rows} <= set(gpus())
        assert all(row["points"] > 0 and 0 < row["median_error_percent"] < 25 for row in rows)
