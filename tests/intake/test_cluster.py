"""A cluster of real workers, which share nothing with this process but a store: some of them die."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import fsspec
import pytest

import cli
from intake import crew
from intake.imports import Imported
from intake.jobs import Jobs, followed
from intake.limits import Limits
from intake.sources import groups
from planner.buy import search
from store import Store
from tests.intake.test_jobs import folder_of
from tests.planner.demands import options, wanted
from tools.running_app import ROOT, free_port

pytest.importorskip("distributed", reason="pip install -r requirements-cluster.txt")


@contextmanager
def started(folder: Path, *words: str) -> Iterator[subprocess.Popen]:
    with (folder / f"{words[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, s3: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """Address of a scheduler with two workers, and one of them."""
    tmp_path = tmp_path_factory.mktemp("cluster")
    address = f"tcp://127.0.0.1:{free_port()}"
    own = ("--no-dashboard", "--nthreads", "1", "--local-directory", str(tmp_path), "--no-nanny")
    with ExitStack() as stack:
        scheduler = ("scheduler", "--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1], "--no-dashboard")
        stack.enter_context(started(tmp_path, *scheduler))
        workers = [stack.enter_context(started(tmp_path, "worker", address, *own)) for _ in range(2)]
        client = crew.client(address)
        client.wait_for_workers(2, timeout=60)
        yield address, workers[0]
        client.close()
        crew._connected.cache_clear()


def test_a_folder_on_an_object_store(cluster, s3, tmp_path, capsys, monkeypatch):
    there = f"{s3}/{tmp_path.name}/traces"
    fsspec.filesystem("s3").put(f"{folder_of(tmp_path)}/", there, recursive=True)
    monkeypatch.setenv("HEADROOM_STORE", f"{s3}/{tmp_path.name}/store")
    assert cli.main(["import", there, "--cluster", cluster[0]]) == 2
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 4
    assert "list.txt looks like text" in told.err
    assert len(Store(f"{s3}/{tmp_path.name}/store").runs()) == 4


def test_an_upload_is_sent_to_the_workers_and_removed(cluster, s3, tmp_path):
    store, dropped = Store(f"{s3}/{tmp_path.name}/store"), []
    path = folder_of(tmp_path) / "trace-0.sqlite"
    job = Jobs(Limits(tmp_path / "scratch"), cluster[0]).start_upload(store, "trace", path, lambda: dropped.append(1))
    assert [type(one) for one in followed(job)] == [Imported]
    assert dropped == [1]
    assert not [name for name in store.shelf._files.find(store.shelf._root) if "/files/" in name]


def test_a_search_goes_to_the_cluster(cluster):
    asked = wanted()
    here, there = (options(search(asked, pool)) for pool in (None, crew.executor(cluster[0])))
    assert {one.candidate: one.gpus for one in there} == {one.candidate: one.gpus for one in here}


def test_a_worker_that_dies_is_replaced(cluster, s3, tmp_path):
    address, worker = cluster
    there = f"{s3}/{tmp_path.name}/traces"
    fsspec.filesystem("s3").put(f"{folder_of(tmp_path)}/", there, recursive=True)
    store = Store(f"{s3}/{tmp_path.name}/store")
    job = Jobs(Limits(tmp_path / "scratch"), address).start(store, "day", groups(there))
    while not job.progress().begun:
        time.sleep(0.05)
    worker.kill()
    assert sum(isinstance(one, Imported) for one in followed(job)) == 4
