"""What every store does, wherever it lies."""

from __future__ import annotations

import hashlib
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from planner.errors import MalformedFile, RunNotFound, SchemaTooNew, StoreError
from store import Choice, Store, index, parquet
from tests.store.samples import HASH, OTHER, WORD, Rows, sample


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_run_comes_back(anywhere: Store) -> None:
    run = sample()
    assert anywhere.save(run) == run.id
    assert anywhere.run("0123") == replace(run, tables={})
    assert anywhere.tables(run.id) == ["kernels"]
    table = anywhere.table(run.id, "kernels")
    assert table["start_ns"].to_pylist() == [0, 1, 2, 3, 4, 5]
    assert table.schema.field("name").type == WORD
    assert parquet.units(table.schema) == {"start_ns": "ns"}
    assert anywhere.table(run.id, "kernels", ["name"]).column_names == ["name"]
    assert anywhere.dataset(run.id, "kernels").count_rows() == 6
    assert anywhere.size(run.id) > 1000


def test_saving_twice_is_one_run_and_the_first_stays(anywhere: Store) -> None:
    anywhere.save(sample())
    anywhere.save(sample(tool="later", tables={"kernels": Rows(breaks=True)}))
    assert [run.tool for run in anywhere.runs()] == ["Nsight Systems"]


def test_a_table_that_breaks_off_leaves_nothing(anywhere: Store) -> None:
    with pytest.raises(MalformedFile):
        anywhere.save(sample(tables={"kernels": Rows(breaks=True)}))
    assert anywhere.runs() == []
    with pytest.raises(RunNotFound, match="empty"):
        anywhere.run(HASH)


def test_lists_see_every_change(anywhere: Store) -> None:
    anywhere.save(sample(started="2026-01-01"))
    anywhere.save(sample(OTHER, started="2026-02-01"))
    assert [run.file_hash for run in anywhere.runs()] == [OTHER, HASH]
    assert anywhere.set_choice("0123", gpu="l4") == Choice("l4")
    assert anywhere.set_choice("0123", model="m") == Choice("l4", "m") == anywhere.choice(HASH)
    assert [(run.gpu, run.model) for run in anywhere.runs()] == [("h100-sxm", None), ("l4", "m")]
    assert (anywhere.run("0123").gpu, anywhere.run("0123").model) == ("l4", "m")
    anywhere.delete("0123")
    assert [run.file_hash for run in anywhere.runs()] == [OTHER]
    with pytest.raises(RunNotFound, match=OTHER[:12]):
        anywhere.delete("0123")
    anywhere.save(sample())
    assert anywhere.choice("0123") == Choice()


def test_a_later_schema_is_refused_and_kept(anywhere: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "SCHEMA_VERSION", 2)
    anywhere.save(sample())
    monkeypatch.setattr(parquet, "SCHEMA_VERSION", 1)
    for act in (lambda: anywhere.run("0123"), lambda: anywhere.save(sample())):
        with pytest.raises(SchemaTooNew, match="Update Headroom"):
            act()
    assert [type(problem) for problem in anywhere.problems()] == [SchemaTooNew]


@pytest.mark.parametrize("span", [(3, 5), (None, 2), (4, None), (9, 9)])
def test_a_span_of_time_is_read_alone(anywhere: Store, span: tuple[int | None, int | None]) -> None:
    run = sample(tables={"kernels": Rows(count=3)})
    anywhere.save(run)
    start, end = span
    found = anywhere.table(run.id, "kernels", ["name"], start_ns=start, end_ns=end)
    expected = [time for time in range(9) if time >= (start or 0) and time < (9 if end is None else end)]
    assert found.column_names == ["name"]
    assert found["name"].to_pylist() == [f"kernel {time // 3}" for time in expected]


def _save_many(root: Path | str, writer: int, count: int) -> None:
    store = Store(root)
    for place in range(count):
        store.save(sample(hash_of(f"{writer} {place}"), source_name=f"{writer}-{place}"))
        store.save(sample(hash_of(f"both {place}"), source_name=f"both-{place}"))


def test_two_writers_at_once_lose_nothing(anywhere: Store) -> None:
    """Each writes runs of its own and the same runs as the other; a reader looks on and keeps the index."""
    if str(anywhere.root).startswith("memory"):
        pytest.skip("memory is not shared between processes")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_save_many, args=(anywhere.root, writer, 8)) for writer in range(2)]
    for writer in writers:
        writer.start()
    seen: set[str] = set()
    while any(writer.is_alive() for writer in writers):
        now = {run.id for run in anywhere.runs()}
        assert seen <= now
        seen = now
    assert [writer.exitcode for writer in writers] == [0, 0]
    expected = {f"{who}-{place}" for who in (0, 1, "both") for place in range(8)}
    assert sorted(run.source_name for run in anywhere.runs()) == sorted(expected)
    assert anywhere.problems() == []
    assert all(anywhere.table(run.id, "kernels").num_rows == 6 for run in anywhere.runs())


def test_the_index_is_a_cache_and_no_more(anywhere: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by a save, used by another process, wrong or lost without harm."""
    monkeypatch.setattr(index, "SAVES", 1)
    monkeypatch.setattr(index, "FEW", 0)
    monkeypatch.setattr("store.local.SETTLED", -1.0)
    anywhere.save(sample())
    anywhere.save(sample(OTHER, source_name="b"))
    part = anywhere.shelf.index()
    assert part.files.exists(part.path)
    assert _read_in_a_new_process(anywhere, monkeypatch) == []
    anywhere.delete(OTHER)
    anywhere.save(sample(OTHER, source_name="c"))
    assert sorted(run.source_name for run in anywhere.runs()) == ["a.sqlite", "c"]
    for damage in (b"", b"PAR1 no", None):
        part.files.rm(part.path)
        if damage is not None:
            part.files.pipe_file(part.path, damage)
        assert _read_in_a_new_process(anywhere, monkeypatch) == [HASH[:12], OTHER[:12]]


def _read_in_a_new_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs whose own heads had to be read when nothing is in memory."""
    index._known.cache_clear()
    read: list[str] = []
    each = index._read_each

    def told(places):  # type: ignore[no-untyped-def]
        read.extend(place.id for place in places)
        return each(places)

    with monkeypatch.context() as patch:
        patch.setattr(index, "_read_each", told)
        assert len(store.runs()) == 2
    return sorted(read)


@pytest.mark.parametrize("url", ["nosuchscheme://x/y", "s3://no-such-bucket/x"])
def test_a_store_that_is_none_is_a_named_error(url: str, s3: str) -> None:
    with pytest.raises(StoreError, match="cannot be"):
        Store(url).save(sample())
