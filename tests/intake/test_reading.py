"""Files read in a process of their own: what comes back, and that whatever befalls it befalls nobody else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from intake import reading
from intake.imports import Imported, Refused
from intake.limits import Limits
from intake.reading import Readers, Reading, State
from planner.quantities import GIB, MIB
from store import Store, exports
from tests.importers.samples import bench_file, export, result
from tests.store.samples import contents


@pytest.fixture
def readers(tmp_path: Path) -> Iterator[Readers]:
    made = Readers(Limits(tmp_path / "scratch"))
    yield made
    made.close()
    assert list((tmp_path / "scratch").glob("*")) == []


def read(readers: Readers, path: Path, store: Store) -> Reading:
    started = readers.read(path, store, path.name)
    assert started.wait(60)
    return started


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_file_becomes_a_run(readers: Readers, store: Store, tmp_path: Path) -> None:
    done = read(readers, export(tmp_path / "a.sqlite"), store)
    assert done.state is State.ENDED
    run = store.runs()[0]
    assert done.outcomes == (Imported("a.sqlite", run.id, "Nsight Systems 2025.5.2.266"),)
    assert store.table(run.id, "kernels").num_rows == 4


def test_an_export_becomes_the_same_run(readers: Readers, store: Store, tmp_path: Path) -> None:
    first = read(readers, bench_file(tmp_path / "bench.json", result()), store).outcomes[0]
    assert isinstance(first, Imported)
    exports.write(store, first.run, tmp_path / "run.zip", "csv")
    there = Store(tmp_path / "there")
    again = read(readers, tmp_path / "run.zip", there).outcomes[0]
    assert isinstance(again, Imported)
    assert there.run(again.run) == store.run(first.run)


def test_a_refusal_comes_back_with_its_name(readers: Readers, store: Store, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("milk")
    refused = read(readers, tmp_path / "list.txt", store).outcomes[0]
    assert refused == Refused("list.txt", "UnknownFormat", refused.message)  # type: ignore[union-attr]
    assert "looks like text" in refused.message  # type: ignore[union-attr]


def test_too_much_memory_is_too_large(store: Store, tmp_path: Path) -> None:
    """60 MB of JSON become a GB of objects, of which half may be."""
    path = tmp_path / "bomb.json"
    path.write_text('{"headroom_run": 1, "form": "json", "choice": {}, "tables": [' + "{}," * 20_000_000 + "{}]}")
    readers = Readers(Limits(tmp_path / "scratch", memory=512 * MIB))
    refused = read(readers, path, store).outcomes[0]
    assert isinstance(refused, Refused)
    assert (refused.error, store.runs()) == ("TooLarge", [])
    assert "more memory than it may" in refused.message


def test_too_much_time_is_too_large(store: Store, tmp_path: Path) -> None:
    readers = Readers(Limits(tmp_path / "scratch", seconds=0.05))
    refused = read(readers, export(tmp_path / "a.sqlite"), store).outcomes[0]
    assert isinstance(refused, Refused)
    assert refused.error == "TooLarge"
    assert "minutes" in refused.message


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("SIGSEGV", "MalformedFile", "crashed"),
        ("SIGKILL", "TooLarge", "1.5 GiB"),
        ("SIGXCPU", "TooLarge", "minutes"),
        ("garbage", "PlannerError", "without a word"),
    ],
)
def test_a_child_that_dies_is_told_as_what_it_died_of(
    readers: Readers, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, error: str, words: str
) -> None:
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    outcome = read(readers, tmp_path / f"{how}.x", store).outcomes
    assert [(one.error, words in one.message) for one in outcome] == [(error, True)]  # type: ignore[union-attr]


def test_the_secret_stays_with_the_parent(
    readers: Readers, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADROOM_SECRET", "x" * 32)
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    told = read(readers, tmp_path / "secret.x", store).outcomes[0]
    assert isinstance(told, Refused)
    assert "HEADROOM_SECRET" not in told.error
    assert str(tmp_path / "scratch") in told.message, "temporary files are where the parent removes them"


@pytest.mark.parametrize("how", ["silent", "stubborn"])
def test_a_cancelled_child_ends(
    readers: Readers, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    monkeypatch.setattr(reading, "GRACE", 0.2)
    started = readers.read(tmp_path / f"{how}.x", store, how)
    while started.state is State.WAITING or (how == "stubborn" and not started.told[0]):
        time.sleep(0.01)
    started.cancel()
    assert started.wait(10)
    assert (started.state, started.outcomes) == (State.CANCELLED, ())


def test_those_that_wait_can_be_cancelled(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    readers, over = Readers(Limits(tmp_path / "scratch", at_once=1)), []
    first, second = (readers.read(tmp_path / "silent.x", store, name, lambda: over.append(1)) for name in "ab")
    assert not first.wait(0.2)
    assert second.state is State.WAITING
    second.cancel()
    first.cancel()
    assert first.wait(10)
    assert second.wait(10)
    assert over == [1, 1]


@pytest.mark.parametrize("how", ["cancel", "kill"])
def test_what_is_stopped_half_way_leaves_nothing(readers: Readers, store: Store, tmp_path: Path, how: str) -> None:
    kernels = [(at * 10, at * 10 + 5, 0, 1) for at in range(500_000)]
    path = export(tmp_path / "large.sqlite", kernels)
    started = readers.read(path, store, path.name)
    while not list(store.root.glob(".work/*/tables/kernels.parquet")):
        assert not started.ended, started.outcomes
        time.sleep(0.005)
    process = started._process
    assert process is not None
    started.cancel() if how == "cancel" else os.kill(process.pid, signal.SIGKILL)
    assert started.wait(20)
    assert store.runs() == []
    assert contents(store) == []
    assert [type(one).__name__ for one in started.outcomes] == ([] if how == "cancel" else ["Refused"])


def test_limits_are_of_gib(tmp_path: Path) -> None:
    assert Limits(tmp_path).memory == 1.5 * GIB
