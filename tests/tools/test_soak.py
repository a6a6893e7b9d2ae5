"""`make soak` in little: all its faults within a minute. What memory does, only ten minutes can tell."""

import json
import os
import subprocess
import sys

import pytest

from tools.replicas import NGINX
from tools.running_app import ROOT


def test_a_minute_with_faults_loses_and_leaks_nothing():
    """In a process of its own: stores that other tests opened are not asked in place of its own."""
    if NGINX is None:
        reason = "no nginx on this machine: install Debian's package nginx-light"
        if os.environ.get("HEADROOM_REQUIRE_NGINX"):
            pytest.fail(reason)
        pytest.skip(reason)
    command = "import json; from tools.soak import soak; print(json.dumps(soak(people=6, seconds=50.0)))"
    told = subprocess.run([sys.executable, "-c", command], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    lines, faults = json.loads(told.stdout.splitlines()[-1])
    assert [fault for fault in faults if not fault.startswith("memory")] == []
    assert any("runs were acknowledged" in line for line in lines)
