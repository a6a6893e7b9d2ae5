"""Tables of a stored run as streams: the columns that are wanted, anew each time, damage by name."""

from __future__ import annotations

import pyarrow as pa
import pytest

from planner.errors import DamagedRun
from planner.measured import Run
from store.runs import Store
from store.streams import with_tables

TABLE = pa.table({"a": [1, 2], "b": ["x", "y"], "c": [0.5, None]})


@pytest.fixture
def saved(tmp_path):
    store = Store(tmp_path)
    tables = {name: TABLE.to_reader() for name in ("requests", "other")}
    return store, store.save(Run("t", "", "file", "ab" * 32, tables=tables))


def test_named_tables_come_with_named_columns(saved):
    run = with_tables(*saved, {"requests": ("c", "a", "missing"), "kernels": ()})
    assert list(run.tables) == ["requests"]
    assert run.tables["requests"].schema.names == ["a", "c"]
    for _ in range(2):
        (batch,) = run.tables["requests"]
        assert batch.to_pydict() == {"a": [1, 2], "c": [0.5, None]}


def test_no_names_mean_all_columns(saved):
    (batch,) = with_tables(*saved, {"other": ()}).tables["other"]
    assert batch.schema.names == ["a", "b", "c"]


def test_damage_is_named(saved, tmp_path):
    run = with_tables(*saved, {"requests": ()})
    path = next(tmp_path.rglob("requests.parquet"))
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36
    path.write_bytes(content)
    with pytest.raises(DamagedRun, match=saved[1]):
        list(run.tables["requests"])
