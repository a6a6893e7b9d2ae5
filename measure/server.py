"""A vLLM server: started, waited for and ended with us, or one that runs already."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from measure import guard
from measure.binary import Vllm
from measure.serverlog import facts, last_words
from planner.errors import ServerFailed
from planner.quantities import MINUTE

HOST = "127.0.0.1"
LOG = "server.log"
PATIENCE = 30 * MINUTE
"""Until a server is healthy: large models load for many minutes [s]."""
POLL = 0.2
Waiting = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Serving:
    """How a server is to be started.

    model : a name on the model hub or a folder
    settings : flags of `vllm serve`, without dashes, with underscores -> value
    prefix_caching : off unless asked for: repeated prompts would measure the cache
    before : a profiler's words, which go before the program's
    environment : added to ours
    """

    model: str
    settings: Mapping[str, object] = field(default_factory=dict)
    prefix_caching: bool = False
    port: int | None = None
    before: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers.

    url : http://host:port
    facts : numbers of its log; empty for one that we did not start
    """

    url: str
    facts: Mapping[str, float]


def command(vllm: Vllm, serving: Serving, port: int) -> list[str]:
    """The line that starts the server; a prefix cache is switched off where this version has one.

    raises : ToolMissing for a flag that this version lacks
    """
    off = "--no-enable-prefix-caching"
    caching = {"enable_prefix_caching": True} if serving.prefix_caching else {}
    words = [*serving.before, vllm.program, "serve", serving.model]
    words += vllm.known(("serve",), host=HOST, port=port, **caching, **serving.settings)
    return words + ([off] if not serving.prefix_caching and off in vllm.flags("serve") else [])


@contextmanager
def started(vllm: Vllm, serving: Serving, folder: Path, waiting: Waiting = lambda _: None) -> Iterator[Server]:
    """A server of our own for the length of a `with`; it ends with us, even if we are killed.

    folder : gets its log
    waiting : told the seconds waited so far, to show and to stop (by raising) [s]
    raises : ServerFailed with the end of its log; a port in use
    """
    port = free_port(serving.port)
    log = folder / LOG
    with log.open("wb") as output:
        process = guard.start(command(vllm, serving, port), output, dict(serving.environment))
    url = f"http://{HOST}:{port}"
    try:
        _wait(url, process, log, waiting)
        yield Server(url, facts(log.read_text(encoding="utf-8", errors="replace")))
    finally:
        guard.end(process)


def running(url: str) -> Server:
    """A server that is there already.

    url : http://host:port
    raises : ServerFailed if it does not answer
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ServerFailed(f"{url} is no address of a server: give one like http://127.0.0.1:8000.")
    if not healthy(url):
        raise ServerFailed(f"{url}/health does not answer. Start the server, or leave out --no-manage-vllm.")
    return Server(url.rstrip("/"), {})


def healthy(url: str) -> bool:
    """Whether a server says that it is well."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=5) as answer:  # noqa: S310 - http, checked
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def free_port(asked: int | None) -> int:
    """The port that was asked for, or any free one.

    raises : ServerFailed if it is in use
    """
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, asked or 0))
        except OSError as error:
            raise ServerFailed(
                f"Port {asked} is in use. Leave --port out for a free one, or measure the server that runs there with "
                f"--no-manage-vllm --url http://{HOST}:{asked}."
            ) from error
        return int(trial.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes], log: Path, waiting: Waiting) -> None:
    begun = time.monotonic()
    while not healthy(url):
        waited = time.monotonic() - begun
        if process.poll() is not None or waited > PATIENCE:
            said = last_words(log.read_text(encoding="utf-8", errors="replace"))
            why = "ended" if process.poll() is not None else f"is not ready after {PATIENCE / MINUTE:.0f} minutes"
            raise ServerFailed(f"The server {why}. From its log ({log.name}):\n{said}")
        waiting(waited)
        time.sleep(POLL)
