"""Run by the Python that has torch, not by ours: `python gpu_probe.py`. Prints what a GPU reaches, as one JSON object.

Bandwidth: a copy of a buffer far larger than any cache moves its bytes twice. Matrix rate: the largest of several
square products. Medians of repeated runs after a warm-up; half a minute in all.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

COPY_BYTES = {"cuda": 2 * 2**30, "cpu": 64 * 2**20}
SIZES = {"cuda": (4096, 8192, 16384), "cpu": (512,)}
FORMATS = ("bfloat16", "float16")
REPEATS = 10


def main(device: str) -> None:
    """Measures one device and prints the result."""
    import torch  # noqa: PLC0415 - of the other Python

    if device == "cuda" and not torch.cuda.is_available():
        sys.stdout.write(json.dumps({"error": "torch sees no GPU"}))
        return
    found: dict[str, Any] = {"torch": torch.__version__, "device": device}
    if device == "cuda":
        about = torch.cuda.get_device_properties(0)
        found |= {"gpu": about.name, "memory_bytes": about.total_memory, "sm_count": about.multi_processor_count}
    found["bandwidth_b_s"] = bandwidth(torch, device)
    found["matrix_flop_s"] = {name: matrix(torch, device, name) for name in FORMATS}
    sys.stdout.write(json.dumps(found))


def bandwidth(torch: Any, device: str) -> float:
    """Bytes read and written by a copy, over its median time [B/s]."""
    source = torch.ones(COPY_BYTES[device], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return float(2 * source.numel() / timed(torch, device, lambda: target.copy_(source)))


def matrix(torch: Any, device: str, name: str) -> float:
    """Largest rate of a product of two square matrices, 2 n³ FLOPs over its median time [FLOP/s]."""
    best = 0.0
    for size in SIZES[device]:
        one = torch.randn(size, size, device=device).to(getattr(torch, name))
        other = torch.randn(size, size, device=device).to(getattr(torch, name))
        best = max(best, 2 * size**3 / timed(torch, device, lambda one=one, other=other: one @ other))
    return best


def timed(torch: Any, device: str, work: Any) -> float:
    """Median time of one run [s]."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    work()
    wait()
    spent = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        wait()
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cuda")
