"""The samples of a GPU, tried on the CPU with the torch of a real vLLM's environment."""

import gzip
import os
import sys
from pathlib import Path

import pytest

from tools import gpu_samples

VLLM = os.environ.get("HEADROOM_VLLM", "")
pytestmark = pytest.mark.skipif(not VLLM, reason="HEADROOM_VLLM names no vllm program: make test-vllm installs one")


def test_all_but_the_counters_is_recorded_on_a_cpu(tmp_path, monkeypatch):
    python = Path(VLLM).with_name("python")
    monkeypatch.setattr(sys, "argv", ["x", "--python", str(python), "--device", "cpu", "--out", str(tmp_path)])
    assert gpu_samples.main() == 0
    assert {"gpu.json", "config.json", "decode_b1.json.gz", "decode_b8.json.gz"} <= {
        path.name for path in tmp_path.iterdir()
    }
    trace = gzip.decompress((tmp_path / "decode_b8.json.gz").read_bytes())
    assert trace.count(b"execute_context_0(0)_generation_8(8)") >= 5
    assert b"scaled_dot_product" in trace
