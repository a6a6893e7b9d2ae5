"""Shares of the roofs: measured ones, inherited ones, how well each is founded, and for what sizes."""

from __future__ import annotations

import math

import pytest

from planner.catalogue import find_gpu, gpus, read_yaml
from planner.efficiency import NEAREST, PRIOR, TILE, UNPACKED, UNPACKED_FULL_RATE, efficiency, of_rows
from planner.quantities import MICROSECOND, Basis

MEASURED = ("gemm", "attention_decode", "attention_prefill", "elementwise", "sampling", "all_reduce", "moe_gemm")
KINDS = (*MEASURED, "gemm_unpacked", "moe_gemm_unpacked", *PRIOR)
TABLE = read_yaml("efficiency.yaml")
ROWS = [(kind, row) for kind in MEASURED for row in TABLE[kind]]


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
    row = next(row for row in TABLE["gemm"] if (row["gpu"], row["format"]) == ("h100-sxm", "bf16"))
    found = efficiency("gemm", "bf16", find_gpu("h100-sxm"))
    assert (found.compute, found.memory, found.basis) == (row["compute"], row["memory"], Basis.MEASURED)
    assert found.latency == pytest.approx(row["latency_us"] * 1e-6, rel=1e-9)
    assert (found.valid.rows, found.valid.moved) == (tuple(row["rows"]), tuple(row["bytes"]))


def gemm_row(gpu, **figures):
    return {"gpu": gpu, "format": "bf16", "compute": 0.5, "memory": 0.5, "latency_us": 1.0, **figures}


def test_a_gpu_without_rows_takes_its_capability_then_its_generation_then_the_nearest():
    """An A10 (8.6) takes the A40 (8.6), not the A100 (8.0); an A30 (8.0) the A100; a T4 both; an H100 the nearest."""
    rows = [gemm_row("a40", memory=0.4), gemm_row("a100-sxm-80gb", memory=0.8)]

    def found(gpu):
        shares = of_rows(rows, "gemm", "bf16", find_gpu(gpu))
        return shares.memory, shares.basis

    assert found("a10") == (0.4, Basis.CALIBRATED)
    assert found("a30") == (0.8, Basis.CALIBRATED)
    assert found("t4") == (pytest.approx(0.6), Basis.ASSUMED)
    assert found("h100-sxm") == (pytest.approx(0.6), Basis.ASSUMED)


def test_a_vendor_keeps_to_its_own_rows_though_their_format_is_another():
    """fp8 on an MI300X: AMD's bf16 rows before NVIDIA's fp8 ones; a figure that AMD lacks comes from NVIDIA."""
    rows = [
        {"gpu": "mi210", "format": "bf16", "compute": 0.6, "memory": 0.3},
        gemm_row("h100-sxm", format="fp8", memory=0.9, latency_us=7.0),
    ]
    found = of_rows(rows, "gemm", "fp8", find_gpu("mi300x"))
    assert (found.compute, found.memory, found.basis) == (0.6, 0.3, Basis.ASSUMED)
    assert found.latency == pytest.approx(7e-6, rel=1e-9)


def test_attention_of_an_fp8_cache_has_rows_of_its_own():
    """On H200 vLLM's fp8 kernels reach two thirds of the bandwidth that its 16-bit ones do."""
    gpu = find_gpu("h200-sxm")
    narrow, wide = efficiency("attention_decode", "fp8", gpu), efficiency("attention_decode", "bf16", gpu)
    assert narrow.memory < 0.8 * wide.memory
    assert efficiency("attention_decode", "fp16", gpu) == wide


def test_what_several_gpus_have_in_common_is_valid():
    rows = [
        gemm_row("h100-sxm", rows=[1, 100], bytes=[10, 1000]),
        gemm_row("h200-sxm", rows=[4, 200], bytes=[5, 500]),
    ]
    valid = of_rows(rows, "gemm", "bf16", find_gpu("h20")).valid
    assert (valid.rows, valid.moved) == ((4, 100), (10, 500))


def test_grouped_products_are_a_share_of_plain_ones():
    gpu, row = find_gpu("rtx-pro-6000"), TABLE["moe_gemm"][0]
    plain, grouped = efficiency("gemm", "bf16", gpu), efficiency("moe_gemm", "bf16", gpu)
    assert (grouped.compute / plain.compute, grouped.memory / plain.memory) == pytest.approx(
        (row["compute"], row["memory"])
    )
    assert (grouped.tile, plain.tile) == (TILE, 1)
    assert efficiency("moe_gemm", "bf16", find_gpu("h200-sxm")).basis is Basis.ASSUMED


@pytest.mark.parametrize(("gpu", "share"), [("h200-sxm", UNPACKED), ("t4", UNPACKED), ("l40s", UNPACKED_FULL_RATE)])
@pytest.mark.parametrize("kind", ["gemm", "moe_gemm"])
def test_widening_weights_takes_most_of_the_compute_rate_and_none_of_the_bandwidth(gpu, share, kind):
    plain, packed = efficiency("gemm", "fp16", find_gpu(gpu)), efficiency(f"{kind}_unpacked", "fp16", find_gpu(gpu))
    assert packed.compute / plain.compute == pytest.approx(share)
    assert packed.memory == efficiency(kind, "fp16", find_gpu(gpu)).memory
    assert (packed.tile, packed.basis) == (TILE, Basis.ASSUMED)


def test_all_reduce_by_the_nearest_group_size():
    gpu = find_gpu("h100-sxm")
    links = {row["gpus"]: row["link"] for row in TABLE["all_reduce"] if row["gpu"] == "h100-sxm"}
    assert [efficiency("all_reduce", "fp32", gpu, size).link for size in (2, 8, 16)] == [links[2], links[8], links[8]]


def test_every_generation_leads_to_measured_ones():
    assert set(NEAREST) == {gpu.generation for gpu in gpus().values()}


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=lambda value: value if isinstance(value, str) else value["gpu"])
def test_a_row_keeps_to_its_units_and_bounds(kind, row):
    meanings = TABLE["parameters"]
    assert row["gpu"] in gpus()
    assert row["points"] > 0
    for name, value in row.items():
        if name in ("gpu", "format", "gpus", "points"):
            continue
        assert meanings[name]["unit"]
        low, high = (float(end) for end in meanings[name]["bound"].strip("([])").split(","))
        for end in value if isinstance(value, list) else [value]:
            assert low <= end <= high
            assert end > low or meanings[name]["bound"][0] == "["
            assert math.isfinite(end)
    assert row["bytes"][0] <= row["bytes"][1]


@pytest.mark.parametrize("kind", ["gemm", "attention_decode", "attention_prefill", "all_reduce"])
def test_the_file_tells_how_far_off_a_gpu_would_be_that_was_not_measured(kind):
    rows = [row for row in TABLE[kind] if "latency_us" in row]
    assert all(0 < row["median_error_percent"] < 25 and row["unseen_error_percent"] > 0 for row in rows)
    assert sum(row["unseen_error_percent"] for row in rows) > sum(row["median_error_percent"] for row in rows)


def test_collectives_over_pcie_are_those_of_gpus_on_pcie():
    """An A10 has no NVLink: it takes the L40S, whose all-reduce of four takes 13 us to start, not the A100's 5."""
    rows = {
        (row["gpu"], row["gpus"]): row["latency_us"]
        for row in TABLE["all_reduce"]
        if row["gpu"] in ("l40s", "h100-sxm")
    }
    assert efficiency("all_reduce", "bf16", find_gpu("a10"), 4).latency == pytest.approx(rows["l40s", 4] * 1e-6)
    assert efficiency("all_reduce", "bf16", find_gpu("h20"), 4).latency < 0.5 * rows["l40s", 4] * 1e-6
