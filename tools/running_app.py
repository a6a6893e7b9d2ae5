"""The app in a process of its own, for browser tests, benchmarks and screenshots; and the Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY_WITHIN = 60.0
"""Until the app answers [s]."""


@dataclass(frozen=True, slots=True)
class RunningApp:
    """The app as it runs.

    url : its address, without a slash at the end
    process : of the server
    """

    url: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Of the server's process."""
        return self.process.pid


@contextmanager
def running_app(folder: Path, port: int | None = None, **environment: str) -> Iterator[RunningApp]:
    """Serves the app, with store, uploads and log in a folder; ends it afterwards.

    folder : for store, uploads and log; what is in its `store` is shown
    port : None for a free one
    environment : further variables of the server's environment
    raises : RuntimeError where it ends before it answers
    """
    port = port or free_port()
    server = start(folder, port, **environment)
    try:
        await_answer(f"http://127.0.0.1:{port}/healthz", server)
        yield RunningApp(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait(timeout=20)


def start(folder: Path, port: int, **environment: str) -> subprocess.Popen[bytes]:
    """The server's process; what it logs is added to server.log of the folder.

    folder : as for running_app
    environment : as for running_app
    """
    own = {"HEADROOM_STORE": str(folder / "store"), "HEADROOM_UPLOAD_FOLDER": str(folder / "uploads")}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own app
            command, cwd=ROOT, env={**os.environ, **own, **environment}, stdout=log, stderr=log
        )


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def await_answer(url: str, server: subprocess.Popen[bytes]) -> None:
    """Returns when an address answers.

    server : who should answer
    raises : RuntimeError where it ends before, or takes too long
    """
    _await(lambda: _answers(url), url, server)


def await_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Returns when somebody listens on a port of this machine; the rest as for await_answer."""
    _await(lambda: _listens(port), f"port {port}", server)


def _await(ready: Callable[[], bool], what: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"the server of {what} ended before it was ready")
        if ready():
            return
        time.sleep(0.1)
    raise RuntimeError(f"no answer from {what}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except OSError:  # URLError is one
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
