"""Getting files in and runs out: `python -m tools.bench_intake [--gib 2] [--runs 10000]`.

Uploads go over the route of the running app, as a browser sends them; memory is what /proc says of the app's process
while they come. Runs are saved one by one into a local store, then listed by a new process, and again by the same.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import http.client
import json
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from intake.tokens import Tokens
from planner.measured import KernelSample, MeasuredPoint, Run
from planner.quantities import GIB, KIB, MIB, MILLISECOND
from store.runs import Store
from tools.app_session import app_session
from tools.running_app import ROOT, running_app

CHUNK = MIB
LISTING = """
import sys, time
from store.runs import Store
store = Store(sys.argv[1])
for _ in range(4):
    start = time.perf_counter()
    count = len(store.runs())
    print(count, time.perf_counter() - start)
"""


def main() -> None:
    """Print all lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=10_000)
    given = parser.parse_args()
    for line in (*uploads(int(given.gib * GIB)), *listings(given.runs)):
        print(line, flush=True)


def uploads(size: int) -> Iterator[str]:
    """One file, then four at once that have as many bytes together: time, and memory of the app."""
    secret = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder), HEADROOM_SECRET=secret) as app:
        port = urlsplit(app.url).port or 0
        asyncio.run(_uploaded(port, secret, 1, 1))  # the first page loads what every page needs
        for count in (1, 4):
            memory = _Memory(app.pid)
            seconds = asyncio.run(_uploaded(port, secret, size // count, count))
            peak = memory.stop()
            yield (
                f"{count} x {size / count / GIB:.1f} GiB: {seconds:6.1f} s, {size / MIB / seconds:6.0f} MiB/s; memory "
                f"{memory.before / MIB:.0f} MiB before, {peak / MIB:.0f} MiB at most"
            )


def listings(count: int) -> Iterator[str]:
    """Saves so many runs, then lists them."""
    with tempfile.TemporaryDirectory() as folder:
        store, start = Store(folder), time.perf_counter()
        for number in range(count):
            store.save(_run(number))
        seconds = time.perf_counter() - start
        yield f"{count:,} runs saved: {seconds:.1f} s, {count / seconds:.0f} a second"
        time.sleep(3.0)  # the last ones are too new to be remembered
        told = subprocess.run(  # noqa: S603
            [sys.executable, "-c", LISTING, folder], cwd=ROOT, check=True, capture_output=True, text=True
        )
        times = [float(line.split()[1]) / MILLISECOND for line in told.stdout.splitlines()]
        yield f"{count:,} runs listed: {times[0]:.0f} ms by a new process, then {min(times[1:]):.0f} ms"


class _Memory:
    """The most memory that a process holds while it is watched [B]."""

    def __init__(self, process: int) -> None:
        self._status = Path(f"/proc/{process}/status")
        self.before = self._peak = self._now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._over.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self._peak = max(self._peak, self._now())

    def _now(self) -> float:
        match = re.search(r"VmRSS:\s+(\d+) kB", self._status.read_text())
        return int(match[1]) * KIB if match else 0.0


async def _uploaded(port: int, secret: str, size: int, count: int) -> float:
    async with app_session(f"http://127.0.0.1:{port}") as session:
        await session.visit("evidence")
        token = Tokens(secret).issue(session.id, size)
        start = time.perf_counter()
        await asyncio.gather(*(asyncio.to_thread(_send, port, token, size) for _ in range(count)))
        return time.perf_counter() - start


def _send(port: int, token: str, size: int) -> None:
    """Announces a file, sends it, and takes it away again."""
    path = f"/upload/{token}"
    told = json.loads(_asked(port, "POST", path, json.dumps({"name": "a.bin", "size": size}).encode()))
    block = secrets.token_bytes(CHUNK)
    blocks = (block[: min(CHUNK, size - at)] for at in range(0, size, CHUNK))
    _asked(port, "PUT", f"{path}/{told['id']}", blocks, {"Content-Length": str(size)})
    _asked(port, "DELETE", f"{path}/{told['id']}")


def _asked(port: int, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in (201, 204):
            raise ValueError(f"{method} was refused: {content!r}")
        return content
    finally:
        connection.close()


def _run(number: int) -> Run:
    return Run(
        "Nsight Systems",
        "2025.5",
        f"trace {number}.sqlite",
        hashlib.sha256(str(number).encode()).hexdigest(),
        started="2026-01-01T00:00:00",
        gpu_names=("NVIDIA H100 80GB HBM3",),
        gpu="h100-sxm",
        settings={"concurrency": 4.0, "backend": "vllm"},
        summary={"kernels": 6.0, "kernel_time_s": 0.5},
        points=(MeasuredPoint("ttft", "p99", 0.25),),
        kernels=(KernelSample("gemm", "gemm", 0, 3, 0.5),),
    )


if __name__ == "__main__":
    main()
