"""Jobs: seen from everywhere, cancelled from anywhere, and what becomes of files that kill who reads them."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import fsspec
import pytest
from s3fs import S3FileSystem

from intake import board, heart, reading, service, work
from intake.board import Board, jobs, new_job
from intake.imports import Imported, Known, Refused
from intake.jobs import GONE, KEPT, Jobs, followed, wait
from intake.limits import Limits
from intake.service import Intake
from intake.sources import groups
from intake.work import Source, Task, do, release
from planner.errors import ClusterError, JobNotFound, StoreError, UnknownFormat
from store import Store
from store.places import JOBS
from tests.importers.samples import bench_file, export, result
from tests.intake.clusters import until
from tests.loops import finished
from tools.running_app import ROOT


@pytest.fixture(params=["local", "s3"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store that other processes see too."""
    return Store(tmp_path / "store" if request.param == "local" else f"{request.getfixturevalue('s3')}/{tmp_path.name}")


@pytest.fixture
def limits(tmp_path: Path) -> Limits:
    return Limits(tmp_path / "scratch", at_once=1)


@pytest.fixture
def crew(limits: Limits):
    made = Jobs(limits)
    yield made
    made.close()


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "day"
    (folder / "sweep").mkdir(parents=True)
    for number in range(3):
        export(folder / f"trace-{number}.sqlite", [(at * 10, at * 10 + 5 + number, 0, 1) for at in range(9)])
    bench_file(folder / "sweep" / "bench.json", result())
    (folder / "sweep" / "list.txt").write_text("milk")
    (folder / ".hidden").write_text("x")
    return folder


def outcomes(job: Board) -> list:
    return [one for told in job.outcomes().values() for one in told]


def test_a_folder_is_imported_in_tasks(crew: Jobs, anywhere: Store, tmp_path: Path) -> None:
    job = crew.start(anywhere, "day", groups(str(folder_of(tmp_path))))
    told = list(followed(job))
    assert sorted(type(one).__name__ for one in told) == ["Imported"] * 4 + ["Refused"]
    assert len(anywhere.runs()) == 4
    with pytest.raises(JobNotFound):
        job.progress()
    again = list(followed(crew.start(anywhere, "day", groups(str(folder_of(tmp_path / "again"))))))
    assert sum(isinstance(one, Known) for one in again) == 4


def test_a_folder_on_an_object_store_is_imported(crew: Jobs, s3: str, tmp_path: Path) -> None:
    files, there = fsspec.filesystem("s3"), f"{s3}/{tmp_path.name}/traces"
    files.put(f"{folder_of(tmp_path)}/", there, recursive=True)
    store = Store(f"{s3}/{tmp_path.name}/store")
    assert len([one for one in followed(crew.start(store, "day", groups(there))) if isinstance(one, Imported)]) == 4
    assert sorted(run.source_name for run in store.runs())[1] == "trace-0.sqlite"
    assert list((tmp_path / "scratch").glob("*")) == []


def test_what_may_be_one_run_stays_together(tmp_path: Path) -> None:
    names = (
        "a.sqlite",
        "one/x.json",
        "one/y.json",
        "sweep/c=1/run=0.json",
        "sweep/c=2/run=0.json",
        "sweep/summary.csv",
    )
    for name in (*names, "big.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    os.truncate(tmp_path / "big.json", 64 * 2**20)
    found = {name: len(sources) for name, sources in groups(str(tmp_path))}
    assert found == {"a.sqlite": 1, "big.json": 1, "one (2 files)": 2, "sweep (3 files)": 3}
    with pytest.raises(UnknownFormat):
        groups(str(tmp_path / "missing"))
    with pytest.raises(StoreError):
        groups("nosuchscheme://x")


def test_another_copy_of_the_app_sees_and_cancels_it(crew: Jobs, anywhere: Store, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    monkeypatch.setattr(work, "LOOK", 0.05)
    (tmp_path / "silent.x").write_text("x")
    started = crew.start(anywhere, "silent", groups(str(tmp_path / "silent.x")) * 2)
    assert not wait(started, 0.5)
    (seen,) = jobs(Store(anywhere.root))
    assert seen.job == started.job
    told = seen.progress()
    assert (told.name, told.tasks, told.begun, told.ended, told.lost) == ("silent", 2, 1, 0, False)
    assert crew.busy
    seen.cancel()
    assert wait(started, 20)
    assert [one.error for one in outcomes(started)] == ["Cancelled", "Cancelled"]
    assert anywhere.runs() == []


def test_a_job_that_was_deleted_stops(crew: Jobs, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    monkeypatch.setattr(work, "LOOK", 0.05)
    (tmp_path / "silent.x").write_text("x")
    store = Store(tmp_path / "store")
    job = crew.start(store, "silent", groups(str(tmp_path / "silent.x")))
    assert not wait(job, 0.5)
    job.remove()
    until = time.monotonic() + 20
    while crew.busy and time.monotonic() < until:
        time.sleep(0.05)
    assert not crew.busy
    assert jobs(store) == []


def test_what_is_left_of_a_deleted_job_is_no_job(crew: Jobs, anywhere: Store) -> None:
    """Somebody cancels it, or a worker tells of it, before either learned that another deleted it."""
    cancelled, told = (new_job(anywhere, "x", ["x"]) for _ in range(2))
    for job in (cancelled, told):
        job.remove()
    cancelled.cancel()
    told.tell(0, 0.5)
    assert jobs(anywhere) == [told]
    assert wait(told, 0.0)
    crew.cancel(anywhere, 0.0)
    board.sweep(anywhere, 3600)
    assert jobs(anywhere) == []


def test_a_file_that_kills_workers_twice_is_in_quarantine(anywhere: Store, limits: Limits, tmp_path: Path) -> None:
    source = Source(str(bench_file(tmp_path / "bench.json", result())), "bench.json", 1)

    def attempt(died_before: int) -> list:
        job = new_job(anywhere, "bench", ["bench.json"])
        for _ in range(died_before):
            job.begin(0)
        do(Task(anywhere, job.job, 0, "bench.json", (source,), limits))
        return outcomes(job)

    assert [type(one) for one in attempt(1)] == [Imported]
    (refused,) = attempt(2)
    assert (refused.error, "killed 2 workers" in refused.message) == ("Quarantined", True)
    assert attempt(0)[0].error == "Quarantined"
    assert release(anywhere) == 1
    assert [type(one) for one in attempt(0)] == [Known]


def test_a_job_without_a_word_is_lost(tmp_path: Path, monkeypatch) -> None:
    store = Store(tmp_path)
    job, sent = new_job(store, "x", ["x", "y"], "0" * 16), new_job(store, "y", ["y"], "1" * 16, sent=True)
    job.begin(0)
    assert not job.progress().lost
    assert not sent.progress().forsaken
    monkeypatch.setattr(board, "SILENT", -1.0)
    assert job.progress().lost
    job.end(0, [])
    assert job.progress().lost, "its second task waits for nobody"
    told = sent.progress()
    assert (told.lost, told.forsaken) == (False, True), "the cluster may still do it"
    sent.cancel()
    assert sent.progress().lost
    sent.remove()
    board.vouch(store, "0" * 16)
    board.sweep(store, 3600)
    assert len(jobs(store)) == 1
    board.sweep(store, -1)
    assert jobs(store) == store.shelf.notes(JOBS) == []


def test_what_a_worker_began_before_it_died_waits_for_another(tmp_path: Path) -> None:
    """The others may be busy for long; who sent it to the cluster lives."""
    store = Store(tmp_path)
    job = new_job(store, "x", ["x"], "0" * 16, sent=True)
    job.begin(0)
    before = {"when": time.time() - board.SILENT - 1}
    job._write("head.json", {"name": "x", "tasks": ["x"], "owner": "0" * 16, "sent": True} | before)
    job._write("0.told.json", {"done": 0.5} | before)
    assert job.progress().lost
    board.vouch(store, "0" * 16)
    told = job.progress()
    assert (told.lost, told.forsaken) == (False, False)
    job.cancel()
    assert job.progress().lost


@pytest.mark.parametrize("sent", [False, True])
def test_who_follows_a_job_that_nobody_will_end_is_told(tmp_path: Path, monkeypatch, sent: bool) -> None:
    store, waited = Store(tmp_path), []
    job = new_job(store, "day", ["x", "y"], "0" * 16, sent=sent)
    job.begin(0)
    job.end(0, [Refused("x", "UnknownFormat", "x: no")])
    monkeypatch.setattr(board, "SILENT", -1.0)
    monkeypatch.setattr("intake.jobs.time.sleep", waited.append)
    told = followed(job)
    assert [next(told).file, next(told).message] == ["x", f"day: {GONE}"]
    assert list(told) == waited == []
    assert [one.progress().cancelled for one in jobs(store)] == [True] * sent, "a cluster may still begin it"


def test_a_server_forgets_old_jobs_of_every_workspace(limits: Limits, tmp_path: Path, monkeypatch) -> None:
    """Uploads begin jobs and are never swept by another."""
    monkeypatch.setattr(service, "SWEEP", 0.01)
    root, serving = tmp_path / "store", Intake(limits)
    stores = Store(root), Store(root / "workspaces" / f"user-{'0' * 32}")
    over, recent = ([new_job(store, "x", []) for store in stores] for _ in range(2))
    for job in over:
        job._write("head.json", {"name": "x", "tasks": [], "when": time.time() - KEPT - 1})

    async def served() -> None:
        async with serving.serve(root):
            await asyncio.to_thread(until, lambda: [jobs(store) for store in stores] == [[job] for job in recent])

    finished(served())


def test_what_waits_for_a_living_server_is_not_lost(crew: Jobs, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    monkeypatch.setattr(board, "SILENT", 0.5)
    monkeypatch.setattr(heart, "EVERY", 0.1)
    monkeypatch.setattr(work, "LOOK", 0.1)
    (tmp_path / "silent.x").write_text("x")
    store, other = Store(tmp_path / "store"), Store(tmp_path / "other")
    first, waits = (crew.start(one, "silent", groups(str(tmp_path / "silent.x"))) for one in (store, other))
    assert not wait(waits, 1.5)
    assert waits.progress().begun == 0
    for job in (waits, first):
        job.cancel()
    assert wait(waits, 20)
    until(lambda: not crew.busy)
    for kept in (store, other):
        until(lambda kept=kept: not [name for name in kept.shelf.notes(JOBS) if name.endswith(".alive")])


def test_no_word_brings_back_what_was_deleted(tmp_path: Path, monkeypatch) -> None:
    """A task of it may wait its turn for long after."""
    monkeypatch.setattr(heart, "EVERY", 0.05)
    deleted, other, beating = Store(tmp_path / "deleted"), Store(tmp_path / "other"), heart.Heart()
    new_job(other, "x", ["x"], beating.name)
    for store in (deleted, other):
        beating.hold(store)
    until(lambda: f"{beating.name}.alive" in other.shelf.notes(JOBS))
    beating.close()
    assert not (tmp_path / "deleted").exists()


def test_a_word_said_while_the_last_task_ends_is_taken_back(tmp_path: Path, monkeypatch) -> None:
    store, beating, said = Store(tmp_path), heart.Heart(), threading.Event()

    def late(*given: Any) -> None:
        beating.release(store)
        board.vouch(*given)
        said.set()

    monkeypatch.setattr(heart, "EVERY", 0.05)
    monkeypatch.setattr(heart, "vouch", late)
    new_job(store, "x", ["x"], beating.name)
    beating.hold(store)
    assert said.wait(20)
    beating.close()
    beating._thread.join(20)
    assert f"{beating.name}.alive" not in store.shelf.notes(JOBS)


def test_what_waited_for_a_server_that_was_killed_is_lost_and_told(
    anywhere: Store, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "silent.x").write_text("x")
    script = (
        "import sys\nfrom pathlib import Path\nfrom intake import heart, reading\nfrom intake.jobs import Jobs\n"
        "from intake.limits import Limits\nfrom intake.sources import groups\nfrom store import Store\n"
        "root, scratch, file = sys.argv[1:]\nheart.EVERY, reading.MODULE = 0.1, 'tests.intake.children'\n"
        "crew, store = Jobs(Limits(Path(scratch), at_once=1)), Store(root if '://' in root else Path(root))\n"
        "for name in ('reads', 'waits'):\n    crew.start(store, name, groups(file))\nsys.stdin.read()\n"
    )
    words = [str(anywhere.root), str(tmp_path / "scratch"), str(tmp_path / "silent.x")]
    with subprocess.Popen([sys.executable, "-c", script, *words], cwd=ROOT, stdin=subprocess.PIPE) as server:
        until(lambda: any(name.endswith(".alive") for name in anywhere.shelf.notes(JOBS)))
        until(lambda: sum(job.progress().begun for job in jobs(anywhere)) == 1)
        server.kill()
    assert {job.progress().lost for job in jobs(anywhere)} == {False}
    monkeypatch.setattr(board, "SILENT", 0.5)
    until(lambda: all(job.progress().lost for job in jobs(anywhere)))
    assert len(jobs(anywhere)) == 2


def test_a_job_asks_the_store_as_often_as_hosting_md_says(crew: Jobs, s3: str, tmp_path: Path, monkeypatch) -> None:
    """The run itself is written by a child, whose requests are not counted here."""
    asked, ask = [], S3FileSystem._call_s3

    def counted(self: S3FileSystem, method: str, *given: Any, **named: Any) -> Any:
        asked.append(method)
        return ask(self, method, *given, **named)

    monkeypatch.setattr(S3FileSystem, "_call_s3", counted)
    monkeypatch.setattr(work, "LOOK", 600.0)
    store, path = Store(f"{s3}/{tmp_path.name}"), bench_file(tmp_path / "bench.json", result())
    job = crew.start(store, "bench", groups(str(path)))
    until(lambda: not crew.busy)
    told = re.search(
        r"and (\d+) on the job, and (\d) more for each second",
        (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8"),
    )
    assert told
    assert len(asked) == int(told[1]) - int(told[2]), "of them, a second's looks are left out here"
    assert job.progress().over


@pytest.mark.parametrize("name", ["", "../../etc", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdef/x"])
def test_a_job_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(JobNotFound):
        Board(Store(tmp_path), name)


def test_a_file_that_cannot_be_fetched_is_refused(crew: Jobs, tmp_path: Path) -> None:
    source = Source("memory://nowhere/x.sqlite", "x.sqlite", 1)
    (told,) = followed(crew.start(Store(tmp_path / "store"), "x", [("x.sqlite", (source,))]))
    assert isinstance(told, Refused)
    assert "cannot be fetched" in told.message


def test_an_upload_whose_job_cannot_be_noted_holds_no_room(limits: Limits, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no folder")
    serving = Intake(limits)
    with pytest.raises(StoreError, match="Make room"):
        list(serving.read_bytes("me", [("x.json", b"{}")], Store(tmp_path / "store")))
    assert list(limits.folder.iterdir()) == []
    assert not serving._desk._uploads


def test_a_cluster_that_does_not_answer_is_told(limits: Limits, tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("distributed", reason="pip install -r requirements-cluster.txt")
    monkeypatch.setattr("intake.cluster.PATIENCE", "1s")
    with pytest.raises(ClusterError, match="No cluster answers"):
        Jobs(limits, "tcp://127.0.0.1:9").start(Store(tmp_path), "x", [])
