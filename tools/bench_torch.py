"""A large PyTorch trace read and stored, each in a process of its own: `python -m tools.bench_torch --mib 1024`.

Peak memory is that of the whole process. The floor reads the same file and does nothing; "json" parses it at once with
the standard library, which is what a reader would do who did not stream.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path

from planner.quantities import KIB, MIB
from tools.make_torch_trace import write

PIECE = 4 * MIB
JSON_UP_TO = 256
"""Parsing a larger trace at once takes more memory than many machines have [MiB]."""


def bare(path: Path) -> None:
    """Reads the bytes."""
    with path.open("rb") as file:
        while file.read(PIECE):
            pass


def at_once(path: Path) -> None:
    """Parses the whole file."""
    import json  # noqa: PLC0415 - each process loads what it measures

    json.loads(path.read_bytes())


def read(path: Path) -> None:
    """Reads the run, without its tables."""
    import importers  # noqa: PLC0415

    importers.read(path)


def stored(path: Path) -> None:
    """Reads the run and saves it with its tables."""
    import importers  # noqa: PLC0415
    from store import Store  # noqa: PLC0415

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        Store(Path(folder)).save(importers.read(path))


def measured(what: Callable[[Path], None], path: Path) -> tuple[float, float, float]:
    """Wall time, processor time [s] and peak memory [bytes] of a process that does one thing."""
    context = multiprocessing.get_context("spawn")
    told: Queue[tuple[float, float, float]] = context.Queue()
    process = context.Process(target=_measure, args=(what, path, told))
    process.start()
    found = told.get()
    process.join()
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=64, help="size of the trace [MiB]")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headroom-bench-") as folder:
        path, zipped = Path(folder) / "made.pt.trace.json", Path(folder) / "made.pt.trace.json.gz"
        kernels = write(path, asked.mib * MIB)
        with path.open("rb") as source, gzip.open(zipped, "wb", compresslevel=1) as target:
            shutil.copyfileobj(source, target, PIECE)
        size = path.stat().st_size
        print(
            f"PyTorch trace: {size / MIB:,.0f} MiB, {kernels:,} kernels; gzipped {zipped.stat().st_size / MIB:,.0f} MiB"
        )
        print(f"{'':40} {'s':>8} {'CPU s':>8} {'MiB/s':>8} {'peak MiB':>9}")
        rows = [
            ("read the bytes alone", bare, path),
            ("importers.read", read, path),
            ("importers.read, gzipped", read, zipped),
        ]
        rows += [("importers.read and Store.save", stored, path)]
        rows += [("json.loads of the whole file", at_once, path)] if asked.mib <= JSON_UP_TO else []
        for name, what, given in rows:
            seconds, busy, peak = measured(what, given)
            rate = size / MIB / seconds
            print(f"{name:40} {seconds:8.2f} {busy:8.2f} {rate:8.0f} {peak / MIB:9.0f}", flush=True)


def _measure(what: Callable[[Path], None], path: Path, told: Queue[tuple[float, float, float]]) -> None:
    start = time.perf_counter()
    what(path)
    told.put(
        (time.perf_counter() - start, time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB)
    )


if __name__ == "__main__":
    main()
