"""Imports of large files, each in a process of its own: seconds and peak memory. `python -m tools.bench` prints them.

The file is what `vllm bench serve --save-detailed` writes: a request with its answer and every gap between its tokens.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

import importers
from planner.quantities import KIB, MIB
from store.runs import Store

REQUESTS, OUTPUT_TOKENS, PROMPT_TOKENS = 100_000, 128, 512
ANSWER = "a word and "
WORDS = OUTPUT_TOKENS // 3


@dataclass(frozen=True)
class Import:
    """One import into an empty store.

    size : of the file [B]
    seconds : hash, reading and Parquet files together, on the clock [s]
    cpu : of the process, all threads: what the clock shows where nothing else runs, or more [s]
    peak : resident memory at its highest [B]
    """

    name: str
    size: int
    seconds: float
    cpu: float
    peak: float

    def text(self) -> str:
        """As one row of the table."""
        what = f"{self.name}, {self.size / MIB:.0f} MiB"
        return f"{what:52} {self.seconds * 1e3:12.0f}  cpu {self.cpu * 1e3:,.0f} ms, peak {self.peak / MIB:,.0f} MiB"


def load_test(gaps: int = OUTPUT_TOKENS - 1) -> Import:
    """A detailed result of 100,000 requests.

    gaps : between the tokens of each request
    """
    with tempfile.TemporaryDirectory(prefix="headroom-bench-") as folder:
        path = Path(folder) / "result.json"
        path.write_bytes(msgspec.json.encode(detailed_result(gaps)))
        return imported(f"{REQUESTS:,} requests with {gaps} gaps each", path)


def imported(name: str, path: Path) -> Import:
    """The import of a file into an empty store beside it, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as store:
        command = [sys.executable, "-m", "tools.bench_imports", str(path), store]
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603
    return Import(name, path.stat().st_size, **told)


def detailed_result(gaps: int) -> dict[str, object]:
    """What vLLM's client writes, with random times.

    gaps : between the tokens of each request
    """
    random = np.random.default_rng(0)
    itls = random.exponential(0.01, (REQUESTS, gaps))
    ttfts = random.exponential(0.2, REQUESTS)
    statistics = {f"{key}_{metric}_ms": 1.0 for key in ("mean", "median", "std", "p99") for metric in ("ttft", "tpot")}
    return {
        "date": "20261121-021641",
        "backend": "openai",
        "model_id": "model",
        "num_prompts": REQUESTS,
        "request_rate": "inf",
        "max_concurrency": 256,
        "duration": 1000.0,
        "completed": REQUESTS,
        "failed": 0,
        "total_input_tokens": REQUESTS * PROMPT_TOKENS,
        "total_output_tokens": REQUESTS * (gaps + 1),
        "request_throughput": 100.0,
        "output_throughput": 100.0 * (gaps + 1),
        "input_lens": [PROMPT_TOKENS] * REQUESTS,
        "output_lens": [gaps + 1] * REQUESTS,
        "ttfts": ttfts.tolist(),
        "itls": itls.tolist(),
        "start_times": np.cumsum(random.exponential(0.01, REQUESTS)).tolist(),
        "latencies": (ttfts + itls.sum(axis=1)).tolist(),
        "generated_texts": [ANSWER * WORDS] * REQUESTS,
        "errors": [""] * REQUESTS,
        **statistics,
    }


def main(path: Path, root: Path) -> None:
    """Imports a file and tells time and memory as JSON."""
    start, busy = time.perf_counter(), time.process_time()
    Store(root).save(importers.read(path))
    told = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - busy, "peak": peak_memory()}
    print(json.dumps(told))


def peak_memory() -> float:
    """Resident memory of this process at its highest [B]; getrusage would count the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) * KIB for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
