"""A search whose cluster is lost in the middle, really: its processes are killed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from intake import board, cluster, heart
from intake.crew import Cluster
from intake.jobs import Jobs
from intake.limits import Limits
from intake.sources import groups
from intake.work import Task
from planner.buy import search
from planner.errors import ClusterError, InvalidWorkload
from store import Store
from tests.intake.clusters import Running, running, until
from tests.planner.demands import wanted

pytest.importorskip("distributed", reason="pip install -r requirements-cluster.txt")


@pytest.fixture
def lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A cluster that gives up what one worker died over."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def workers(lost: Running) -> Executor:
    return cluster.executor(lost.address)


def test_work_that_kills_workers_is_told(workers):
    with pytest.raises(ClusterError, match=r"died over this.*more, their logs"):
        workers.submit(os.abort).result(60)
    assert workers.submit(max, 1, 2).result(60) == 2, "the other worker goes on"


def test_a_search_whose_workers_are_killed_is_told(lost, workers):
    looking = search(wanted(), workers)
    next(looking)
    for worker in lost.workers:
        worker.kill()
    with pytest.raises(ClusterError, match=r"died over this|has no worker"):
        list(looking)


def test_a_cluster_that_goes_away_is_told_to_whoever_waits_and_whoever_asks(workers, lost, monkeypatch):
    waiting = [workers.submit(time.sleep, 60) for _ in range(3)]
    lost.scheduler.kill()
    for one in waiting:
        with pytest.raises(ClusterError, match=r"went away in the middle.*Start its scheduler"):
            one.result(60)
    monkeypatch.setattr(cluster, "ALONE", 0.0)
    with pytest.raises(ClusterError, match="went away"):
        workers.submit(max, 1, 2).result(60)


def test_a_connection_that_was_closed_is_told_to_whoever_asks_over_it(workers, lost, tmp_path):
    beating = heart.Heart()
    crew = Cluster(lost.address, beating)
    cluster.client(lost.address).close()
    with pytest.raises(ClusterError, match="went away in the middle"):
        workers.submit(max, 1, 2)
    with pytest.raises(ClusterError, match="went away in the middle"):
        crew.start(Task(Store(tmp_path / "store"), "0" * 16, 0, "x", (), Limits(tmp_path / "scratch")))
    assert not beating._held


def test_an_import_that_cannot_be_handed_on_leaves_nothing(lost, tmp_path, monkeypatch):
    file, store, new = tmp_path / "x.json", Store(tmp_path / "store"), Jobs._new
    file.write_text("{}")

    def lost_meanwhile(*given):
        made = new(*given)
        cluster.client(lost.address).close()
        return made

    monkeypatch.setattr(Jobs, "_new", lost_meanwhile)
    sender = Jobs(Limits(tmp_path / "scratch"), lost.address)
    with pytest.raises(ClusterError, match="went away"):
        sender.start(store, "x", groups(str(file)))
    with pytest.raises(ClusterError, match="went away"):
        sender.start_upload(store, "x", file, lambda: None)
    assert board.jobs(store) == []


def test_a_cluster_without_workers_is_told(workers, lost, monkeypatch):
    for worker in lost.workers:
        worker.kill()
    until(lambda: not workers._anybody())
    monkeypatch.setattr(cluster, "ALONE", 0.0)
    with pytest.raises(ClusterError, match=r"has no worker\. Start one: dask worker"):
        workers.submit(max, 1, 2).result(60)


def test_what_waits_for_a_cluster_that_went_away_is_forsaken_and_can_be_cancelled(lost, tmp_path, monkeypatch):
    for worker in lost.workers:
        worker.kill()
    (tmp_path / "x.json").write_text("{}")
    sender = Jobs(Limits(tmp_path / "scratch"), lost.address)
    job = sender.start(Store(tmp_path / "store"), "x", groups(str(tmp_path / "x.json")))
    lost.scheduler.kill()
    until(lambda: not sender._heart._held)
    assert not job.progress().forsaken
    monkeypatch.setattr(board, "SILENT", -1.0)
    assert job.progress().forsaken
    job.cancel()
    assert job.progress().lost


def test_what_the_work_itself_says_is_passed_on_and_what_is_cancelled_is_not_done(workers):
    with pytest.raises(InvalidWorkload, match="never"):
        workers.submit(_refuses).result(60)
    with pytest.raises(FileNotFoundError, match="no such data"):  # a worker's copy of the code, not the cluster
        workers.submit(open, "no such data").result(60)
    running, waits = [workers.submit(time.sleep, 1) for _ in range(2)], workers.submit(time.sleep, 60)
    assert waits.cancel()
    assert [one.result(60) for one in running] == [None, None]
    assert not workers._waiting


def _refuses() -> None:
    raise InvalidWorkload("never")
