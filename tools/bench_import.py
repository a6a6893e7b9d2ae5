"""Speed and memory of importing traces, all readers side by side: `python -m tools.bench_import [--kernels 10000000]`.

A file of Nsight Systems is made with that many kernels, as many runtime calls and a tenth of NVTX ranges, true to a
real export's schema (../shared/tools/make_big_nsys.py). Each line is one fresh process, one after the other: wall time,
time on the processor, which a busy machine falsifies least, and the most memory that it held.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from planner.quantities import KIB, MIB
from tools import bench_readers

MAKER = Path(__file__).parent.parent.parent / "shared" / "tools" / "make_big_nsys.py"
KERNELS_PER_STEP = 970 * 4
SMALL = 200_000
BASELINE = "sqlite-utils, row by row, read alone"


@dataclass(frozen=True)
class Line:
    """One measured process.

    seconds, processor : wall time, and time of all its threads [s]
    memory : most held [B]
    """

    name: str
    seconds: float
    processor: float
    memory: float

    def text(self, baseline: float | None) -> str:
        """As one row of the table."""
        ratio = f"{baseline / self.seconds:8.1f}" if baseline else f"{'-':>8}"
        return f"{self.name:58} {self.seconds:9.2f} {self.processor:9.2f} {self.memory / MIB:9.0f} {ratio}"


def made(folder: Path, kernels: int) -> Path:
    """A file with about so many kernels, made by a process of its own."""
    path = folder / "big.sqlite"
    steps = max(1, round(kernels / KERNELS_PER_STEP))
    subprocess.run([sys.executable, str(MAKER), str(path), str(steps)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return path


def measured(name: str, path: Path, store: Path) -> Line | str:
    """One reader in a process of its own; what it lacks, if it cannot run."""
    command = [sys.executable, "-m", "tools.bench_import", "--run", name, "--file", str(path), "--store", str(store)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1]
    return Line(name, *json.loads(done.stdout))


def run(name: str, path: Path, store: Path) -> tuple[float, float, float]:
    """Wall time, processor time and peak memory of one reader in this process."""
    start, busy = time.perf_counter(), time.process_time()
    bench_readers.READERS[name](path, store)
    spent = time.perf_counter() - start, time.process_time() - busy
    return *spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB


def lines(path: Path, store: Path) -> Iterator[Line | str]:
    """Every line, as it is measured."""
    for name in bench_readers.READERS:
        found = measured(name, path, store)
        yield found if isinstance(found, Line) else f"{name:58} {found}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernels", type=int, default=SMALL, help="kernels in the file that is made")
    parser.add_argument("--file", type=Path, help="take this file instead")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        print(json.dumps(run(asked.run, asked.file, asked.store)))
        return
    if not asked.file and not MAKER.is_file():
        print("imports: ../shared/tools/make_big_nsys.py is not here, so no file can be made")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = asked.file or made(Path(folder), asked.kernels)
        print(f"{path.name}: {path.stat().st_size / MIB:.0f} MiB")
        print(f"{'':58} {'wall s':>9} {'cpu s':>9} {'MiB':>9} {'x faster':>8}")
        baseline = None
        for line in lines(path, Path(folder) / "store"):
            if isinstance(line, Line) and line.name == BASELINE:
                baseline = line.seconds
            print(line.text(baseline) if isinstance(line, Line) else line, flush=True)


if __name__ == "__main__":
    main()
