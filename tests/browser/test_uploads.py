"""Large files over the upload route of the running app: progress, result, cancel, and a reader that dies."""

import os
import re
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.importers.samples import export

MB = 1_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A trace of 64 MB, most of them in a table that no importer reads."""
    path = export(tmp_path_factory.mktemp("large") / "large trace.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE OTHER (bytes BLOB)")
        connection.execute("INSERT INTO OTHER VALUES (randomblob(?))", [64 * MB])
        connection.commit()
    return path


def opened(page, app, upload_mb_s=None):
    page.goto(f"{app}/evidence")
    expect(page.get_by_text("Larger files")).to_be_visible()
    expect(page.get_by_text("or drop them here")).to_be_visible()
    if upload_mb_s:
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload_mb_s * MB},
        )
    return page.locator("input[type=file]").nth(1)


def test_a_large_file_streams_in_with_progress_and_becomes_a_run(page, app, large):
    opened(page, app, upload_mb_s=25).set_input_files(large)
    bar = page.get_by_role("progressbar", name="large trace.sqlite")
    expect(bar).to_be_visible()
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"[1-9]\d?"))
    expect(page.get_by_text("large_trace.sqlite: imported as run")).to_be_visible()
    expect(page.get_by_text("large_trace.sqlite: Nsight Systems")).to_be_visible()
    expect(bar).to_have_count(0)


def test_an_upload_can_be_cancelled(page, app, large):
    opened(page, app, upload_mb_s=5).set_input_files(large)
    expect(page.get_by_text(re.compile(r"[1-9][\d.]* MB of"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled.")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Cancelled.")).to_have_count(0)
    expect(page.get_by_text("or drop them here")).to_be_visible()


def test_a_token_that_is_too_old_is_renewed(page, app, tmp_path):
    box = opened(page, app)
    page.route("**/upload/*", lambda route: route.fulfill(status=403, json={"error": "too old"}), times=1)
    box.set_input_files(export(tmp_path / "patient.sqlite"))
    expect(page.get_by_text("patient.sqlite: imported as run")).to_be_visible()


def test_what_is_no_trace_is_refused_and_the_next_file_taken(page, app, tmp_path):
    (tmp_path / "list.txt").write_text("milk")
    (tmp_path / "empty").touch()
    box = opened(page, app)
    box.set_input_files([tmp_path / "list.txt", tmp_path / "empty"])
    expect(page.get_by_text("list.txt looks like text")).to_be_visible()
    expect(page.get_by_text("empty is empty.")).to_be_visible()
    box.set_input_files(export(tmp_path / "next.sqlite", ((100, 217, 0, 3),)))
    expect(page.get_by_text("next.sqlite: imported as run")).to_be_visible()


def test_the_page_outlives_a_reader_that_is_killed(page, app, tmp_path):
    path = export(tmp_path / "long.sqlite", [(at * 10, at * 10 + 5, 0, 1) for at in range(600_000)])
    opened(page, app).set_input_files(path)
    os.kill(reader(app), signal.SIGKILL)
    expect(page.get_by_text("long.sqlite: reading it was stopped by the system")).to_be_visible()
    page.get_by_role("button", name="Clear messages").click()
    expect(page.get_by_text("stopped by the system")).to_have_count(0)
    expect(page.get_by_role("combobox", name="Run").first).to_be_visible()


def reader(app):
    """The process that reads for the app at this address."""
    port = app.rsplit(":", 1)[1].encode()
    for _ in range(200):
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if b"intake.child" in (folder / "cmdline").read_bytes():
                    parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
                    if port in (Path("/proc") / parent / "cmdline").read_bytes():
                        return int(folder.name)
            except OSError:
                continue
        time.sleep(0.02)
    return pytest.fail("nothing reads")
