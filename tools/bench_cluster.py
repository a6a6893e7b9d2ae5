"""A folder of traces on an object store, imported by clusters of 1, 2, ... workers: `python -m tools.bench_cluster`.

A server that speaks S3, a scheduler and workers are started here and share this machine's processors: the gain of a
second worker is what they leave. Each cluster imports into a store of its own; the first import warms it up.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import fsspec

from intake.cluster import client as connection
from intake.imports import Imported
from intake.jobs import Jobs, followed
from intake.limits import Limits
from intake.sources import groups
from planner.quantities import MIB
from store.runs import Store
from tools.running_app import free_port
from tools.s3_server import s3_server

ROOT = Path(__file__).parents[1]
BUCKET = "bench"


def main() -> None:
    """Print a line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trace", type=Path, help="an Nsight Systems SQLite export; copies of it differ in one mark")
    parser.add_argument("--copies", type=int, default=16)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, s3_server(Path(name), BUCKET):
        folder = Path(name)
        size = _copies(given.trace, folder / "traces", given.copies)
        fsspec.filesystem("s3").put(f"{folder}/traces/", f"s3://{BUCKET}/traces", recursive=True)
        print(
            f"{given.copies} traces of {size / MIB:.1f} MiB; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
        )
        first = 0.0
        for workers in given.workers:
            seconds = _imported(folder, workers, given.copies)
            first = first or seconds
            print(f"{workers} workers: {seconds:.1f} s, {given.copies / seconds:.2f} traces/s, x{first / seconds:.2f}")


def _imported(folder: Path, workers: int, copies: int) -> float:
    """Time of the import of all traces [s]."""
    address = f"tcp://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        stack.enter_context(_dask(folder, "scheduler", "--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1]))
        own = ("--no-nanny", "--nthreads", "1", "--local-directory", str(folder))
        for _ in range(workers):
            stack.enter_context(_dask(folder, "worker", address, *own))
        client = connection(address)
        client.wait_for_workers(workers, timeout=120)
        jobs = Jobs(Limits(folder / "scratch"), address)
        listed = groups(f"s3://{BUCKET}/traces")
        list(followed(jobs.start(Store(f"s3://{BUCKET}/warm-{workers}"), "warm", listed[:workers])))
        start = time.perf_counter()
        told = list(followed(jobs.start(Store(f"s3://{BUCKET}/store-{workers}"), "traces", listed)))
        seconds = time.perf_counter() - start
        client.close()
    if sum(isinstance(one, Imported) for one in told) != copies:
        raise SystemExit(f"not all were imported: {told}")
    return seconds


def _copies(trace: Path, folder: Path, count: int) -> float:
    """Copies of a trace that are different files; their size [B]."""
    folder.mkdir()
    for number in range(count):
        path = folder / f"trace-{number:04}.sqlite"
        shutil.copyfile(trace, path)
        with sqlite3.connect(path) as marked:
            marked.execute(f"PRAGMA user_version = {number + 1}")
        marked.close()
    return float(path.stat().st_size)


def _dask(folder: Path, what: str, *words: str) -> AbstractContextManager[None]:
    return _process(folder / f"{what}.log", "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *words)


@contextmanager
def _process(log: Path, *words: str) -> Iterator[None]:
    with log.open("ab") as file:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, *words], cwd=ROOT, env=environment, stdout=file, stderr=file
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
