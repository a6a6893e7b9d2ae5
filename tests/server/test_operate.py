"""What who runs the server sees of it: health, figures, a log without user data, and how it stops."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from intake.imports import Imported, Refused
from intake.limits import Limits
from intake.notes import IMPORTS, note
from intake.service import Intake
from planner.errors import UploadRefused
from store import Store
from tools.running_app import ROOT, free_port, running_app
from ui import health
from ui.logs import Lines
from ui.records import place

SECRETS = ("a-secret-token", "secret-project.json", "0123456789ab", "evil.example.com")


def asked(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    told = answer.status, dict(answer.getheaders()), answer.read().decode()
    connection.close()
    return told


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("operated"), free_port()
    settings = {"HEADROOM_LOG": "json", "HEADROOM_HOSTS": "127.0.0.1,plan.example.com", "HEADROOM_MODE": "demo"}
    with running_app(folder, port, **settings) as app:
        yield port, app.process, folder / "server.log"


def test_it_lives_and_is_ready(server):
    port = server[0]
    assert json.loads(asked(port, "/healthz")[2]) == {"status": "alive"}
    assert asked(port, "/readyz")[::2] == (200, '{"status":"ready"}')
    assert asked(port, "/healthz", Host="10.1.2.3:8501")[0] == 200


def test_other_hosts_are_refused(server):
    assert asked(server[0], "/", Host="plan.example.com")[0] == 200
    for path in ("/", "/_stcore/health", "/upload/x", "/evidence"):
        assert asked(server[0], path, Host="evil.example.com")[0] == 400


def test_streamlits_uploads_are_closed_in_a_demo(server):
    status, _, told = asked(server[0], "/_stcore/upload_file/session/file", "PUT", Content_Length="0")
    assert status == 403
    assert "public demo" in told


def test_requests_are_counted_and_named(server):
    port = server[0]
    assert (
        asked(port, "/evidence?run=0123456789ab", X_Request_ID="from-the-proxy")[1]["x-request-id"] == "from-the-proxy"
    )
    assert asked(port, "/", X_Request_ID='"><script>')[1]["x-request-id"] != '"><script>'
    asked(port, "/upload/a-secret-token/secret-project.json", "PUT")
    told = asked(port, "/metrics")[2]
    assert 'headroom_requests_total{method="GET",place="page",status="200"}' in told
    assert 'headroom_requests_total{method="PUT",place="upload",status="403"}' in told
    for name in ("headroom_sessions", "headroom_imports", "process_resident_memory_bytes"):
        assert name in told
    assert not [word for word in SECRETS if word in told]


def test_the_log_is_json_without_user_data_and_it_stops_at_once(server):
    port, process, path = server
    asked(port, "/evidence?run=0123456789ab", X_Request_ID="from-the-proxy")
    asked(port, "/upload/a-secret-token/secret-project.json", "PUT", Host="evil.example.com")
    process.terminate()
    began = time.monotonic()
    assert process.wait(20) in (0, -signal.SIGTERM)
    assert time.monotonic() - began < 10
    text = path.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["message"] == "request"]
    assert {"request", "method", "place", "status", "seconds", "time", "level"} <= requests[0].keys()
    assert "from-the-proxy" in {line["request"] for line in requests}
    assert not [word for word in SECRETS if word in text]


def test_an_error_is_told_by_type_and_place():
    try:
        raise ValueError("secret-project.json holds 42")
    except ValueError as error:
        record = logging.LogRecord(
            "ui", logging.ERROR, __file__, 1, "a fault", (), (type(error), error, error.__traceback__)
        )
    line = json.loads(Lines().format(record))
    assert line["error"] == "ValueError"
    assert line["at"][0].startswith("test_operate.py:")
    assert "secret-project" not in str(line)


def test_imports_are_counted_by_outcome():
    before = IMPORTS.labels("TooLarge")._value.get()
    note(1.0, [Imported("a", "b", "c"), Refused("a", "TooLarge", "too large")])
    assert IMPORTS.labels("TooLarge")._value.get() == before + 1


@pytest.mark.parametrize(
    "path", ["/upload/../../x", "//", "/_stcore/anything-at-all", "/" + "x" * 1000, "/media/abc.png"]
)
def test_places_are_few(path):
    assert place(path) in {"upload", "page", "_stcore", "media"}


def test_a_store_out_of_reach_is_not_ready(monkeypatch, tmp_path):
    intake = Intake(Limits(tmp_path / "desk"))
    monkeypatch.setattr(health, "REMEMBERED", 0.0)
    pool = ThreadPoolExecutor(1)

    def ready(root: Path | str) -> tuple[int, str]:
        monkeypatch.setattr(health, "default_root", lambda: root)
        answer = pool.submit(
            asyncio.run, health.Readiness(intake).answer(None)
        ).result()  # a browser test may have a loop here
        return answer.status_code, bytes(answer.body).decode()

    assert ready(tmp_path / "not" / "there" / "yet")[0] == 200
    status, told = ready("nosuchscheme://secret-bucket")
    assert status == 503
    assert "secret-bucket" not in told
    intake.closing = True
    assert ready(tmp_path) == (503, '{"status":"stopping"}')
    intake.close()


@pytest.mark.parametrize(
    ("looks", "seconds", "words", "left"),
    [(3, 60.0, 1, range(1)), (10**6, 0.2, 1, range(10**6 - 20, 10**6)), (10**6, 60.0, 2, range(10**6 - 20, 10**6))],
)
def test_a_stop_waits_for_what_is_read_and_a_second_word_does_not(looks, seconds, words, left):
    command = [sys.executable, "-m", "tests.server.stops", str(looks), str(seconds), str(words)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert int(told.stdout) in left


def test_nothing_new_is_taken_while_it_stops(tmp_path: Path):
    intake = Intake(Limits(tmp_path / "desk"))
    intake.closing = True
    with pytest.raises(UploadRefused, match="about to stop"):
        list(intake.read_bytes("me", [("a", b"x")], Store(tmp_path)))
    intake.close()
