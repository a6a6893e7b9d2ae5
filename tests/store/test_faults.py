"""Runs on disk when something goes wrong: races, crashes, damage, later versions, names that are tricks."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.errors import DamagedRun, MalformedFile, RunNotFound, SchemaTooNew, StoreError
from store import Store, parquet
from store.leases import STALE
from tests.store.samples import HASH, OTHER, Rows, contents, sample


def _race(root: Path, barrier: multiprocessing.Barrier) -> None:  # type: ignore[valid-type]
    barrier.wait()  # type: ignore[attr-defined]
    Store(root).save(sample())


def test_processes_that_save_the_same_file_both_succeed(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    workers = [context.Process(target=_race, args=(store.root, barrier)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert contents(store) == [HASH[:12]]
    assert store.run(HASH[:12]) == replace(sample(), tables={})


def test_the_loser_of_a_race_leaves_the_winner_alone(store: Store) -> None:
    class Late(Rows):
        def __iter__(self) -> Iterator[pa.RecordBatch]:
            store.save(sample())
            store.set_choice(HASH[:12], gpu="l4")
            yield from super().__iter__()

    assert store.save(sample(tool="late", tables={"kernels": Late()})) == HASH[:12]
    assert (store.run(HASH[:12]).tool, store.run(HASH[:12]).gpu) == ("Nsight Systems", "l4")
    assert contents(store) == [HASH[:12]]


def test_a_table_that_breaks_off_leaves_nothing(store: Store) -> None:
    with pytest.raises(MalformedFile, match="cut off"):
        store.save(sample(tables={"kernels": Rows(breaks=True)}))
    assert contents(store) == []
    assert store.runs() == []


def test_what_a_crash_left_is_ignored_and_swept(store: Store) -> None:
    """A folder whose lock is free belonged to a process that died; one without a lock is nobody's when it is old."""
    store.save(sample())
    crashed, fresh, old = (store.root / ".work" / name for name in ("crashed", "fresh", "old"))
    for folder in (crashed, fresh, old):
        folder.mkdir()
        (folder / "run.parquet").write_bytes(b"half")
    (store.root / ".work" / "crashed.lock").touch()
    os.utime(old, (time.time() - 2 * STALE,) * 2)
    assert (len(store.runs()), store.problems()) == (1, [])
    assert store.sweep() == 2
    assert contents(store) == [HASH[:12], "fresh"]


def test_a_sweep_leaves_what_is_being_written(store: Store) -> None:
    class Swept(Rows):
        def __iter__(self) -> Iterator[pa.RecordBatch]:
            assert store.sweep() == 0
            yield from super().__iter__()

    assert store.table(store.save(sample(tables={"kernels": Swept()})), "kernels").num_rows == 6


@pytest.mark.parametrize("fault", ["missing", "cut_off", "not_ours", "empty", "other_columns"])
def test_a_damaged_run_is_skipped_reported_and_mended(store: Store, fault: str) -> None:
    store.save(sample(OTHER))
    path = store.root / store.save(sample()) / "run.parquet"
    whole = path.read_bytes()
    if fault == "missing":
        path.unlink()
    elif fault == "not_ours":
        pq.write_table(pa.table({"tool": ["x"]}), path)
    elif fault == "other_columns":
        pq.write_table(pa.table({"tool": ["x"]}).replace_schema_metadata({parquet.VERSION_KEY: b"1"}), path)
    else:
        path.write_bytes(whole[: len(whole) // 2] if fault == "cut_off" else b"")
    assert [run.file_hash for run in store.runs()] == [OTHER]
    assert [type(problem) for problem in store.problems()] == [DamagedRun]
    with pytest.raises(DamagedRun, match=HASH[:12]):
        store.run(HASH[:12])
    store.save(sample())
    assert store.run(HASH[:12]) == replace(sample(), tables={})
    assert store.problems() == []


@pytest.mark.parametrize("name", ["points.parquet", "kernel_summary.parquet", "tables/kernels.parquet"])
def test_any_damaged_part_is_named(store: Store, name: str) -> None:
    path = store.root / store.save(sample()) / name
    path.write_bytes(b"PAR1")
    with pytest.raises(DamagedRun, match=path.name):
        (store.run(HASH[:12]), store.table(HASH[:12], "kernels"))
    if "tables" in name:
        with pytest.raises(DamagedRun, match=path.name):
            store.dataset(HASH[:12], "kernels")


def test_a_later_schema_is_refused_and_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "SCHEMA_VERSION", 2)
    store.save(sample())
    monkeypatch.setattr(parquet, "SCHEMA_VERSION", 1)
    with pytest.raises(SchemaTooNew, match="Update Headroom"):
        store.run(HASH[:12])
    with pytest.raises(SchemaTooNew):
        store.dataset(HASH[:12], "kernels")
    with pytest.raises(SchemaTooNew):
        store.save(sample())
    assert [type(problem) for problem in store.problems()] == [SchemaTooNew]


@pytest.mark.parametrize("name", ["../run", "Kernels", "", "a/b"])
def test_names_of_tables_are_checked(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="name of a table"):
        store.save(sample(tables={name: Rows()}))
    store.save(sample())
    with pytest.raises(RunNotFound, match="Its tables: kernels"):
        store.table(HASH[:12], name)


@pytest.mark.parametrize("file_hash", ["..", "../../../../x", "XYZ" * 20, ""])
def test_a_hash_that_is_none_is_refused(store: Store, file_hash: str) -> None:
    with pytest.raises(StoreError, match="no run id"):
        store.save(sample(file_hash))


def test_another_file_with_the_same_beginning_of_its_hash(store: Store) -> None:
    store.save(sample())
    with pytest.raises(StoreError, match="another file"):
        store.save(sample(HASH[:12] + "f" * 52))


@pytest.mark.parametrize("text", ["{", "[]", '{"gpu": 3}', "\xff", "[" * 100_000])
def test_a_damaged_choice_is_named(store: Store, text: str) -> None:
    (store.root / store.save(sample()) / "choices.json").write_text(text, encoding="latin-1")
    with pytest.raises(DamagedRun, match=r"choices\.json"):
        store.run(HASH[:12])


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be saved"):
        Store(tmp_path / "file").save(sample())


PARTS = ("run.parquet", "points.parquet", "kernel_summary.parquet", "tables/kernels.parquet")


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(part=st.sampled_from(PARTS), place=st.floats(0, 1), mask=st.integers(1, 255))
def test_a_flipped_byte_is_a_named_error_at_worst(store: Store, part: str, place: float, mask: int) -> None:
    path = store.root / store.save(sample()) / part
    whole = bytearray(path.read_bytes())
    whole[int(place * (len(whole) - 1))] ^= mask
    path.write_bytes(whole)
    with suppress(StoreError):
        store.run(HASH[:12])
    with suppress(StoreError):
        store.table(HASH[:12], "kernels")
        store.dataset(HASH[:12], "kernels")
    store.delete(HASH[:12])
