"""Uploads to a disk that others filled after room was reserved: refused in words, and nothing of them stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from intake import desk
from intake.board import jobs
from intake.desk import Desk
from intake.jobs import Jobs
from intake.limits import Limits
from planner.errors import StoreError, UploadRefused
from planner.quantities import KIB, MIB
from store import Store
from tests.full import Only
from tests.intake.test_route import Server


@pytest.fixture(autouse=True)
def to_the_last_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "FREE", 0)


@pytest.fixture
def server(disk: tuple[Path, Only]) -> Iterator[Server]:
    running = Server(disk[0])
    yield running
    running.stop()


def test_a_stream_that_fills_the_disk_is_refused_and_gone(server: Server, disk: tuple[Path, Only]) -> None:
    _, told = server.announce(MIB)
    with disk[1](64 * KIB):
        status, answer = server.put(os.urandom(MIB), told["id"])
    assert (status, "disk takes no more" in answer["error"]) == (409, True)
    assert server.files() == []
    _, told = server.announce(MIB)
    assert server.put(os.urandom(MIB), told["id"])[0] == 201


@pytest.mark.parametrize("count", [1, 3])
def test_small_files_that_fill_the_disk_are_refused_and_gone(disk: tuple[Path, Only], count: int) -> None:
    kept = Desk(Limits(disk[0] / "in"))
    files = [(f"{number}.json", os.urandom(100 * KIB)) for number in range(count)]
    upload = kept.expect("me", "reserves", 1)
    with disk[1](40 * KIB), pytest.raises(UploadRefused, match=r"disk (takes no more|is nearly full).*try again later"):
        kept.receive("me", files)
    kept.drop(upload)
    assert [path for path in (disk[0] / "in").rglob("*") if path.suffix != ".lock"] == []
    assert kept.receive("me", files).state is desk.State.HERE


def test_a_file_that_has_no_room_beside_its_job_leaves_none(
    disk: tuple[Path, Only], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "large").write_bytes(os.urandom(100 * KIB))
    store = Store(disk[0] / "runs")
    crew = Mock()
    monkeypatch.setattr("intake.jobs.Cluster", crew)
    sender = Jobs(Limits(tmp_path / "scratch"), "tcp://127.0.0.1:9")
    with disk[1](8 * KIB), pytest.raises(StoreError, match=r"cannot be read or written: .*Check HEADROOM_STORE"):
        sender.start_upload(store, "large", tmp_path / "large", lambda: None)
    assert jobs(store) == []
    crew.return_value.start.assert_not_called()
