"""Runs and tables made by code for the tests of the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from planner.errors import MalformedFile
from planner.measured import KernelSample, MeasuredPoint, Note, Run, Severity
from store import Store

HASH = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema([pa.field("name", WORD), pa.field("start_ns", pa.int64(), metadata={"unit": "ns"})])
NOISY = SCHEMA.append(pa.field("noise", pa.int64()))


@dataclass
class Rows:
    """A table of `count` batches, which may break off."""

    count: int = 2
    size: int = 3
    breaks: bool = False
    schema: pa.Schema = SCHEMA

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for place in range(self.count):
            names = pa.DictionaryArray.from_arrays(pa.array([0] * self.size, pa.int32()), [f"kernel {place}"])
            starts = pa.array(range(place * self.size, (place + 1) * self.size), pa.int64())
            yield pa.RecordBatch.from_arrays([names, starts], schema=SCHEMA)
        if self.breaks:
            raise MalformedFile("cut off")


@dataclass
class Noisy(Rows):
    """The same with a column that cannot be compressed, as durations are."""

    schema: pa.Schema = NOISY

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        random = np.random.default_rng(0)
        for batch in super().__iter__():
            noise = pa.array(random.integers(0, 2**62, self.size))
            yield pa.RecordBatch.from_arrays([*batch.columns, noise], schema=self.schema)


def sample(file_hash: str = HASH, **changes: object) -> Run:
    run = Run(
        tool="Nsight Systems",
        tool_version="2025.5",
        source_name="a.sqlite",
        file_hash=file_hash,
        started="2026-01-01T00:00:00",
        gpu_names=("NVIDIA H100",),
        gpu="h100-sxm",
        settings={"concurrency": 4, "backend": "vllm"},
        summary={"kernels": 6.0},
        points=(MeasuredPoint("ttft", "p99", 0.25, concurrency=4), MeasuredPoint("output_throughput", "total", 3.0)),
        kernels=(KernelSample("k", "gemm", 0, 3, 0.5),),
        notes=(Note(Severity.WARNING, "mind this"),),
        tables={"kernels": Rows()},
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def contents(store: Store) -> list[str]:
    """Names of the runs and of all leftovers in a local store."""
    return sorted(
        path.name
        for folder in (store.root, store.root / ".work")
        if folder.is_dir()
        for path in folder.iterdir()
        if path.name != ".work"
    )
