"""data/*.yaml: every row valid, bad rows named, names resolved or refused."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalogue import find_gpu, gpus, read_gpu, read_yaml
from planner.errors import AmbiguousName, BadRow, CatalogueError, UnknownGpu
from planner.gpu import GENERATIONS
from planner.quantities import GIB, GIGA, TERA

ALIASES = [
    ("NVIDIA H100 80GB HBM3", "h100-sxm"),
    ("H100", "h100-sxm"),
    ("h100 sxm5 80 gb", "h100-sxm"),
    ("NVIDIA H100 PCIe", "h100-pcie"),
    ("NVIDIA H100 NVL", "h100-nvl"),
    ("NVIDIA H200", "h200-sxm"),
    ("H200", "h200-sxm"),
    ("NVIDIA A100-SXM4-80GB", "a100-sxm-80gb"),
    ("NVIDIA A100-SXM4-40GB", "a100-sxm-40gb"),
    ("NVIDIA A100-PCIE-40GB", "a100-pcie-40gb"),
    ("A100 PCIe 80GB", "a100-pcie-80gb"),
    ("Tesla T4", "t4"),
    ("T4", "t4"),
    ("NVIDIA L40S", "l40s"),
    ("NVIDIA L40", "l40"),
    ("NVIDIA L4", "l4"),
    ("NVIDIA A10G", "a10g"),
    ("NVIDIA GeForce RTX 4090", "rtx-4090"),
    ("RTX4090", "rtx-4090"),
    ("NVIDIA RTX A6000", "rtx-a6000"),
    ("NVIDIA RTX 6000 Ada Generation", "rtx-6000-ada"),
    ("NVIDIA B200", "b200"),
    ("NVIDIA GH200 480GB", "gh200-96gb"),
    ("AMD Instinct MI300X", "mi300x"),
    ("Tesla V100-SXM2-16GB", "v100-sxm"),
]


@pytest.mark.parametrize("name", sorted(gpus()))
def test_every_row_is_a_possible_gpu(name):
    gpu = gpus()[name]
    assert gpu.id == name
    assert gpu.compute_capability in GENERATIONS
    assert 200 * GIGA <= gpu.bandwidth <= 10_000 * GIGA
    assert 0.85 * gpu.memory_nominal <= gpu.memory <= 1.05 * gpu.memory_nominal
    assert all(1 * TERA < peak < 20_000 * TERA for peak in gpu.peaks.values())
    assert "bf16" in gpu.peaks or "fp16" in gpu.peaks
    assert gpu.power > 30
    assert gpu.source.text


def test_lower_precision_is_never_slower():
    for gpu in gpus().values():
        known = [gpu.peaks[name] for name in ("bf16", "fp8", "fp4") if name in gpu.peaks]
        assert known == sorted(known), gpu.id


@pytest.mark.parametrize(("name", "found"), ALIASES)
def test_alias(name, found):
    assert find_gpu(name).id == found


def test_every_id_name_and_alias_finds_its_own_gpu():
    for gpu in gpus().values():
        for name in (gpu.id, f"{gpu.name} {gpu.variant}", *gpu.aliases):
            assert find_gpu(name).id == gpu.id, name
            assert find_gpu(name.upper()).id == gpu.id, name


def test_ambiguous_a100_names_the_candidates():
    with pytest.raises(AmbiguousName, match=r"a100-pcie-40gb, a100-pcie-80gb, a100-sxm-40gb, a100-sxm-80gb"):
        find_gpu("A100")


def test_an_unknown_gpu_is_refused_with_the_nearest():
    with pytest.raises(UnknownGpu, match=r'No GPU "h100-sxn".*h100-sxm'):
        find_gpu("h100-sxn")


@given(st.text(max_size=30))
def test_any_text_finds_a_gpu_or_is_refused_by_name(name):
    try:
        found = find_gpu(name).id
    except CatalogueError as refusal:
        found = str(refusal)
    assert found in gpus() or len(found) > 20


def _row():
    return deepcopy(read_yaml("gpus.yaml")["gpus"][0])


@pytest.mark.parametrize(
    "key", ["name", "hbm_bandwidth_gb_s", "peak_dense_tflop_s", "memory_type", "source", "power_w"]
)
def test_missing_field_is_named(key):
    row = _row()
    del row[key]
    with pytest.raises(BadRow, match=rf'GPU "t4": field .{key}. is missing'):
        read_gpu(row)


@pytest.mark.parametrize(
    ("key", "value"),
    [("hbm_bandwidth_gb_s", -1), ("hbm_bandwidth_gb_s", "fast"), ("power_w", 0), ("memory_nominal_gib", float("nan")),
     ("memory_nominal_gib", float("inf")), ("link_bandwidth_gb_s", True), ("compute_capability", "7.6"),
     ("memory_type", "sram")],
)  # fmt: skip
def test_bad_value_is_named(key, value):
    with pytest.raises(BadRow, match=rf'GPU "t4".*{key}'):
        read_gpu(_row() | {key: value})


def test_bad_peak_is_named():
    row = _row()
    row["peak_dense_tflop_s"]["fp16"] = "65"
    with pytest.raises(BadRow, match=r"fp16 is '65'"):
        read_gpu(row)


def test_units_are_converted_once():
    t4 = find_gpu("t4")
    assert t4.bandwidth == 320e9
    assert t4.peak("fp16") == 65e12
    assert t4.memory == 14.74 * GIB


def test_a_consumer_gpu_is_named_by_its_line_and_says_what_its_maker_forbids():
    consumer = find_gpu("rtx-4090")
    assert consumer.label == "GeForce RTX 4090"
    assert consumer.doubts[0].startswith("GeForce RTX 4090: ")
    assert "data centres" in consumer.doubts[0]
    assert find_gpu("h100-sxm").doubts == []
