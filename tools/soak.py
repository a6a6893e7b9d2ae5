"""What the hosted app stands: `make soak`, or `python -m tools.soak [--people 50] [--minutes 10]`.

    people (tools/soak_people.py) -> nginx (deploy/nginx.conf) -> two copies of the app -> faulty proxy -> S3 server

Everybody is logged in and has a workspace. Meanwhile, as shares of the time: a copy is killed and restarted (10-15 %),
the other one too (25-30 %), the disk of a copy's uploads is full (40-50 %), the store answers nothing (60-62 %); all
the time, the store answers some requests with 503 or late, and hostile files arrive. The S3 server
(tools/s3_server.py) keeps objects on the disk. It is asked afterwards without the proxy.

Failed: a run that the app said it has is not in the store; somebody saw another's run or file; a traceback; a hostile
file was imported; memory of the copies grew by more than GROWTH in the second half.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from planner.errors import PlannerError
from planner.quantities import GIB, MIB, MILLISECOND, MINUTE
from settings import Settings, settings
from store.workspaces import workspaces
from tools.faulty_proxy import FaultyProxy
from tools.replicas import Replicas, replicas
from tools.s3_server import s3_server
from tools.soak_people import ISSUER, Person

BUCKET, SECRET = "headroom", "soak-" + "s" * 32
GROWTH = 0.10
"""Most that memory may grow in the second half, as a straight line through it, of what it is there."""
DISK = 2 * GIB
EVERY = 2.0
"""Between two looks at the memory [s]."""
LOGIN = {
    "HEADROOM_SECRET": SECRET,
    "HEADROOM_OIDC_METADATA_URL": f"{ISSUER}/.well-known/openid-configuration",
    "HEADROOM_OIDC_CLIENT_ID": "headroom",
    "HEADROOM_OIDC_CLIENT_SECRET": "c" * 32,
}


@dataclass(slots=True)
class Soak:
    """One run of it.

    people : all visitors
    memory : time since the start [s] and memory of both copies together [B]
    events : what was done to the app, and when
    """

    people: list[Person]
    seconds: float
    memory: list[tuple[float, float]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    start: float = field(default_factory=time.monotonic)

    def note(self, event: str) -> None:
        """Notes an event with its time."""
        self.events.append(f"{time.monotonic() - self.start:5.0f} s  {event}")
        print(self.events[-1], flush=True)

    async def until(self, share: float) -> None:
        """Waits until a share of the time has passed."""
        await asyncio.sleep(max(0.0, self.start + share * self.seconds - time.monotonic()))


def main() -> int:
    """Prints what happened; 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10.0)
    given = parser.parse_args()
    lines, faults = soak(given.people, given.minutes * MINUTE)
    print("\n".join([*lines, *(f"FAILED: {fault}" for fault in faults)]))
    return 1 if faults else 0


def soak(people: int, seconds: float) -> tuple[list[str], list[str]]:
    """Table of what happened, and what failed.

    seconds : for which people come [s]
    """
    with tempfile.TemporaryDirectory(prefix="headroom-soak-") as name, s3_server(Path(name), BUCKET) as port:
        return asyncio.run(_soaked(Soak([Person(one) for one in range(people)], seconds), Path(name), port))


async def _soaked(this: Soak, folder: Path, store_port: int) -> tuple[list[str], list[str]]:
    proxy = FaultyProxy(store_port)
    server = await proxy.start()
    environment = {**LOGIN, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
    environment |= {
        "HEADROOM_STORE": f"s3://{BUCKET}/runs",
        "HEADROOM_OIDC_REDIRECT_URI": "http://localhost/oauth2callback",
    }
    with _disk(folder / "replica-1" / "uploads") as disk:
        # nginx and both copies start in a thread: what they ask of the store passes through this loop
        manager = replicas(folder, **environment)
        both = await asyncio.to_thread(manager.__enter__)
        try:
            this.start = time.monotonic()
            end = this.start + this.seconds
            faults = [_memory(this, both), _deaths(this, both), _full_disk(this, disk), _outage(this, proxy)]
            tasks = [asyncio.create_task(fault) for fault in faults]
            await asyncio.gather(*(person.live(both.url, SECRET, end) for person in this.people), *tasks)
        finally:
            await asyncio.to_thread(manager.__exit__, None, None, None)
    server.close()
    logs = [(path / "server.log").read_text(errors="replace") for path in both.folders]
    missing = await asyncio.to_thread(_missing, this, settings(environment))
    return _table(this, proxy, logs), _faults(this, logs, missing)


async def _memory(this: Soak, both: Replicas) -> None:
    while (passed := time.monotonic() - this.start) < this.seconds:
        with suppress(psutil.NoSuchProcess):
            held = sum(psutil.Process(both.pid(number)).memory_info().rss for number in (1, 2))
            this.memory.append((passed, held))
        await asyncio.sleep(EVERY)


async def _deaths(this: Soak, both: Replicas) -> None:
    for number, share in ((1, 0.10), (2, 0.25)):
        await this.until(share)
        both.kill(number)
        this.note(f"copy {number} is killed")
        await this.until(share + 0.05)
        await asyncio.to_thread(both.start, number)
        this.note(f"copy {number} is back")


async def _full_disk(this: Soak, disk: Path | None) -> None:
    if disk is None:
        this.note("no file system of its own could be made: the disk does not fill")
        return
    await this.until(0.40)
    room = os.statvfs(disk)
    with (disk / "filler").open("wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, room.f_bavail * room.f_frsize)
    this.note("the disk of copy 1's uploads is full")
    await this.until(0.50)
    (disk / "filler").unlink()
    this.note("it has room again")


async def _outage(this: Soak, proxy: FaultyProxy) -> None:
    await this.until(0.60)
    proxy.down = True
    this.note("the store answers nothing but 503")
    await this.until(0.62)
    proxy.down = False
    this.note("the store is back")


def _missing(this: Soak, told: Settings) -> list[str]:
    """Runs that the app said it has, and the store has not, asked without the proxy."""
    found = []
    for person in this.people:
        own = workspaces(person.claims, told)[0].store(told.store)
        for name, run in person.saved.items():
            try:
                if own.run(run).source_name != name:
                    found.append(f"{name}: run {run} is another's")
            except PlannerError as error:
                found.append(f"{name}: {error}")
    return found


def _table(this: Soak, proxy: FaultyProxy, logs: list[str]) -> list[str]:
    lines = ["", "| what | times | median | p95 | longest |", "| --- | --- | --- | --- | --- |"]
    for kind in ("first page", "page", "plan", "import", "report"):
        times = [one for person in this.people for one in person.taken.get(kind, ())]
        if times:
            median, late = np.quantile(times, [0.5, 0.95]) / MILLISECOND
            lines.append(
                f"| {kind} | {len(times)} | {median:.0f} ms | {late:.0f} ms | {max(times) / MILLISECOND:.0f} ms |"
            )
    counts: Counter[str] = sum((person.counts for person in this.people), Counter())
    saved = sum(len(person.saved) for person in this.people)
    lines += ["", f"{saved} runs were acknowledged; {', '.join(f'{n} {what}' for what, n in sorted(counts.items()))}"]
    lines.append(f"the store's proxy answered {proxy.refused} requests with 503 and {proxy.delayed} late")
    level, growth = _growth(this.memory)
    lines.append(f"memory of both copies: {level / MIB:.0f} MiB, {100 * growth:+.1f} % in the second half")
    lines.append(f"{sum(log.count('Traceback') for log in logs)} tracebacks in the logs")
    return lines


def _growth(memory: list[tuple[float, float]]) -> tuple[float, float]:
    """Mean of the second half [B], and what a straight line through it grows by, of that mean."""
    times, held = np.array(memory[len(memory) // 2 :]).T
    slope = np.polyfit(times - times[0], held, 1)[0]
    return float(held.mean()), float(slope * (times[-1] - times[0]) / held.mean())


def _faults(this: Soak, logs: list[str], missing: list[str]) -> list[str]:
    found = [fault for person in this.people for fault in person.wrong] + missing
    for number, log in enumerate(logs, start=1):
        if "Traceback" in log:
            found.append(f"copy {number} logged: {log[log.index('Traceback') :][:3000]}")
    if not any(person.saved for person in this.people):
        found.append("nothing was imported")
    if (growth := _growth(this.memory)[1]) > GROWTH:
        found.append(f"memory grew by {100 * growth:.0f} % in the second half")
    return found


@contextmanager
def _disk(folder: Path) -> Iterator[Path | None]:
    """A small file system at a folder; None where this user may not make one."""
    folder.mkdir(parents=True)
    made = subprocess.run(  # noqa: S603
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)],  # noqa: S607
        check=False,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield folder if made.returncode == 0 else None
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S603, S607


if __name__ == "__main__":
    sys.exit(main())
