"""The operator's folder: what lies in it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from intake.folder import shared_file, shared_files
from intake.jobs import wait
from intake.limits import Limits, limits
from intake.service import Intake
from planner.errors import BadSetting, UploadRefused
from planner.quantities import GIB
from store import Store
from tests.importers.samples import bench_file, result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shared"
    (made / "day 1").mkdir(parents=True)
    bench_file(made / "day 1" / "bench.json", result())
    (made / "a.sqlite").write_bytes(b"abc")
    (made / ".hidden").write_bytes(b"x")
    (tmp_path / "secret").write_text("token")
    (made / "out").symlink_to(tmp_path / "secret")
    (made / "outside").symlink_to(tmp_path)
    (made / "loop").symlink_to(made / "loop")
    (made / "inside").symlink_to(made / "a.sqlite")
    (made / "deep" / "er" / "and" / "deeper").mkdir(parents=True)
    (made / "deep" / "er" / "and" / "deeper" / "x").write_text("x")
    return made


def test_its_files_and_no_others(folder: Path) -> None:
    assert [(file.name, file.size > 0) for file in shared_files(folder)] == [
        ("a.sqlite", True),
        ("day 1/bench.json", True),
        ("inside", True),
    ]


@pytest.mark.parametrize(
    "name",
    ["out", "../secret", "outside/secret", "/etc/passwd", "", ".", "loop", "missing", "day 1", "day 1/../../secret"],
)
def test_nothing_outside_is_read(folder: Path, name: str) -> None:
    with pytest.raises(UploadRefused, match="not in the folder"):
        shared_file(folder, name)


def test_a_file_is_imported_where_it_lies(folder: Path, tmp_path: Path) -> None:
    taken = Intake(Limits(tmp_path / "desk", shared=folder))
    store = Store(tmp_path / "store")
    assert wait(next(taken.read_shared("day 1/bench.json", store)), 30)
    assert [run.source_name for run in store.runs()] == ["bench.json"]
    assert (folder / "day 1" / "bench.json").exists()
    taken.close()
    none = Intake(Limits(tmp_path / "desk"))
    assert none.shared() == []
    with pytest.raises(UploadRefused, match="no folder"):
        list(none.read_shared("a.sqlite", store))


def test_limits_come_from_the_environment(tmp_path: Path) -> None:
    set_to = {"HEADROOM_UPLOAD_GIB": "0.5", "HEADROOM_IMPORT_FOLDER": str(tmp_path), "HEADROOM_SECRET": "x" * 16}
    found = limits(set_to)
    assert (found.file, found.shared, found.secret) == (GIB // 2, tmp_path.resolve(), "x" * 16)
    assert "xxxx" not in repr(found)
    assert limits({}).secret != limits({}).secret


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADROOM_UPLOAD_GIB", "much"),
        ("HEADROOM_IMPORT_MINUTES", "-1"),
        ("HEADROOM_IMPORTS_AT_ONCE", "nan"),
        ("HEADROOM_IMPORT_FOLDER", "/no/such/folder"),
        ("HEADROOM_SECRET", "short"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        limits({name: value})
