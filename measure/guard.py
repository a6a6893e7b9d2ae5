"""Runs a program that must not outlive us: `python -m measure.guard`, the program's words on its standard input.

That input is a pipe that its parent holds open. When the parent ends, even killed, the pipe closes, and the guard ends
the program and all that it started: first asked (SIGTERM), then not (SIGKILL). The words are not in the guard's own
command line: who kills the program by its name (`pkill -f "vllm serve"`) would kill the guard too, and leave the rest.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

GRACE = 20.0
"""Between asking and killing [s]."""
SUBREAPER = 36
"""Linux's PR_SET_CHILD_SUBREAPER: orphans of the program become ours, whatever group they moved to."""


def start(
    words: Sequence[str], output: IO[bytes], environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a program under a guard; closing its `stdin` ends it.

    words : the program and its arguments
    output : where what it says goes
    environment : added to ours
    """
    guarded = subprocess.Popen(
        [sys.executable, "-m", "measure.guard"],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environment or {}), "PYTHONPATH": str(Path(__file__).parents[1])},
        start_new_session=True,
    )
    if guarded.stdin is not None:
        guarded.stdin.write(json.dumps(list(words)).encode() + b"\n")
        guarded.stdin.flush()
    return guarded


def end(guarded: subprocess.Popen[bytes]) -> int:
    """Ends a guarded program and waits until it is gone; returns its exit status."""
    if guarded.stdin is not None:
        guarded.stdin.close()
    return guarded.wait(timeout=3 * GRACE)


def main(words: list[str]) -> int:
    """Starts the program in a group of its own, and ends it when our input closes or we are told to end."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    program = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, env=environment)  # noqa: S603
    signal.signal(signal.SIGTERM, lambda *_: _stop(program))
    signal.signal(signal.SIGINT, lambda *_: _stop(program))
    threading.Thread(target=_watch, args=(program,), daemon=True).start()
    status = program.wait()
    _signal(program, signal.SIGKILL)
    _end_orphans()
    return status if status >= 0 else 128 - status


def _watch(program: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    _stop(program)


def _stop(program: subprocess.Popen[bytes]) -> None:
    _signal(program, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        program.wait(GRACE)
    _signal(program, signal.SIGKILL)


def _end_orphans() -> None:
    """Kills what the program left behind: killed orphans leave theirs to us, until none is left."""
    while left := _children():
        for process in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        for process in left:
            with suppress(ChildProcessError):
                os.waitpid(process, 0)


def _children() -> list[int]:
    """Our children, where the system tells; elsewhere none."""
    try:
        return [
            int(word) for word in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
        ]
    except OSError:
        return []


def _signal(program: subprocess.Popen[bytes], what: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, what)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.stdin.buffer.readline())))
