"""The process that reads one file: `python -m intake.child`, a request on its standard input, events on its output.

It takes its limits before it opens the file. Events are lines of JSON: {"progress": [done, total]}, {"Imported": [...]}
like Known and Refused, {"bug": [error, place]}; the last is {"end": true}. What libraries print goes to the log. The
text of an unexpected error stays here: it may quote the file.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

from importers.progress import Progress
from intake.imports import import_path
from store.rules import Rules
from store.runs import Store

ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "ARROW_IO_THREADS": "2",
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""Without these, allocators and thread pools reserve more than a GiB that they never use, which a limit would count."""
GRACE = 5
"""Between the signal that time is up and the end [s]."""
EVERY = 0.2
"""Progress is told at most so often [s]."""


def main() -> int:
    """Reads one file."""
    faulthandler.enable()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    tell = _events()
    request = json.loads(sys.stdin.readline())
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, request["cpu_seconds"], GRACE)
    _limit(resource.RLIMIT_FSIZE, request["file_bytes"])
    _limit(resource.RLIMIT_DATA, request["memory_bytes"])
    try:
        for outcome in import_path(
            Path(request["path"]), Store(request["store"], Rules(**request["rules"])), _progress(tell)
        ):
            tell({type(outcome).__name__: astuple(outcome)})
    except Exception as error:  # noqa: BLE001 - the one place that tells the parent of a bug
        last = traceback.extract_tb(error.__traceback__)[-1]
        tell({"bug": [type(error).__name__, f"{Path(last.filename).name}:{last.lineno}"]})
        return 1
    tell({"end": True})
    return 0


def _events() -> Callable[[dict[str, Any]], None]:
    """Writes events to what was standard output, which from now on is the log."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(event: dict[str, Any]) -> None:
        try:
            stream.write(json.dumps(event) + "\n")
            stream.flush()
        except BrokenPipeError:  # the server is dead, so nobody waits for this; a flush at the end would fail too
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            sys.exit(128 + signal.SIGPIPE)

    return tell


def _progress(tell: Callable[[dict[str, Any]], None]) -> Progress:
    last = 0.0

    def progress(done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            tell({"progress": [done, total]})

    return progress


def _limit(which: int, value: int, more: int = 0) -> None:
    """Sets a limit that this process cannot raise again; `more` after it the system kills without a word."""
    _, most = resource.getrlimit(which)
    hard = value + more if most == resource.RLIM_INFINITY else min(value + more, most)
    resource.setrlimit(which, (min(value, hard), hard))


if __name__ == "__main__":
    sys.exit(main())
