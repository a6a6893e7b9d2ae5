"""Writes a PyTorch trace as large as wanted, with Kineto's keys: `python -m tools.make_torch_trace FILE --mib 64`.

A made-up engine of a few layers: each step is a range, each layer has Python frames, ops with shapes, calls, kernels
and their flows, as vLLM's profiler writes them with shapes and stacks.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from planner.quantities import MIB

LAYERS = 32
HIDDEN, HEADS, HEAD_DIM, INTERMEDIATE = 4096, 32, 128, 14336
FRAMES = 6
"""Python frames of each layer: most events of a trace with stacks are frames."""
KERNELS = (
    ("aten::mm", "nvjet_tst_128x24_64x4_2x1_v_bz_TNT", (HIDDEN, 3 * HIDDEN)),
    (
        "vllm::unified_attention_with_output",
        "void flash::flash_fwd_splitkv_kernel<Flash_fwd_kernel_traits<128>>",
        (1, 1),
    ),
    ("aten::mm", "nvjet_tst_192x16_64x4_1x2_h_bz_TNT", (HIDDEN, HIDDEN)),
    ("_C::fused_add_rms_norm", "void vllm::fused_add_rms_norm_kernel<c10::BFloat16, 8>(c10::BFloat16*)", (HIDDEN, 1)),
    ("aten::mm", "nvjet_tst_256x128_64x4_2x1_v_bz_coopA_TNN", (HIDDEN, 2 * INTERMEDIATE)),
    ("_C::silu_and_mul", "void vllm::act_and_mul_kernel<c10::BFloat16>(c10::BFloat16*, int)", (INTERMEDIATE, 1)),
    ("aten::mm", "nvjet_tst_64x8_64x16_1x2_h_bz_splitK_TNT", (INTERMEDIATE, HIDDEN)),
)
DEVICE = {
    "id": 0, "name": "NVIDIA H100 80GB HBM3", "totalGlobalMem": 85018279936, "computeMajor": 9, "computeMinor": 0,
    "maxThreadsPerBlock": 1024, "maxThreadsPerMultiprocessor": 2048, "regsPerBlock": 65536, "warpSize": 32,
    "sharedMemPerBlock": 49152, "numSms": 132,
}  # fmt: skip
BASE = 1_727_743_122_000_000_000
PROCESS = 4242
GAP, KERNEL = 9.0, 6.5
"""Between two launches, and of one kernel [us]."""


def write(path: Path, size: int) -> int:
    """Writes a trace of at least a size.

    size : [bytes]
    returns : kernels in it
    """
    head = {"schemaVersion": 1, "deviceProperties": [DEVICE], "cuda_runtime_version": 12090, "record_shapes": 1}
    kernels, step = 0, 0
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps({**head, "with_stack": 1, "baseTimeNanoseconds": BASE}, indent=2)[:-2])
        file.write(',\n  "traceEvents": [\n')
        while file.tell() < size:
            for event in _step(step):
                file.write(",\n" if kernels or step or event["ph"] != "M" else "")
                json.dump(event, file, indent=2)
                kernels += event.get("cat") == "kernel"
            step += 1
        file.write('\n  ],\n  "traceName": "made.pt.trace.json"\n}\n')
    return kernels


def _step(number: int) -> Iterator[dict[str, Any]]:
    batch = 1 + number % 64
    at = number * LAYERS * len(KERNELS) * GAP
    if not number:
        yield {"ph": "M", "name": "process_name", "pid": PROCESS, "tid": 0, "ts": 0, "args": {"name": "python"}}
    name = f"execute_context_0(0)_generation_{batch}({batch})"
    yield _event("user_annotation", name, at, LAYERS * len(KERNELS) * GAP, {"External id": number + 1})
    for layer in range(LAYERS):
        for frame in range(FRAMES):
            path = f"vllm/model_executor/models/llama.py({200 + frame}): forward_{frame}"
            told = {"Python parent id": layer, "Python id": layer * FRAMES + frame, "Ev Idx": layer}
            yield _event("python_function", path, at, len(KERNELS) * GAP - frame, told)
        for op, kernel, sides in KERNELS:
            yield from _launch(number * LAYERS * len(KERNELS) + int(at / GAP) + 1, at, batch, op, kernel, sides)
            at += GAP


def _launch(
    place: int, at: float, batch: int, op: str, kernel: str, sides: tuple[int, int]
) -> Iterator[dict[str, Any]]:  # fmt: skip
    shapes = [[batch, sides[0]], list(sides)] if op == "aten::mm" else [[batch, sides[0]], [], []]
    types = ["c10::BFloat16", "c10::BFloat16"] if op == "aten::mm" else ["c10::BFloat16", "Scalar", ""]
    external, correlation = 10_000_000 + place, 500_000_000 + place
    told = {"External id": external, "Record function id": 0, "Concrete Inputs": [""] * len(shapes)}
    told |= {"Input type": types, "Input Strides": shapes, "Input Dims": shapes, "Ev Idx": place}
    yield _event("cpu_op", op, at, GAP - 1, told)
    called = {"External id": external, "cbid": 211, "correlation": correlation}
    yield _event("cuda_runtime", "cudaLaunchKernel", at + 2.125, 3.5, called)
    flow = {
        "ph": "s",
        "id": correlation,
        "pid": PROCESS,
        "tid": PROCESS,
        "ts": at + 2.125,
        "cat": "ac2g",
        "name": "ac2g",
    }
    yield flow
    run = {
        "External id": external, "queued": 0, "device": 0, "context": 1, "stream": 7, "correlation": correlation,
        "registers per thread": 168, "shared memory": 196608, "blocks per SM": 1.0, "warps per SM": 12.0,
        "grid": [132, 1, 1], "block": [384, 1, 1], "est. achieved occupancy %": 19,
    }  # fmt: skip
    yield {**_event("kernel", kernel, at + 8.25, KERNEL, run), "pid": 0, "tid": 7}
    yield {**flow, "ph": "f", "pid": 0, "tid": 7, "ts": at + 8.25, "bp": "e"}


def _event(category: str, name: str, at: float, lasted: float, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "ph": "X", "cat": category, "name": name, "pid": PROCESS, "tid": PROCESS, "ts": round(at, 3),
        "dur": round(lasted, 3), "args": told,
    }  # fmt: skip


def main() -> None:
    """Writes the file that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--mib", type=int, default=64, help="size of the file [MiB]")
    asked = parser.parse_args()
    print(f"{write(asked.file, asked.mib * MIB):,} kernels")


if __name__ == "__main__":
    main()
