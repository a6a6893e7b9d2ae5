"""The import of a large PyTorch trace, plain and gzipped: `python -m tools.bench_torch --mib 1024`."""

from __future__ import annotations

import argparse
import gzip
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from planner.quantities import MIB
from tools.bench_imports import Import, imported
from tools.make_torch_trace import write

PIECE = 4 * MIB


def traces(size: int) -> Iterator[Import]:
    """Imports of a made trace.

    size : of the trace [B]
    """
    with tempfile.TemporaryDirectory(prefix="headroom-bench-") as folder:
        path, zipped = Path(folder) / "made.pt.trace.json", Path(folder) / "made.pt.trace.json.gz"
        name = f"PyTorch trace of {write(path, size):,} kernels"
        yield imported(name, path)
        with path.open("rb") as source, gzip.open(zipped, "wb", compresslevel=1) as target:
            shutil.copyfileobj(source, target, PIECE)
        yield imported(f"{name}, gzipped", zipped)


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=64, help="size of the trace [MiB]")
    for line in traces(parser.parse_args().mib * MIB):
        print(line.text(), flush=True)


if __name__ == "__main__":
    main()
