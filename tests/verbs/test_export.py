"""Getting runs in and out from a terminal."""

import json
from pathlib import Path

import pytest

from cli import main
from store import Store
from tests.importers.samples import bench_file, export, result
from verbs.status import BAD_QUESTION


@pytest.fixture(autouse=True)
def empty_store(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))


def imported(capsys, *words: str) -> list[str]:
    assert main(["import", *words]) == 0
    return [line.split()[0] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("name", ["run.zip", "run.json"])
def test_an_export_comes_back_as_the_same_run(tmp_path: Path, capsys, monkeypatch, name: str):
    run = imported(capsys, str(export(tmp_path / "a.sqlite")))[0]
    assert main(["export", run[:5], "--to", str(tmp_path / name)]) == 0
    here = Store(tmp_path / "store")
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "elsewhere"))
    there = Store(tmp_path / "elsewhere")
    assert imported(capsys, str(tmp_path / name)) == [run]
    assert there.run(run) == here.run(run)
    assert there.tables(run) == here.tables(run) != []
    for table in here.tables(run):
        assert there.table(run, table).equals(here.table(run, table))


def test_a_summary_can_be_imported(tmp_path: Path, capsys):
    target = tmp_path / "small.zip"
    assert main(["import", str(export(tmp_path / "a.sqlite")), "--summary", str(target)]) == 0
    assert not (tmp_path / "store").exists()
    told = capsys.readouterr().out.split()
    assert imported(capsys, str(target)) == [told[0]]


def test_each_refusal_is_told_and_the_rest_imported(tmp_path: Path, capsys):
    (tmp_path / "note.txt").write_text("milk")
    good = bench_file(tmp_path / "bench.json", result())
    assert main(["import", str(tmp_path / "note.txt"), str(good)]) == BAD_QUESTION
    told = capsys.readouterr()
    assert "note.txt looks like text" in told.err
    assert len(told.out.splitlines()) == 1
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["file"] == "bench.json"


def test_what_cannot_be_exported_says_why(tmp_path: Path, capsys):
    assert main(["export", "0123", "--to", str(tmp_path / "x.zip")]) == BAD_QUESTION
    assert "No run" in capsys.readouterr().err
    assert main(["import", "a", "b", "--summary", str(tmp_path / "x.zip")]) == BAD_QUESTION
    assert "one file at a time" in capsys.readouterr().err
