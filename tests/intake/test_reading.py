"""Files read in a process of their own: what comes back, and that whatever befalls it befalls nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from intake import reading
from intake.imports import Imported, Refused
from intake.limits import Limits
from intake.reading import Reading, State
from planner.quantities import GIB, MIB
from store import Store, exports
from tests.importers.samples import bench_file, export, result
from tests.store.samples import contents


@pytest.fixture
def limits(tmp_path: Path) -> Iterator[Limits]:
    yield Limits(tmp_path / "scratch")
    assert list((tmp_path / "scratch").glob("*")) == []


def started(limits: Limits, path: Path, store: Store) -> Reading:
    reading = Reading(path.name)
    threading.Thread(target=reading.run, args=(path, store, limits), daemon=True).start()
    return reading


def read(limits: Limits, path: Path, store: Store) -> Reading:
    reading = started(limits, path, store)
    assert reading.wait(60)
    return reading


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_file_becomes_a_run(limits: Limits, store: Store, tmp_path: Path) -> None:
    done = read(limits, export(tmp_path / "a.sqlite"), store)
    assert done.state is State.ENDED
    run = store.runs()[0]
    assert done.outcomes == (Imported("a.sqlite", run.id, "Nsight Systems 2025.5.2.266"),)
    assert store.table(run.id, "kernels").num_rows == 4


def test_an_export_becomes_the_same_run(limits: Limits, store: Store, tmp_path: Path) -> None:
    first = read(limits, bench_file(tmp_path / "bench.json", result()), store).outcomes[0]
    assert isinstance(first, Imported)
    exports.write(store, first.run, tmp_path / "run.zip", "csv")
    there = Store(tmp_path / "there")
    again = read(limits, tmp_path / "run.zip", there).outcomes[0]
    assert isinstance(again, Imported)
    assert there.run(again.run) == store.run(first.run)


def test_a_refusal_comes_back_with_its_name(limits: Limits, store: Store, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("milk")
    refused = read(limits, tmp_path / "list.txt", store).outcomes[0]
    assert refused == Refused("list.txt", "UnknownFormat", refused.message)  # type: ignore[union-attr]
    assert "looks like text" in refused.message  # type: ignore[union-attr]


def test_too_much_memory_is_too_large(store: Store, tmp_path: Path) -> None:
    """60 MB of JSON become a GB of objects, of which half may be."""
    path = tmp_path / "bomb.json"
    path.write_text('{"headroom_run": 1, "form": "json", "choice": {}, "tables": [' + "{}," * 20_000_000 + "{}]}")
    limits = Limits(tmp_path / "scratch", memory=512 * MIB)
    refused = read(limits, path, store).outcomes[0]
    assert isinstance(refused, Refused)
    assert (refused.error, store.runs()) == ("TooLarge", [])
    assert "more memory than it may" in refused.message


def test_too_much_time_is_too_large(store: Store, tmp_path: Path) -> None:
    limits = Limits(tmp_path / "scratch", seconds=0.05)
    refused = read(limits, export(tmp_path / "a.sqlite"), store).outcomes[0]
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
    limits: Limits, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, error: str, words: str
) -> None:
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    outcome = read(limits, tmp_path / f"{how}.x", store).outcomes
    assert [(one.error, words in one.message) for one in outcome] == [(error, True)]  # type: ignore[union-attr]


def test_the_secret_stays_with_the_parent(
    limits: Limits, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = ("HEADROOM_SECRET", "HEADROOM_OIDC_CLIENT_SECRET")
    for name in secrets:
        monkeypatch.setenv(name, "x" * 32)
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    told = read(limits, tmp_path / "secret.x", store).outcomes[0]
    assert isinstance(told, Refused)
    assert not [name for name in secrets if name in told.error]
    assert str(tmp_path / "scratch") in told.message, "temporary files are where the parent removes them"


@pytest.mark.parametrize("how", ["silent", "stubborn"])
def test_a_cancelled_child_ends(
    limits: Limits, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    monkeypatch.setattr(reading, "GRACE", 0.2)
    going = started(limits, tmp_path / f"{how}.x", store)
    while going.state is State.WAITING or (how == "stubborn" and not going.told[0]):
        time.sleep(0.01)
    going.cancel()
    assert going.wait(10)
    assert (going.state, going.outcomes) == (State.CANCELLED, ())


@pytest.mark.parametrize("how", ["cancel", "kill"])
def test_what_is_stopped_half_way_leaves_nothing(limits: Limits, store: Store, tmp_path: Path, how: str) -> None:
    kernels = [(at * 10, at * 10 + 5, 0, 1) for at in range(500_000)]
    path = export(tmp_path / "large.sqlite", kernels)
    going = started(limits, path, store)
    while not list(store.root.glob(".work/*/tables/kernels.parquet")):
        assert not going.ended, going.outcomes
        time.sleep(0.005)
    process = going._process
    assert process is not None
    going.cancel() if how == "cancel" else os.kill(process.pid, signal.SIGKILL)
    assert going.wait(20)
    assert store.runs() == []
    assert contents(store) == []
    assert [type(one).__name__ for one in going.outcomes] == ([] if how == "cancel" else ["Refused"])


def test_limits_are_of_gib(tmp_path: Path) -> None:
    assert Limits(tmp_path).memory == 1.5 * GIB


def test_a_child_whose_server_died_ends_without_a_word(limits: Limits, tmp_path: Path) -> None:
    asked = reading._request(bench_file(tmp_path / "bench.json", result()), Store(tmp_path / "store"), limits)
    command = [sys.executable, "-m", "intake.child"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, cwd=reading.ROOT) as child:
        child.stdout.close()
        child.stdin.write(asked)
        child.stdin.close()
        log = child.stderr.read().decode()
        assert child.wait() == 128 + signal.SIGPIPE
    assert "BrokenPipe" not in log
