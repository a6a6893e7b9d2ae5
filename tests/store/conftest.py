"""An empty store for each test: on a folder, in memory, on a real server that speaks S3."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from store import Store

BUCKET = "runs"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """URL of a bucket; its server and keys stand in the environment, as an operator would give them."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(keys, AWS_ENDPOINT_URL=f"http://{host}:{port}")
    fsspec.filesystem("s3", use_listings_cache=False).mkdir(BUCKET)
    yield f"s3://{BUCKET}"
    for name in (*keys, "AWS_ENDPOINT_URL"):
        del os.environ[name]
    server.stop()


@pytest.fixture(params=["local", "memory", "s3"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store in turn, with a name of its own."""
    if request.param == "local":
        return Store(tmp_path / "runs")
    root = "memory:/" if request.param == "memory" else request.getfixturevalue("s3")
    return Store(f"{root}/{tmp_path.name}")


@pytest.fixture(params=["memory", "s3"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store on objects, which cannot rename."""
    root = "memory:/" if request.param == "memory" else request.getfixturevalue("s3")
    return Store(f"{root}/{tmp_path.name}")
