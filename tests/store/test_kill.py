"""Writers killed at random moments: every run that they finished is there, whole, and nothing else stays."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from store import Store
from tests.store.samples import Rows, contents, sample

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from tests.store.test_kill import save_for_ever
save_for_ever(sys.argv[1], sys.argv[2])
"""
AT_ONCE = 4
LONGEST = 0.4
"""Seconds that a writer lives after its first run, at most."""


def save_for_ever(root: str, writer: str) -> None:
    store, place = Store(root), 0
    while True:
        file_hash = hashlib.sha256(f"{writer} {place}".encode()).hexdigest()
        sys.stdout.write(store.save(sample(file_hash, tables={"kernels": Rows(count=40, size=50)})) + "\n")
        sys.stdout.flush()
        store.set_choice(file_hash, gpu="l4")
        if place % 3 == 2:
            store.delete(file_hash)
            sys.stdout.write(f"-{file_hash[:12]}\n")
            sys.stdout.flush()
        place += 1


def killed_at_random(root: str, name: str, chance: random.Random) -> tuple[set[str], set[str]]:
    """Starts writers and kills each of them; returns the runs finished, and those of them deleted."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, root, f"{name} {at}"], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for at in range(AT_ONCE)
    ]
    lines = []
    for writer in writers:
        assert writer.stdout is not None
        lines.append(writer.stdout.readline())
    for writer in chance.sample(writers, AT_ONCE):
        time.sleep(chance.uniform(0, LONGEST / AT_ONCE))
        writer.kill()
    for writer in writers:
        lines += writer.communicate(timeout=30)[0].splitlines()
    told = {line.strip() for line in lines if line.strip()}
    return {line for line in told if line[0] != "-"}, {line[1:] for line in told if line[0] == "-"}


def test_a_local_store_survives_any_kill(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    _survives(store, random.Random(4), rounds=6)  # noqa: S311 - no secret
    store.sweep()
    assert contents(store) == sorted({run.id for run in store.runs()} | set(contents(store)) & {"index.parquet"})


def test_an_object_store_survives_any_kill(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(f"{s3}/{tmp_path.name}")
    _survives(store, random.Random(5), rounds=2)  # noqa: S311 - no secret
    monkeypatch.setattr("store.objects.STALE", -1.0)
    store.sweep()
    shelf = store.shelf
    folders = {place.folder for place in shelf.places()}
    there = {path.rsplit("/", 1)[0].removesuffix("/tables") for path in shelf._files.find(f"{shelf._root}/parts")}
    assert there == folders


def _survives(store: Store, chance: random.Random, rounds: int) -> None:
    finished: set[str] = set()
    deleted: set[str] = set()
    for number in range(rounds):
        more, gone = killed_at_random(str(store.root), str(number), chance)
        finished |= more
        deleted |= gone
    there = {run.id: run for run in store.runs()}
    maybe_deleted = {run for run in finished if run not in there} - deleted
    assert len(maybe_deleted) <= rounds * AT_ONCE, "only a deletion that a kill cut short may go untold"
    assert all(_was_to_be_deleted(run, rounds) for run in maybe_deleted)
    assert not deleted & there.keys()
    assert store.problems() == []
    for run_id in there:
        assert store.run(run_id).kernels == sample().kernels
        assert store.table(run_id, "kernels").num_rows == 2000


def _was_to_be_deleted(run_id: str, rounds: int) -> bool:
    names = (
        f"{number} {at} {place}" for number in range(rounds) for at in range(AT_ONCE) for place in range(2, 600, 3)
    )
    return any(hashlib.sha256(name.encode()).hexdigest()[:12] == run_id for name in names)
