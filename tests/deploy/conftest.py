"""Two copies of the app behind a real nginx with the project's configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tools.replicas import NGINX, Replicas, replicas


@pytest.fixture(scope="module")
def copies(tmp_path_factory) -> Iterator[Replicas]:
    """Both run; without nginx the tests skip, or fail where HEADROOM_REQUIRE_NGINX is set."""
    if NGINX is None:
        reason = "no nginx on this machine: install Debian's package nginx-light"
        if os.environ.get("HEADROOM_REQUIRE_NGINX"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("copies")
    shared = {"HEADROOM_STORE": str(folder / "store"), "HEADROOM_SECRET": "s" * 32, "HEADROOM_HOSTS": "localhost"}
    with replicas(folder, **shared) as both:
        yield both
