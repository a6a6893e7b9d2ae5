"""A cluster of real workers, which share nothing with this process but a store: some of them die."""

from __future__ import annotations

import time
from collections.abc import Iterator

import fsspec
import pytest

import cli
from intake.cluster import executor
from intake.imports import Imported, Known, Refused
from intake.jobs import Jobs, followed
from intake.limits import Limits
from intake.sources import groups
from planner.buy import search
from store import Store
from tests.intake import killers
from tests.intake.clusters import Running, running, until
from tests.intake.test_jobs import folder_of, outcomes
from tests.planner.demands import options, wanted

pytest.importorskip("distributed", reason="pip install -r requirements-cluster.txt")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, s3: str) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("cluster")) as made:
        yield made


def test_a_folder_on_an_object_store(cluster, s3, tmp_path, capsys, monkeypatch):
    there = f"{s3}/{tmp_path.name}/traces"
    fsspec.filesystem("s3").put(f"{folder_of(tmp_path)}/", there, recursive=True)
    monkeypatch.setenv("HEADROOM_STORE", f"{s3}/{tmp_path.name}/store")
    assert cli.main(["import", there, "--cluster", cluster.address]) == 2
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 4
    assert "list.txt looks like text" in told.err
    assert len(Store(f"{s3}/{tmp_path.name}/store").runs()) == 4


def test_an_upload_is_sent_to_the_workers_and_removed(cluster, s3, tmp_path):
    store, dropped = Store(f"{s3}/{tmp_path.name}/store"), []
    path = folder_of(tmp_path) / "trace-0.sqlite"
    job = Jobs(Limits(tmp_path / "scratch"), cluster.address).start_upload(
        store, "trace", path, lambda: dropped.append(1)
    )
    assert [type(one) for one in followed(job)] == [Imported]
    assert dropped == [1]
    assert not [name for name in store.shelf._files.find(store.shelf._root) if "/files/" in name]


def test_a_search_goes_to_the_cluster(cluster):
    asked = wanted()
    here, there = (options(search(asked, pool)) for pool in (None, executor(cluster.address)))
    assert {one.candidate: one.gpus for one in there} == {one.candidate: one.gpus for one in here}


def test_a_worker_that_dies_is_replaced(cluster, s3, tmp_path):
    there = f"{s3}/{tmp_path.name}/traces"
    fsspec.filesystem("s3").put(f"{folder_of(tmp_path)}/", there, recursive=True)
    store = Store(f"{s3}/{tmp_path.name}/store")
    job = Jobs(Limits(tmp_path / "scratch"), cluster.address).start(store, "day", groups(there))
    while not job.progress().begun:
        time.sleep(0.05)
    cluster.workers[0].kill()
    assert sum(isinstance(one, Imported) for one in followed(job)) == 4


def test_a_file_that_kills_its_workers_is_locked_away_and_the_rest_is_read(s3, tmp_path):
    """Two workers are killed by it, each a process; a third one finds what they left."""
    folder, there = folder_of(tmp_path), f"{s3}/{tmp_path.name}/traces"
    (folder / "trace-1.sqlite").rename(folder / f"{killers.NAME}.sqlite")
    fsspec.filesystem("s3").put(f"{folder}/", there, recursive=True)
    store = Store(f"{s3}/{tmp_path.name}/store")
    with running(tmp_path, "--preload", killers.__name__) as cluster:
        jobs = Jobs(Limits(tmp_path / "scratch"), cluster.address)
        job = jobs.start(store, "day", groups(there))
        until(lambda: cluster.alive == 0)
        assert not job.progress().over
        cluster.grow(1)
        until(lambda: job.progress().over)
        told = sorted((type(one).__name__, one.file) for one in outcomes(job))
        assert told == [
            ("Imported", "sweep/bench.json"),
            ("Imported", "trace-0.sqlite"),
            ("Imported", "trace-2.sqlite"),
            ("Refused", "killer.sqlite"),
            ("Refused", "sweep/list.txt"),
        ]
        (locked,) = (one for one in outcomes(job) if one.file == "killer.sqlite")
        assert (locked.error, "killed 2 workers" in locked.message) == ("Quarantined", True)
        again = list(followed(jobs.start(store, "day", groups(there))))
        assert [type(one) for one in again if not isinstance(one, Refused)] == [Known] * 3
        assert cluster.alive == 1
    assert len(store.runs()) == 3
