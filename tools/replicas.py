"""Copies of the app behind Debian's nginx with deploy/nginx.conf, on this machine: for tests and for `make soak`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.running_app import ROOT, await_answer, free_port, start

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIGURATION = ROOT / "deploy" / "nginx.conf"


class Replicas:
    """Two copies of the app, with nginx before them.

    url : of nginx
    folders : of each copy; each has its server.log
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        """Nothing runs yet.

        environment : of both copies
        """
        self._folder, self._environment = folder, environment
        self._ports, self._port = (free_port(), free_port()), free_port()
        self.folders = (folder / "replica-1", folder / "replica-2")
        self.url = f"http://localhost:{self._port}"
        self._apps: dict[int, subprocess.Popen[bytes]] = {}

    def pid(self, number: int) -> int:
        """Of a copy's process; number : 1 or 2."""
        return self._apps[number].pid

    def own_url(self, number: int) -> str:
        """Of a copy itself; number : 1 or 2."""
        return f"http://127.0.0.1:{self._ports[number - 1]}"

    def start(self, number: int, **environment: str) -> None:
        """Starts a copy; returns when it answers.

        number : 1 or 2
        environment : of this copy alone
        """
        folder = self.folders[number - 1]
        folder.mkdir(exist_ok=True, parents=True)
        self._apps[number] = start(folder, self._ports[number - 1], **self._environment, **environment)
        await_answer(f"{self.own_url(number)}/healthz", self._apps[number])

    def kill(self, number: int) -> None:
        """Ends a copy without a word; number : 1 or 2."""
        self._apps[number].kill()
        self._apps[number].wait()

    def stop(self) -> None:
        """Ends the copies as they are told to end."""
        for app in self._apps.values():
            app.send_signal(signal.SIGTERM)
        for app in self._apps.values():
            with suppress(subprocess.TimeoutExpired):
                app.wait(timeout=40)
            app.kill()

    def configuration(self) -> Path:
        """The project's own file, with the addresses of this machine in place of its own."""
        text = CONFIGURATION.read_text(encoding="utf-8")
        for number, port in enumerate(self._ports, start=1):
            text = text.replace(f"headroom-{number}:850{number}", f"127.0.0.1:{port}")
            text = text.replace(f"~:850{number}$", f"~:{port}$")
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self._port}").replace(" /tmp/", f" {self._folder}/")
        text = text.replace("/dev/stdout", f"{self._folder}/access.log")
        path = self._folder / "nginx.conf"
        path.write_text(text.replace("/dev/stderr", f"{self._folder}/error.log"), encoding="utf-8")
        return path


@contextmanager
def replicas(folder: Path, **environment: str) -> Iterator[Replicas]:
    """Both copies and nginx, ended afterwards.

    folder : exists; what all of them write goes there
    environment : of both copies
    raises : RuntimeError where one does not start
    """
    if NGINX is None:
        raise RuntimeError("no nginx on this machine: install Debian's package nginx-light")
    both = Replicas(folder, **environment)
    # a root's workers would be another user, who may not enter a root's temporary folder
    rights = "user root;" if os.geteuid() == 0 else ""
    command = [NGINX, "-c", str(both.configuration()), "-e", str(folder / "error.log"), "-g", f"daemon off; {rights}"]
    proxy = subprocess.Popen(command)  # noqa: S603 - Debian's nginx
    try:
        for number in (1, 2):
            both.start(number)
        await_answer(f"{both.url}/_stcore/health", proxy)
        yield both
    finally:
        both.stop()
        proxy.terminate()
        proxy.wait(timeout=20)
