"""A GPU's derived facts, and what it says of a peak that it has not."""

from __future__ import annotations

import pytest

from planner.catalogue import find_gpu
from planner.errors import UnsupportedPrecision
from planner.gpu import reported_memory
from planner.quantities import GIB, Basis


def test_reported_memory_literal():
    assert reported_memory(24, "gddr_ecc") / GIB == pytest.approx(22.128, rel=1e-9)


def test_capability_of_amd_ranks_by_formats():
    assert find_gpu("mi300x").capability == 8.9
    assert find_gpu("t4").capability == 7.5


def test_a_missing_peak_is_refused_and_the_known_ones_named():
    with pytest.raises(UnsupportedPrecision, match=r"no known dense fp8 peak.*fp32, fp16, int8"):
        find_gpu("t4").peak("fp8")


def test_basis_follows_what_was_checked():
    t4 = find_gpu("t4")
    assert t4.basis is Basis.DATASHEET
    assert t4.label == "T4 PCIe"
    assert t4.generation == "turing"
