"""Stores on objects: what a writer that dies half-way leaves, what two that race leave, what is read."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
from s3fs import S3FileSystem
from s3fs.core import S3File

from planner.errors import DamagedRun, RunNotFound, StoreError
from store import Store, objects, parquet
from tests.store.samples import HASH, OTHER, Noisy, Rows, sample


def paths(store: Store) -> list[str]:
    """Every object of a store, relative to it, but for the marks of change."""
    shelf = store.shelf
    found = shelf._files.find(shelf._root)
    return sorted(path[len(shelf._root) + 1 :] for path in found if "/marks/" not in path)


class Broken(Exception):
    """The connection is gone: no error that Python or we know."""


def broken(*_: object, **__: object) -> None:
    raise Broken("connection reset")


def test_a_run_without_its_head_is_none(remote: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = remote.shelf
    with monkeypatch.context() as patch:
        patch.setattr(shelf._files, "put_file", broken)
        patch.setattr(shelf._files, "rm", broken)
        with pytest.raises(StoreError, match="cannot be read or written: connection reset"):
            remote.save(sample())
    assert all("/parts/" in f"/{path}" for path in paths(remote))
    assert remote.runs() == remote.problems() == []
    with pytest.raises(RunNotFound):
        remote.run(HASH)
    assert remote.sweep() == 0, "it may still be on its way"
    remote.save(sample(OTHER))
    monkeypatch.setattr(objects, "STALE", -1.0)
    assert remote.sweep() <= 1
    assert {path.split("/")[1][:12] for path in paths(remote) if path.startswith("parts")} == {OTHER[:12]}
    assert remote.table(OTHER, "kernels").num_rows == 6


def test_what_cannot_be_sent_is_taken_back(remote: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(remote.shelf._files, "put_file", broken)
        with pytest.raises(StoreError, match="connection reset"):
            remote.save(sample())
    assert paths(remote) == []


def test_a_deletion_cut_short_deletes(remote: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    remote.save(sample())
    remote.set_choice(HASH, gpu="l4")
    shelf = remote.shelf
    rm, calls = shelf._files.rm, []

    def once(path: str, recursive: bool = False) -> None:
        calls.append(path)
        if len(calls) > 1:
            raise Broken("connection reset")
        rm(path, recursive=recursive)

    with monkeypatch.context() as patch:
        patch.setattr(shelf._files, "rm", once)
        with pytest.raises(StoreError):
            remote.delete(HASH)
    assert remote.runs() == []
    monkeypatch.setattr(objects, "STALE", -1.0)
    remote.sweep()
    assert not [path for path in paths(remote) if path.startswith("parts")]
    remote.save(sample())
    assert remote.run(HASH).tool == "Nsight Systems"


def test_of_two_attempts_that_race_one_is_the_run(remote: Store) -> None:
    """The second to finish began later: it takes its own back."""

    class Late(Rows):
        def __iter__(self) -> Iterator[pa.RecordBatch]:
            if not remote.runs():
                remote.save(sample(tool="first"))
            yield from super().__iter__()

    remote.save(sample(tool="second", tables={"kernels": Late()}))
    assert [run.tool for run in remote.runs()] == ["first"]
    assert len({path.split("/")[1] for path in paths(remote) if path.startswith("parts")}) == 1


def test_of_two_heads_every_reader_takes_the_same(remote: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both came through before either saw the other; the clock of the first was ahead."""
    remote.save(sample(tool="ahead"))
    shelf = remote.shelf
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_is_there", lambda *_, **__: False)
        patch.setattr(objects.time, "time_ns", lambda: 1)
        remote.save(sample(tool="behind"))
    assert [run.tool for run in remote.runs()] == ["behind"] == [remote.run(HASH).tool]
    assert len(shelf._attempts("0")) == 2
    monkeypatch.setattr(objects, "STALE", -1.0)
    assert remote.sweep() == 2
    assert (len(shelf._attempts("0")), remote.run(HASH).tool) == (1, "behind")
    remote.delete(HASH)
    assert paths(remote) == []


@pytest.mark.parametrize("part", ["head", "points.parquet", "tables/kernels.parquet"])
def test_a_damaged_object_is_named_and_mended(remote: Store, part: str) -> None:
    remote.save(sample())
    place = remote.shelf.places()[0]
    path = place.head if part == "head" else place.part(part).path
    place.files.pipe_file(path, b"PAR1")
    with pytest.raises(DamagedRun, match=HASH[:12]):
        (remote.run(HASH), remote.table(HASH, "kernels"))
    if part == "head":
        assert [type(problem) for problem in remote.problems()] == [DamagedRun]
        remote.save(sample())
    else:
        remote.delete(HASH)
        remote.save(sample())
    assert remote.table(HASH, "kernels").num_rows == 6


def test_a_step_is_read_without_the_rest(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a table of forty row groups, one and the footer travel."""
    monkeypatch.setattr(parquet, "ROW_GROUP", 20_000)
    store = Store(f"{s3}//windows")
    run = sample(tables={"kernels": Noisy(count=40, size=20_000)})
    store.save(run)
    place = store.shelf.places()[0]
    size = place.files.size(place.table("kernels").path)
    fetched: list[int] = []
    fetch = S3File._fetch_range

    def counted(self: S3File, start: int, end: int) -> bytes:
        content = fetch(self, start, end)
        fetched.append(len(content))
        return content

    monkeypatch.setattr(S3File, "_fetch_range", counted)
    table = store.table(run.id, "kernels", start_ns=100_005, end_ns=100_015)
    assert table["start_ns"].to_pylist() == list(range(100_005, 100_015))
    assert 0 < sum(fetched) < size / 8


def test_a_store_out_of_reach_is_a_named_error(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    S3FileSystem.clear_instance_cache()
    store = Store(f"{s3}/out-of-reach")
    try:
        with pytest.raises(StoreError, match="the network"):
            store.runs()
        with pytest.raises(StoreError, match="the network"):
            store.save(sample())
    finally:
        S3FileSystem.clear_instance_cache()
        objects._opened.cache_clear()


def test_a_url_whose_package_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(objects.fsspec.core, "url_to_fs", missing)
    with pytest.raises(StoreError, match=r"requirements-s3\.txt"):
        Store("s3://never/seen").runs()
