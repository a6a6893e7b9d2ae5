"""A server that speaks S3, and a headless Chromium: one of each for all tests that want one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import fsspec
import pytest
from moto.server import ThreadedMotoServer
from playwright.sync_api import Browser, sync_playwright

from tools.running_app import CHROMIUM, FLAGS

BUCKET = "runs"


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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; missing, the tests skip, or fail where HEADROOM_REQUIRE_BROWSER is set."""
    if CHROMIUM is None:
        reason = "no Chromium on this machine: install Debian's package chromium"
        if os.environ.get("HEADROOM_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()
