"""Traces as Kineto writes them, made by code."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from tests.importers.samples import SECRET, SHARED

TORCH_FILES = sorted(path for path in (SHARED / "traces" / "torch").rglob("*") if path.is_file())
NOT_TRACES = {
    "kineto__061d4ba9": "looks like text",
    "kineto__e1d57394": "a Chrome trace without events of the PyTorch profiler",
    "TraceLens__0287c9b5": "a gzip file of a JSON object with the keys rocprofiler-sdk-tool",
}
H100 = {
    "id": 0, "name": "NVIDIA H100 80GB HBM3", "totalGlobalMem": 85018279936, "computeMajor": 9, "computeMinor": 0,
    "numSms": 132, "warpSize": 32,
}  # fmt: skip
BASE = 1_727_743_122_000_000_000
GEMM = "nvjet_tst_128x24_64x4_2x1_v_bz_TNT"
REDUCE = "void splitKreduce_kernel<32, 16, int, __nv_bfloat16>(cublasSplitKParams<float>)"
NORM = "void vllm::rms_norm_kernel<c10::BFloat16>(c10::BFloat16*, c10::BFloat16 const*, float)"
PROCESS, THREAD = 4242, 77


def complete(cat: str, name: str, ts: float, dur: float, **arguments: Any) -> dict[str, Any]:
    """A complete event of the host."""
    return {"ph": "X", "cat": cat, "name": name, "pid": PROCESS, "tid": THREAD, "ts": ts, "dur": dur, "args": arguments}


def op(
    name: str, ts: float, dur: float, external: int, *dims: Any, types: Any = (), values: Any = ()
) -> dict[str, Any]:
    """A cpu_op with the shapes, types and values of its inputs."""
    told = {
        "External id": external,
        "Input Dims": list(dims),
        "Input type": list(types),
        "Concrete Inputs": list(values),
    }
    return complete("cpu_op", name, ts, dur, **told)


def call(ts: float, correlation: int, external: int, name: str = "cudaLaunchKernel") -> dict[str, Any]:
    """A call of the runtime."""
    return complete("cuda_runtime", name, ts, 1.5, **{"External id": external, "correlation": correlation, "cbid": 211})


def kernel(name: str, ts: float, dur: float, correlation: int, external: int | None, device: int = 0) -> dict[str, Any]:
    """A kernel on a device."""
    told: dict[str, Any] = {} if external is None else {"External id": external}
    told |= {
        "queued": 0, "device": device, "context": 1, "stream": 7, "correlation": correlation,
        "registers per thread": 168, "shared memory": 1024, "blocks per SM": 1.5, "grid": [132, 2, 1],
        "block": [384, 1, 1], "est. achieved occupancy %": 40, "graph node id": 0,
    }  # fmt: skip
    return {"ph": "X", "cat": "kernel", "name": name, "pid": device, "tid": 7, "ts": ts, "dur": dur, "args": told}


def copy(ts: float, dur: float, size: int, name: str = "Memcpy HtoD (Pageable -> Device)") -> dict[str, Any]:
    """A copy, or a set."""
    told = {"device": 0, "context": 1, "stream": 7, "correlation": 90, "bytes": size, "memory bandwidth (GB/s)": 1.0}
    cat = "gpu_memcpy" if name.startswith("Memcpy") else "gpu_memset"
    return {"ph": "X", "cat": cat, "name": name, "pid": 0, "tid": 7, "ts": ts, "dur": dur, "args": told}


def events() -> list[dict[str, Any]]:
    """A prefill and a decode step: a product with its split-K sum, a norm, a kernel without an op, a copy, a set."""
    bf16 = ["c10::BFloat16", "c10::BFloat16"]
    return [
        {"ph": "M", "name": "process_name", "pid": PROCESS, "args": {"name": f"python {SECRET}"}},
        complete("user_annotation", "execute_context_1(888_788544)_generation_0(0)", 100.0, 50.0, **{"External id": 1}),
        complete("user_annotation", "execute_context_0(0)_generation_4(4)", 200.0, 50.0, **{"External id": 2}),
        complete("python_function", f"/home/{SECRET}/model.py(1): forward", 100.0, 150.0, **{"Call stack": SECRET}),
        op("aten::linear", 101.0, 20.0, 10, [8, 16], [4, 16], types=bf16),
        op("aten::mm", 102.0, 18.0, 11, [8, 16], [16, 4], types=bf16, values=["", SECRET]),
        call(103.25, 501, 11),
        call(105.25, 502, 11),
        op("vllm::norm", 130.0, 10.0, 12, [8, 16], types=["c10::BFloat16"]),
        call(131.0, 503, 12, "cuLaunchKernelEx"),
        op("aten::mm", 210.0, 10.0, 13, [1, 16], [16, 4], types=bf16),
        call(211.0, 504, 13),
        call(230.0, 505, 0),
        {"ph": "s", "id": 501, "pid": PROCESS, "tid": THREAD, "ts": 103.25, "cat": "ac2g", "name": "ac2g"},
        kernel(GEMM, 300.125, 10.5, 501, 11),
        kernel(REDUCE, 312.0, 2.0, 502, 11),
        kernel(NORM, 315.0, 5.001, 503, 12),
        kernel(GEMM, 400.0, 3.0, 504, 13),
        kernel("mystery", 404.0, 1.0, 505, None),
        copy(290.0, 4.0, 4096),
        copy(295.0, 1.0, 64, "Memset (Device)"),
        {"ph": "i", "s": "g", "name": "Record Window End", "pid": "", "tid": "", "ts": 500.0},
    ]


def document(given: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A whole trace; a change of None removes the key."""
    whole: dict[str, Any] = {
        "schemaVersion": 1, "deviceProperties": [H100, {**H100, "id": 1}], "cuda_runtime_version": 12090,
        "distributedInfo": {"backend": "nccl", "rank": 3, "world_size": 8, "pg_config": [{"ranks": [0, 1]}]},
        "record_shapes": 1, "env": {"HF_TOKEN": SECRET}, "host_name": SECRET, "traceName": f"/home/{SECRET}/x.json",
        "displayTimeUnit": "ms", "baseTimeNanoseconds": BASE, "traceEvents": events() if given is None else given,
    } | changes  # fmt: skip
    return {key: value for key, value in whole.items() if value is not None}


def trace(path: Path, given: list[dict[str, Any]] | None = None, *, zipped: bool = False, **changes: Any) -> Path:
    """A file with a trace."""
    text = json.dumps(document(given, **changes), indent=2).encode()
    path.write_bytes(gzip.compress(text) if zipped else text)
    return path
