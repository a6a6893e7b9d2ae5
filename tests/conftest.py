"""A server that speaks S3 and a headless Chromium, one of each for all tests that want one; and disks that get full."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.full import Only, limited, mounted
from tools.running_app import CHROMIUM, FLAGS
from tools.s3_server import s3_server

BUCKET = "runs"


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a bucket; its server and keys stand in the environment, as an operator would give them."""
    with s3_server(tmp_path_factory.mktemp("s3"), BUCKET):
        yield f"s3://{BUCKET}"


@pytest.fixture(params=["mounted", "limited"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Only]]:
    """A folder, and how its disk gets full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder) if request.param == "mounted" else nullcontext(limited) as only:
        yield folder, only


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
