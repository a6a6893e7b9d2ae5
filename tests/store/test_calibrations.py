"""Calibrations in each kind of store: kept, replaced, listed, loaded, deleted; hostile names and files refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.calibration import Calibration, as_json
from planner.correction import FACTORS, Correction
from planner.errors import CalibrationError, UnknownCalibration
from store import Store, calibrations


def sample(name: str = "our-box") -> Calibration:
    size = len(FACTORS) + 1
    square = tuple(tuple(0.01 if row == column else 0.0 for column in range(size)) for row in range(size))
    own = Correction(name, memory=0.9, kernels=(("m bf16 bf16 h100-sxm x1", 1.1),), spread=0.04, covariance=square)
    measured = replace(own, gpus=("h100-sxm",), batch=(1.0, 16.0))
    return Calibration(measured, ("tpot, 1 at once",), (0.2,), (0.01,), ("memory",), ("m",))


def test_a_calibration_comes_back_and_goes(anywhere: Store) -> None:
    assert calibrations.names(anywhere) == []
    assert calibrations.save(anywhere, sample()) == "our-box"
    calibrations.save(anywhere, sample("a"))
    assert calibrations.names(anywhere) == ["a", "our-box"]
    assert calibrations.load(anywhere, "our-box") == sample()
    calibrations.delete(anywhere, "a")
    assert calibrations.names(anywhere) == ["our-box"]
    assert anywhere.runs() == []


def test_the_later_one_of_a_name_stays(anywhere: Store) -> None:
    calibrations.save(anywhere, sample())
    later = replace(sample(), models=("other",))
    calibrations.save(anywhere, later)
    assert calibrations.load(anywhere, "our-box") == later


@pytest.mark.parametrize("name", ["our-bix", "../../etc/passwd", "", "a/b"])
def test_an_unknown_name_names_the_nearest_and_is_never_a_path(store: Store, name: str) -> None:
    calibrations.save(store, sample())
    with pytest.raises(UnknownCalibration, match="our-box"):
        calibrations.load(store, name)
    with pytest.raises(UnknownCalibration):
        calibrations.delete(store, name)


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "a/b", "x" * 61, "<script>"])
def test_a_name_that_no_file_should_have_is_refused(store: Store, name: str) -> None:
    with pytest.raises(CalibrationError, match="cannot name a calibration"):
        calibrations.save(store, sample(name))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{}", b"\xff", b"[" * 100_000, as_json(sample()).replace('"schema": 1', '"schema": 2').encode(),
        as_json(sample()).replace("0.9", "-0.9").encode(), as_json(sample()).replace("0.9", "NaN").encode(),
        as_json(sample()).replace("0.04", "Infinity").encode(), as_json(sample()).replace("16.0", "0").encode(),
    ],
)  # fmt: skip
def test_a_damaged_file_is_told_and_can_be_deleted(store: Store, content: bytes) -> None:
    calibrations.save(store, sample())
    store.shelf.keep_note("calibrations", "our-box.json", content)
    with pytest.raises(CalibrationError, match=r"Calibration our-box: .*Calibrate again"):
        calibrations.load(store, "our-box")
    calibrations.delete(store, "our-box")
    assert calibrations.names(store) == []
