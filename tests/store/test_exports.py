"""A run taken along as one file is the same run elsewhere; a file made to harm is a named error."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.errors import ImporterError, MalformedFile, SchemaTooNew, StoreError, TooLarge
from planner.measured import KernelSample, Run
from store import Choice, Store, exports, flat, parquet, restore
from tests.store.samples import HASH, Noisy, Rows, sample
from tests.store.test_runs import RUNS

FORMS = sorted(exports.FORMS)
DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'",
    "'=x",
    "plain",
    "",
    None,
    'a"b',
    "a,b",
    "a\nb",
    "null",
]
WIDE = pa.schema(
    [
        pa.field("name", flat.NAMES),
        pa.field("text", pa.string()),
        pa.field("start_ns", pa.int64(), metadata={"unit": "ns"}),
        pa.field("value", pa.float64()),
        pa.field("flag", pa.bool_()),
        pa.field("pid", pa.uint64()),
    ]
)
CELLS = st.tuples(
    st.none() | st.text(max_size=6), st.none() | st.text(max_size=6), st.integers(-(2**63), 2**63 - 1) | st.none(),
    st.none() | st.floats(allow_nan=False), st.none() | st.booleans(), st.none() | st.integers(0, 2**64 - 1),
)  # fmt: skip


class Wide(Rows):
    """A table of every type, from rows."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self.rows, self.schema = rows, WIDE

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        cells = list(zip(*self.rows, strict=True)) or [()] * len(WIDE)
        arrays = [pa.array(column, field.type) for column, field in zip(cells, WIDE, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=WIDE)


def dangerous() -> Run:
    rows = [(text, text, place, float(place), True, place) for place, text in enumerate(DANGEROUS)]
    head = {"source_name": "=cmd()", "settings": {"=a": "-b", "inf": float("inf")}, "tables": {"wide": Wide(rows)}}
    return sample(**head, kernels=(KernelSample("=HYPERLINK(0)", "gemm", 0, 3, 0.5),))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
def test_an_export_is_the_same_run_elsewhere(store: Store, tmp_path: Path, form: str) -> None:
    store.save(dangerous())
    store.set_choice(HASH, gpu="l4", model="m", ops={"k": "ffn.up", "other": None}, patterns=[("my_k", "gemm")])
    target = tmp_path / "run"
    exports.write(store, "0123", target, form)
    assert restore.is_export(target)
    there = Store(tmp_path / "there")
    assert restore.restore(there, target) == HASH[:12]
    assert there.run(HASH) == store.run(HASH)
    assert there.choice(HASH) == Choice("l4", "m", (("k", "ffn.up"), ("other", None)), (("my_k", "gemm"),))
    assert there.table(HASH, "wide").equals(store.table(HASH, "wide"))
    assert parquet.units(there.table(HASH, "wide").schema) == {"start_ns": "ns"}


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(run=RUNS, rows=st.lists(CELLS, max_size=5))
def test_no_form_loses_anything(tmp_path: Path, form: str, run: Run, rows: list[tuple[Any, ...]]) -> None:
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    here.save(replace(run, tables={"wide": Wide(rows)}))
    exports.write(here, run.id, tmp_path / "file", form)
    restore.restore(there, tmp_path / "file")
    assert there.run(run.id) == run
    assert there.table(run.id, "wide").equals(here.table(run.id, "wide"))
    for store in (here, there):
        store.delete(run.id)


def test_a_spreadsheet_executes_no_cell(store: Store, tmp_path: Path) -> None:
    store.save(dangerous())
    exports.write(store, HASH, tmp_path / "run.zip", "csv")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".csv")}
    assert sorted(texts) == ["kernel_summary.csv", "points.csv", "tables/wide.csv"]
    assert '"\'=HYPERLINK(0)"' in texts["kernel_summary.csv"]
    for text in texts.values():
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
        assert all(float(cell) < 0 for cell in cells if cell.startswith("-"))


def test_json_is_json(store: Store, tmp_path: Path) -> None:
    store.save(dangerous())
    exports.write(store, HASH, tmp_path / "run.json", "json")
    found = json.loads((tmp_path / "run.json").read_text(), parse_constant=pytest.fail)
    assert found["id"] == HASH[:12]
    assert found["tables"]["points"]["rows"][0][:4] == ["ttft", "p99", "s", 0.25]
    assert {"name": "start_ns", "type": "int64", "unit": "ns"} in found["tables"]["tables/wide"]["columns"]


def test_what_has_no_flat_form_says_so_and_leaves_no_file(store: Store, tmp_path: Path) -> None:
    nested = pa.table({"list": [[1, 2]]}).to_reader()
    store.save(sample(tables={"nested": nested}))
    for form in ("csv", "json"):
        with pytest.raises(StoreError, match="export the run as Parquet"):
            exports.write(store, HASH, tmp_path / "run", form)
    with pytest.raises(StoreError, match="Choose one of"):
        exports.write(store, HASH, tmp_path / "run", "xlsx")
    with pytest.raises(StoreError, match="cannot be written"):
        exports.write(store, HASH, tmp_path / "no" / "run", "json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]


def test_a_summary_is_small_and_a_run_of_its_own(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = sample(tables={"small": Rows(), "large": Noisy(count=50, size=500)})
    monkeypatch.setattr(exports, "SUMMARY_BYTES", 2_000)
    short = exports.write_summary(run, tmp_path / "summary.zip")
    assert restore.restore(store, tmp_path / "summary.zip") == short != HASH[:12]
    assert store.tables(short) == ["small"]
    assert "tables large" in store.run(short).notes[0].text
    assert store.run(short).kernels == sample().kernels
    monkeypatch.setattr(exports, "SUMMARY_BYTES", 10**6)
    assert exports.write_summary(run, tmp_path / "summary.zip") == HASH[:12]


def exported(tmp_path: Path, form: str) -> Path:
    store = Store(tmp_path / "made")
    store.save(sample())
    exports.write(store, HASH, tmp_path / f"export-{form}", form)
    return tmp_path / f"export-{form}"


def rezipped(path: Path, change: Callable[[dict[str, bytes]], object], **options: Any) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


HOSTILE: dict[str, Callable[[dict[str, bytes]], object]] = {
    "path": lambda members: members.update({"../../evil.parquet": b"x"}),
    "absolute": lambda members: members.update({"/tmp/evil.parquet": b"x"}),  # noqa: S108
    "table_path": lambda members: members.update({"tables/../evil.parquet": b"x"}),
    "stranger": lambda members: members.update({"readme.txt": b"x"}),
    "folder": lambda members: members.update({"tables/": b""}),
    "many": lambda members: members.update({f"tables/t{place}.parquet": b"x" for place in range(100)}),
    "no_points": lambda members: members.pop("points.parquet"),
    "no_head": lambda members: members.pop("run.parquet"),
    "head_of_other_columns": lambda members: members.update({"run.parquet": members["points.parquet"]}),
    "table_not_parquet": lambda members: members.update({"tables/kernels.parquet": b"PAR1"}),
    "manifest_no_object": lambda members: members.update({"headroom.json": b"[]"}),
    "manifest_nested": lambda members: members.update({"headroom.json": b"[" * 100_000}),
    "manifest_long": lambda members: members.update({"headroom.json": b" " * (5 * 2**20)}),
    "form": lambda members: members.update({"headroom.json": b'{"headroom_run": 1, "form": "exe", "choice": {}}'}),
    "choice": lambda members: members.update(
        {"headroom.json": b'{"headroom_run": 1, "form": "parquet", "choice": {"gpu": []}}'}
    ),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_zip_is_refused_and_leaves_nothing(tmp_path: Path, fault: str) -> None:
    path = exported(tmp_path, "parquet")
    rezipped(path, HOSTILE[fault])
    before = sorted(tmp_path.rglob("*"))
    there = Store(tmp_path / "there")
    with pytest.raises(MalformedFile, match=r"no whole export|cut off"):
        restore.restore(there, path)
    assert there.runs() == []
    assert [path for path in sorted(tmp_path.rglob("*")) if "there" not in path.parts] == before


def test_a_bomb_is_too_large(tmp_path: Path) -> None:
    path = exported(tmp_path, "csv")
    rezipped(
        path, lambda members: members.update({"tables/a.csv": bytes(200 * 2**20)}), compression=zipfile.ZIP_DEFLATED
    )
    with pytest.raises(TooLarge, match="unfolds"):
        restore.restore(Store(tmp_path / "there"), path)


def test_json_beyond_the_limit_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "LARGEST_JSON", 100)
    with pytest.raises(TooLarge, match="as Parquet"):
        restore.restore(Store(tmp_path / "there"), exported(tmp_path, "json"))


@pytest.mark.parametrize("form", FORMS)
def test_a_later_export_says_so(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "VERSION", 2)
    path = exported(tmp_path, form)
    with pytest.raises(SchemaTooNew, match="later Headroom"):
        restore.restore(Store(tmp_path / "there"), path)


@pytest.mark.parametrize(
    "change",
    [
        {"file_hash": "../../x"},
        {"tool": None},
        {"tool": 3},
        {"settings": [{"key": "a"}]},
        {"notes": [{"severity": "?"}]},
        {"gpu_names": [[]]},
    ],
)
def test_a_head_that_no_importer_makes_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = exported(tmp_path, "json")
    whole = json.loads(path.read_text())
    whole["head"] |= change
    path.write_text(json.dumps(whole))
    with pytest.raises(MalformedFile):
        restore.restore(Store(tmp_path / "there"), path)


@pytest.mark.parametrize("name", ["=cmd", "", "\x00", "a\nb", "@x"])
def test_columns_that_a_spreadsheet_would_execute_are_refused(tmp_path: Path, name: str) -> None:
    path = exported(tmp_path, "json")
    whole = json.loads(path.read_text())
    whole["tables"]["tables/kernels"]["columns"][0]["name"] = name
    path.write_text(json.dumps(whole))
    with pytest.raises(MalformedFile):
        restore.restore(Store(tmp_path / "there"), path)


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), mask=st.integers(0, 255))
def test_damage_is_a_named_error_at_worst(tmp_path: Path, form: str, place: float, mask: int) -> None:
    """One byte changed, or the file cut there."""
    path = tmp_path / f"damaged-{form}"
    if not (tmp_path / f"export-{form}").exists():
        exported(tmp_path, form)
    whole = bytearray((tmp_path / f"export-{form}").read_bytes())
    at = int(place * (len(whole) - 1))
    whole[at] ^= mask
    path.write_bytes(whole if mask else whole[:at])
    there = Store(tmp_path / "there")
    try:
        there.delete(restore.restore(there, path))
    except (ImporterError, SchemaTooNew, StoreError):
        assert there.runs() == []


def test_other_files_are_no_exports(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("report.sqlite", b"x")
    (tmp_path / "b").write_bytes(b"")
    (tmp_path / "c").write_text('{"headroom": 1}')
    assert not any(restore.is_export(path) for path in (*tmp_path.iterdir(), tmp_path / "missing", tmp_path))
