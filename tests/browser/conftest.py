"""A running app with a store of its own, and a page of a headless Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

PATIENCE = 60_000
"""On a busy machine a page takes its time; how fast it is, benchmarks say [ms]."""
expect.set_options(timeout=PATIENCE)
ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
expect.set_options(timeout=30_000)
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


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def app(tmp_path_factory) -> Iterator[str]:
    """Address of the app, served with an empty store."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("log") / "server.log").open("wb")
    folders = {"HEADROOM_STORE": "store", "HEADROOM_UPLOAD_FOLDER": "uploads"}
    environment = {**os.environ, **{name: str(tmp_path_factory.mktemp(folder)) for name, folder in folders.items()}}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


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


@pytest.fixture
def page(browser, app) -> Iterator[Page]:
    """A page of a laptop's size; a request to any other host fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    outside: list[str] = []
    own = (app, app.replace("http", "ws", 1), "data:", "blob:")
    opened.on("request", lambda request: None if request.url.startswith(own) else outside.append(request.url))
    yield opened
    context.close()
    assert outside == []


def _wait(url: str, server: subprocess.Popen) -> None:
    for _ in range(240):
        assert server.poll() is None, "the app ended before it was ready"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    pytest.fail(f"no answer from {url}")
