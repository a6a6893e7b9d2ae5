"""Small files made by code, faithful to the tools' schemas. Each fault has a maker named for it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[2].parent / "shared"
NSYS_FILES = sorted((SHARED / "traces" / "nsys").glob("*.sqlite"))
LOADTEST_FILES = sorted(path for path in (SHARED / "loadtests").rglob("*") if path.is_file())
VLLM_RESULTS = sorted(
    path
    for path in LOADTEST_FILES
    if path.parent.name == "vllm_bench"
    and path.name.startswith(("serve_", "prefix_", "openai-"))
    and ".json" in path.suffix
)
SECRET = "hunter2-token"  # noqa: S105
PROCESS = 4242
PAGE_BYTES = 512
"""Of the SQLite files made here: the smallest there is, so that few rows make a tree of pages."""

KERNEL = """CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (
  start INTEGER NOT NULL, end INTEGER, deviceId INTEGER NOT NULL, contextId INTEGER, streamId INTEGER NOT NULL,
  correlationId INTEGER, globalPid INTEGER, demangledName INTEGER NOT NULL, shortName INTEGER NOT NULL,
  registersPerThread INTEGER, gridX INTEGER, gridY INTEGER, gridZ INTEGER, blockX INTEGER, blockY INTEGER,
  blockZ INTEGER, staticSharedMemory INTEGER, dynamicSharedMemory INTEGER, graphNodeId INTEGER)"""
COPY = """CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (
  start INTEGER, end INTEGER, deviceId INTEGER, streamId INTEGER, correlationId INTEGER, globalPid INTEGER,
  bytes INTEGER, copyKind INTEGER)"""
GRAPH = """CREATE TABLE CUPTI_ACTIVITY_KIND_GRAPH_TRACE (
  start INTEGER, end INTEGER, deviceId INTEGER, streamId INTEGER, correlationId INTEGER, globalPid INTEGER,
  graphId INTEGER, graphExecId INTEGER)"""
NVTX = """CREATE TABLE NVTX_EVENTS (
  start INTEGER, end INTEGER, eventType INTEGER, text TEXT, globalTid INTEGER, textId INTEGER)"""
GPU = """CREATE TABLE TARGET_INFO_GPU (
  id INTEGER, name TEXT, totalMemory INTEGER, memoryBandwidth INTEGER, clockRate INTEGER, smCount INTEGER, uuid TEXT)"""
STRINGS = "CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT)"
META = "CREATE TABLE META_DATA_EXPORT (name TEXT, value TEXT)"
CAPTURE = "CREATE TABLE META_DATA_CAPTURE (name TEXT, value TEXT)"
RUNTIME = "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER, end INTEGER, correlationId INTEGER, nameId INTEGER)"
START = "CREATE TABLE TARGET_INFO_SESSION_START_TIME (utcEpochNs INTEGER, utcTime TEXT, localTime TEXT)"

NAMES = {
    1: "void flash::flash_fwd_splitkv_kernel<__half>(Params)",
    2: "flash_fwd_splitkv_kernel",
    3: "nvjet_tst_128x24",
    9: "cudaGraphLaunch_v10000",
}
Kernels = Iterable[tuple[int, int | None, int, int]]
KERNELS: tuple[tuple[int, int | None, int, int], ...] = (
    (100, 200, 0, 1),
    (150, 250, 0, 3),
    (300, 310, 0, 1),
    (120, 130, 1, 1),
)


def json_documents(path: Path) -> list[Any]:
    """The JSON values of a file by the standard library alone: what the importers' own reader is held against."""
    text, at, found = path.read_text(encoding="utf-8").strip(), 0, []
    while at < len(text):
        value, at = json.JSONDecoder().raw_decode(text, at)
        found += value if isinstance(value, list) else [value]
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


def sqlite(path: Path, *statements: str, rows: dict[str, list[tuple[Any, ...]]] | None = None) -> Path:
    """A SQLite file from statements and rows by table."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        for statement in statements:
            connection.execute(statement)
        for table, values in (rows or {}).items():
            marks = ",".join("?" * len(values[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608
        connection.commit()
    return path


def kernel_rows(kernels: Kernels = KERNELS) -> list[tuple[Any, ...]]:
    """Rows of the kernel table from (start, end, device, name id)."""
    pid = PROCESS << 24
    return [
        (
            start,
            end,
            device,
            1,
            7,
            10 + place,
            pid,
            name,
            2 if name == 1 else name,
            32,
            4,
            1,
            1,
            128,
            1,
            1,
            0,
            1024,
            None,
        )
        for place, (start, end, device, name) in enumerate(kernels)
    ]


def export(path: Path, kernels: Kernels = KERNELS, *more: str, **rows: list[tuple[Any, ...]]) -> Path:
    """A whole export: kernels, copies, NVTX, GPU, names, metadata with secrets."""
    tables: dict[str, list[tuple[Any, ...]]] = {
        "CUPTI_ACTIVITY_KIND_KERNEL": kernel_rows(kernels),
        "CUPTI_ACTIVITY_KIND_MEMCPY": [
            (90, 95, 0, 7, 5, PROCESS << 24, 4096, 1),
            (400, 420, 0, 7, 6, PROCESS << 24, 100, 8),
        ],
        "NVTX_EVENTS": [
            (80, 320, 59, "step", PROCESS << 24 | 77, None),
            (85, 300, 60, None, PROCESS << 24 | 77, 3),
            (86, None, 34, "mark", PROCESS << 24 | 77, None),
        ],
        "TARGET_INFO_GPU": [
            (0, "NVIDIA H100 80GB HBM3", 85_000_000_000, 3_352_320_000_000, 1_980_000_000, 132, "GPU-uuid")
        ],
        "StringIds": list(NAMES.items()),
        "META_DATA_EXPORT": [("EXPORT_PRODUCT_VERSION", "2025.5.2.266"), ("EXPORT_HOST", SECRET)],
        "META_DATA_CAPTURE": [
            ("CUDA_GRAPH_TRACE_OPTIONS:MODE", "Graph"),
            ("PROCESS_0:ENVIRONMENT_VARIABLE", f"HF_TOKEN={SECRET}"),
        ],
        "TARGET_INFO_SESSION_START_TIME": [(1_785_620_044_423_518_993, SECRET, SECRET)],
        **rows,
    }
    made = (KERNEL, COPY, NVTX, GPU, STRINGS, META, CAPTURE, START, *more)
    return sqlite(path, *made, rows={table: values for table, values in tables.items() if values})


def result(**changes: Any) -> dict[str, Any]:
    """One detailed result of vllm bench serve; a change of None removes the key."""
    whole: dict[str, Any] = {
        "date": "20261121-021641", "endpoint_type": "openai", "backend": "openai", "label": None,
        "model_id": "org/model", "tokenizer_id": "org/model", "num_prompts": 3, "request_rate": "inf",
        "burstiness": 1.0,
        "max_concurrency": 2, "duration": 2.0, "completed": 3, "failed": 0, "total_input_tokens": 30,
        "total_output_tokens": 12, "request_throughput": 1.5, "request_goodput": None, "output_throughput": 6.0,
        "total_token_throughput": 21.0, "input_lens": [10, 10, 10], "output_lens": [4, 4, 4], "ttfts": [0.1, 0.2, 0.3],
        "itls": [[0.1] * 3] * 3, "latencies": [0.4, 0.5, 0.6], "start_times": [100.0, 100.0, 100.4],
        "queue_times": [0.0, 0.0, 0.1], "generated_texts": [SECRET] * 3, "errors": ["", "", ""],
        "max_output_tokens_per_s": 9.0, "mean_ttft_ms": 200.0, "median_ttft_ms": 200.0, "std_ttft_ms": 80.0,
        "p99_ttft_ms": 298.0, "p99.9_ttft_ms": 299.8, "mean_tpot_ms": 100.0, "median_tpot_ms": 100.0,
        "mean_itl_ms": 100.0, "mean_e2el_ms": 500.0,
    }  # fmt: skip
    whole |= changes
    return {key: value for key, value in whole.items() if value is not None}


def bench_file(path: Path, *results: dict[str, Any], text: str | None = None) -> Path:
    """A file of results, each on a line as --append-result writes them."""
    path.write_text(text if text is not None else "\n".join(json.dumps(item) for item in results), encoding="utf-8")
    return path
