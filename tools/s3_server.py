"""A real S3 server over a folder, for tests, benchmarks and the soak: `rclone serve s3`, one program from a wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.running_app import await_port, free_port

KEY, SECRET = "headroom-key", "headroom-secret"
RCLONE = Path(sys.executable).with_name("rclone.exe" if os.name == "nt" else "rclone")


@contextmanager
def s3_server(folder: Path, *buckets: str) -> Iterator[int]:
    """Serves a folder whose folders are buckets; the environment names server and keys, as an operator would.

    folder : made here; one folder for each bucket, and the server's log beside them
    returns : port of this machine
    raises : RuntimeError where it ends before it answers
    """
    for bucket in buckets:
        (folder / "objects" / bucket).mkdir(parents=True)
    port = free_port()
    command = [RCLONE, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}"]
    with (folder / "s3.log").open("ab") as log:
        server = subprocess.Popen(  # noqa: S603 - our own environment's
            [*command, "--config", os.devnull, str(folder / "objects")], stdout=log, stderr=log
        )
    told = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
    told |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required"}
    before = {name: os.environ.get(name) for name in told}
    try:
        await_port(port, server)
        os.environ.update(told)
        yield port
    finally:
        for name in told:
            os.environ.pop(name, None)
        os.environ.update({name: value for name, value in before.items() if value is not None})
        server.terminate()
        server.wait(timeout=20)
