"""`cli.py check`: findings of files and runs as JSON and as text; bad input is status 2, findings are not."""

from __future__ import annotations

import json

import pytest

import cli
import importers
from importers.reference import reference_runs
from store.runs import Store
from tests.importers.samples import SHARED

HEADER = "gpu,model,quantization,batch,input_tokens,output_tokens,latency_ms\n"
CACHED = HEADER + "A100 PCIe 80GB,meta-llama/Llama-3.1-8B-Instruct,bf16,1,4096,1,19.88\n"
KEYS = {"check", "severity", "subject", "measured", "limit", "ratio", "cause", "experiment"}


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    return Store(tmp_path / "store")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(CACHED)
    return path


def checked(capsys, *words):
    assert cli.main(["check", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_entry_for_a_violating_point(capsys, table):
    (entry,) = checked(capsys, table)
    assert entry.keys() >= KEYS
    assert (entry["check"], entry["severity"], entry["unit"]) == ("compute_roof", "error", "FLOP/s")
    assert entry["ratio"] == pytest.approx(10.606, abs=0.001)
    assert entry["ratio"] == entry["measured"] / entry["limit"]
    assert entry["subject"] == "A100 PCIe 80GB, batch 1, prompt 4,096, output 1"


def test_several_inputs_are_told_apart(capsys, table):
    demo = next(run.id for run in reference_runs() if "decode sweep, L40S" in run.source_name)
    entries = checked(capsys, table, demo)
    assert [entry["subject"].split(":")[0] for entry in entries] == ["table.csv", "Week 3 roofline lab"]
    assert entries[1]["check"] == "waves"


def test_a_run_of_the_store_is_checked_like_its_file(capsys, table, store):
    saved = store.save(importers.read(table))
    assert checked(capsys, saved) == checked(capsys, saved[:6]) == checked(capsys, table)


def test_text_says_the_same(capsys, table):
    assert cli.main(["check", str(table)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "table.csv: 1 found\n  error  compute_roof  A100 PCIe 80GB, batch 1, prompt 4,096, output 1\n"
    )
    assert "likely: prefix-cache hits" in said
    assert "to settle it: Start vLLM with --no-enable-prefix-caching" in said


def test_nothing_found_is_an_empty_list(capsys, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(CACHED.replace("19.88", "300"))
    assert checked(capsys, path) == []
    assert cli.main(["check", str(path)]) == 0
    assert capsys.readouterr().out == "table.csv: nothing found\n"


def test_what_was_chosen_is_held_against_the_file(capsys):
    path = SHARED / "traces/nsys/nsys-ai__13d76c01__tests_fixtures_healthy_1pct.sqlite"
    if not path.is_file():
        pytest.skip("real files are not part of the product; they stand in ../shared")
    assert checked(capsys, path) == []
    (entry,) = checked(capsys, path, "--gpu", "l40s")
    assert entry["check"] == "other_gpu"


@pytest.mark.parametrize("words", [["no-such-run"], ["README.md"], ["README.md", "--gpu", "abacus"]])
def test_bad_input_is_refused(capsys, words):
    assert cli.main(["check", *words]) == 2
    assert capsys.readouterr().err.startswith("headroom: ")


def test_an_unknown_gpu_or_model_is_refused(capsys, table):
    assert cli.main(["check", str(table), "--model", "no such model"]) == 2
    assert "no such model" in capsys.readouterr().err
