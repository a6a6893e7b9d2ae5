"""Runs on disk: the same file once, read back as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.errors import RunNotFound
from planner.measured import KernelSample, MeasuredPoint, Note, Run, Severity
from store import Choice, Store, default_root, parquet
from store.choices import choice_of
from tests.store.samples import HASH, OTHER, WORD, Rows, contents, sample

NUMBERS = st.floats(allow_nan=False)
MAYBE = st.none() | NUMBERS
TEXTS = st.text(max_size=12)
POINTS = st.builds(MeasuredPoint, TEXTS, TEXTS, NUMBERS, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE)
KERNELS = st.builds(KernelSample, TEXTS, TEXTS, st.integers(-1, 99), st.integers(0, 2**62), NUMBERS, MAYBE, MAYBE)
RUNS = st.builds(
    Run,
    tool=TEXTS, tool_version=TEXTS, source_name=TEXTS, file_hash=st.text("0123456789abcdef", min_size=64, max_size=64),
    started=st.none() | TEXTS, gpu_names=st.lists(TEXTS, max_size=3).map(tuple), gpu=st.none() | TEXTS,
    model=st.none() | TEXTS, model_name=st.none() | TEXTS, settings=st.dictionaries(TEXTS, TEXTS | NUMBERS, max_size=4),
    summary=st.dictionaries(TEXTS, NUMBERS, max_size=4), points=st.lists(POINTS, max_size=4).map(tuple),
    kernels=st.lists(KERNELS, max_size=4).map(tuple),
    notes=st.lists(st.builds(Note, st.sampled_from(Severity), TEXTS), max_size=3).map(tuple),
)  # fmt: skip


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(run=RUNS)
def test_a_round_trip_changes_nothing(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path / "law")
    assert store.run(store.save(run)) == run
    store.delete(run.id)


def test_a_run_of_an_earlier_version_opens(store: Store) -> None:
    run = sample()
    path = store.root / store.save(run) / "kernel_summary.parquet"
    earlier = pq.read_table(path).drop_columns(["flops", "bytes"])
    pq.write_table(earlier, path)
    assert store.run(run.id).kernels == run.kernels


def test_run_and_table_come_back(store: Store) -> None:
    run = sample()
    assert store.save(run) == run.id == HASH[:12]
    assert store.run(run.id) == replace(run, tables={})
    table = store.table(run.id, "kernels")
    assert table["start_ns"].to_pylist() == [0, 1, 2, 3, 4, 5]
    assert table["name"].to_pylist() == ["kernel 0"] * 3 + ["kernel 1"] * 3
    assert table.schema.field("name").type == WORD
    assert store.tables(run.id) == ["kernels"]
    assert store.table(run.id, "kernels", ["start_ns"]).column_names == ["start_ns"]
    assert store.dataset(run.id, "kernels").count_rows() == 6


def test_the_list_holds_heads_only_latest_first(store: Store) -> None:
    store.save(sample(started="2026-01-01"))
    store.save(sample(OTHER, started="2026-02-01"))
    assert [run.file_hash for run in store.runs()] == [OTHER, HASH]
    assert store.runs()[0] == replace(sample(OTHER, started="2026-02-01"), points=(), kernels=(), tables={})


def test_every_file_knows_its_version_and_units(store: Store) -> None:
    folder = store.root / store.save(sample())
    files = sorted(folder.rglob("*.parquet"))
    assert [path.name for path in files] == [
        "kernel_summary.parquet",
        "points.parquet",
        "run.parquet",
        "kernels.parquet",
    ]
    metadata = {path.name: pq.read_schema(path).metadata for path in files}
    assert all(found[parquet.VERSION_KEY] == b"1" for found in metadata.values())
    assert json.loads(metadata["kernels.parquet"][parquet.UNITS_KEY]) == {"start_ns": "ns"}
    assert json.loads(metadata["kernel_summary.parquet"][parquet.UNITS_KEY]) == {
        "seconds": "s",
        "flops": "FLOP",
        "bytes": "bytes",
    }
    assert pq.read_table(folder / "points.parquet")["unit"].to_pylist() == ["s", "1/s"]


def test_row_groups_are_of_one_size(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 8)
    run = sample(tables={"kernels": Rows(count=7, size=5)})
    path = store.root / store.save(run) / "tables" / "kernels.parquet"
    found = pq.ParquetFile(path).metadata
    assert [found.row_group(place).num_rows for place in range(found.num_row_groups)] == [8, 8, 8, 8, 3]
    assert store.table(run.id, "kernels")["start_ns"].to_pylist() == list(range(35))


def test_a_step_is_read_without_the_rest(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups know their least and largest start; integers are written as differences, names as codes."""
    monkeypatch.setattr("store.parquet.ROW_GROUP", 10)
    run_id = store.save(sample(tables={"kernels": Rows(count=20, size=5)}))
    step = (ds.field("start_ns") >= 42) & (ds.field("start_ns") < 48)
    dataset = store.dataset(run_id, "kernels")
    (fragment,) = dataset.get_fragments(filter=step)
    assert len(fragment.row_groups) == 10
    assert [group.id for group in fragment.subset(step).row_groups] == [4]
    assert dataset.to_table(filter=step)["start_ns"].to_pylist() == [42, 43, 44, 45, 46, 47]
    group = pq.ParquetFile(store.root / run_id / "tables" / "kernels.parquet").metadata.row_group(0)
    assert "RLE_DICTIONARY" in group.column(0).encodings
    assert "DELTA_BINARY_PACKED" in group.column(1).encodings


def test_an_empty_table_is_a_table(store: Store) -> None:
    run = sample(tables={"kernels": Rows(count=0)})
    assert store.table(store.save(run), "kernels").num_rows == 0


def test_saving_twice_is_one_run(store: Store) -> None:
    first = store.save(sample())
    assert store.save(sample(tool="renamed", tables={"kernels": Rows(breaks=True)})) == first
    assert contents(store) == [first]
    assert store.run(first).tool == "Nsight Systems"


def test_a_prefix_finds_a_run(store: Store) -> None:
    store.save(sample())
    store.save(sample("01" + OTHER[2:]))
    assert store.run("0123").file_hash == HASH
    assert store.run(HASH).file_hash == HASH
    with pytest.raises(RunNotFound, match="several runs"):
        store.run("01")


@pytest.mark.parametrize("wanted", ["ffff", "", "..", "../../etc", "/", "0123*", "zz", "é", "0123456789ab/../x"])
def test_what_is_not_there_names_what_is(store: Store, wanted: str) -> None:
    store.save(sample())
    with pytest.raises(RunNotFound, match=HASH[:12]):
        store.run(wanted)
    with pytest.raises(RunNotFound):
        store.delete(wanted)


def test_an_empty_store(store: Store) -> None:
    assert store.runs() == []
    with pytest.raises(RunNotFound, match="empty"):
        store.run("0123")


def test_delete(store: Store) -> None:
    store.save(sample())
    store.delete("0123")
    assert contents(store) == []
    with pytest.raises(RunNotFound):
        store.delete("0123")


def test_a_choice_is_kept_beside_the_evidence(store: Store) -> None:
    folder = store.root / store.save(sample())
    evidence = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    assert store.choice(HASH[:12]) == Choice()
    store.set_choice(HASH[:12], model="llama-3.1-8b")
    assert store.set_choice(HASH[:12], gpu="h200-sxm") == Choice("h200-sxm", "llama-3.1-8b")
    assert (store.run(HASH[:12]).gpu, store.run(HASH[:12]).model) == ("h200-sxm", "llama-3.1-8b")
    assert store.runs()[0].gpu == "h200-sxm"
    assert {path: path.read_bytes() for path in folder.rglob("*.parquet")} == evidence
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".parquet") == ["choices.json", "tables"]


def test_corrections_and_patterns_are_kept_and_replaced_whole(store: Store) -> None:
    run_id = store.save(sample())
    store.set_choice(run_id, ops={"a": "ffn.up", "b": None}, patterns=[("my_k", "gemm")])
    store.set_choice(run_id, gpu="l4", ops={"b": None})
    assert store.choice(run_id) == Choice("l4", None, (("b", None),), (("my_k", "gemm"),))


@pytest.mark.parametrize(
    "told", ['{"ops": 3}', '{"ops": [["a"]]}', '{"ops": [[1, "b"]]}', '{"patterns": [["a", null]]}']
)
def test_a_choice_that_is_none_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match=r"pair"):
        choice_of(told.encode())


def test_default_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path))
    assert default_root() == tmp_path
    monkeypatch.delenv("HEADROOM_STORE")
    assert default_root().name == "headroom"
