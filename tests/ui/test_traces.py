"""Runs of the GPU's profilers on the Evidence page, with Streamlit's AppTest."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from store.runs import Store, default_root
from tests.importers import samples_ncu, samples_torch
from tests.ui.decode_trace import decode_trace
from tests.ui.given import imported
from ui.comparison import placed_words

PAGE = Path(__file__).parents[2] / "ui" / "pages" / "evidence.py"


@pytest.fixture(autouse=True)
def empty_store(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))


def shown(path):
    """The page of a file's run: its words, and the table of its kernels."""
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.query_params["run"] = imported(path.name, path.read_bytes())
    app.run()
    assert not app.exception
    words = " ".join(element.value for element in (*app.markdown, *app.caption))
    return words, next(frame.value for frame in app.dataframe if "Kernel" in frame.value)


def test_counted_kernels_stand_at_their_own_intensity(tmp_path):
    counted = {**samples_ncu.BASE, **samples_ncu.instructions("f", 1e6, 2e6, 4e6)}
    words, kernels = shown(samples_ncu.raw(tmp_path / "x.csv", counted))
    assert "**1** of 1 kernels on the roof stand at the FLOPs and DRAM bytes that were counted" in words
    assert kernels["FLOP/B"].iloc[0] == pytest.approx(11e6 / 3.5e6)
    assert kernels["TFLOP/s"].iloc[0] == pytest.approx(5.5)
    assert "Nsight Compute on" in words


def test_kernels_with_flops_from_shapes_show_their_rate(tmp_path):
    words, kernels = shown(samples_torch.trace(tmp_path / "x.json.gz", zipped=True))
    product = kernels[kernels["Kernel"] == samples_torch.GEMM].iloc[0]
    assert product["TFLOP/s"] == pytest.approx(2 * 9 * 16 * 4 / 13.5e-6 / 1e12)
    assert "stand on the roof with the FLOPs of the model's ops" in words
    assert "(**1** with the FLOPs of their own shapes)" in words


@pytest.mark.parametrize(("counted", "placed", "parts"), [(0, 3, 1), (3, 3, 1), (1, 3, 2), (0, 0, 1)])
def test_words_on_what_is_placed(counted, placed, parts):
    assert len(placed_words(counted, 0, placed, 0.25).split("; ")) == parts + 1


def test_a_pattern_of_ones_own_holds_on_evidence_too(tmp_path):
    path = decode_trace(tmp_path / "x.sqlite")
    _, before = shown(path)
    Store(default_root()).set_choice(imported(path.name, path.read_bytes()), patterns=[("my_*thing", "gemm")])
    words, after = shown(path)
    kinds = [table.set_index("Kernel").loc["my_fused_thing", "Class"] for table in (before, after)]
    assert kinds == ["other", "gemm"]
    assert "gemm 4" in words
