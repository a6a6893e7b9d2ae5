"""`make soak` in little: all its faults within a minute. What memory does, only ten minutes can tell."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tools.replicas import NGINX
from tools.soak import soak


def test_a_minute_with_faults_loses_and_leaks_nothing():
    if NGINX is None:
        reason = "no nginx on this machine: install Debian's package nginx-light"
        if os.environ.get("HEADROOM_REQUIRE_NGINX"):
            pytest.fail(reason)
        pytest.skip(reason)
    with ThreadPoolExecutor(1) as thread:  # a browser test may have left a loop running in this one
        lines, faults = thread.submit(soak, people=6, seconds=50.0).result()
    assert [fault for fault in faults if not fault.startswith("memory")] == []
    assert any("runs were acknowledged" in line for line in lines)
