"""Large tables and searches of the terminal on a real cluster: the same answers, in order; Ctrl-C ends them."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import main
from intake import cluster
from planner.whose import NONE, count
from store import Store, entries
from tests.intake.clusters import Running, running, until
from tests.planner.test_own import H100
from tools.running_app import ROOT
from verbs import predict
from verbs.status import BAD_QUESTION, DONE

pytest.importorskip("distributed", reason="pip install -r requirements-cluster.txt")
MODEL = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    yield Store(tmp_path / "store")
    count(NONE)


def table(path: Path, rows: int) -> Path:
    gpus = ("own-lab", "l4", "nonsense")
    lines = (f"{gpus[row % len(gpus)]},{MODEL},{1 + row}" for row in range(rows))
    path.write_text("gpu,model,input_tokens\n" + "".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize("named_by", ["option", "environment"])
def test_a_long_table_is_answered_there_in_order(workers, own_store, tmp_path, monkeypatch, named_by) -> None:
    entries.save(own_store, entries.GPUS, "lab", H100)
    cases = table(tmp_path / "cases.csv", 30)
    assert main(["predict", str(cases), "--out", str(tmp_path / "here.csv")]) == DONE
    monkeypatch.setattr(predict, "SHARED_ROWS", 8)
    if named_by == "environment":
        monkeypatch.setenv("HEADROOM_DASK", workers.address)
    more = ["--cluster", workers.address] if named_by == "option" else []
    monkeypatch.setattr("verbs.workers.ProcessPoolExecutor", None)
    assert main(["predict", str(cases), "--out", str(tmp_path / "there.csv"), *more]) == DONE
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    answers = list(csv.DictReader((tmp_path / "there.csv").read_text().splitlines()))
    assert sum(float(one["ttft_ms"] or 0) > 0 for one in answers) == 20, "a third names no GPU"


def test_a_search_is_done_there(workers, monkeypatch, capsys) -> None:
    words = ["buy", "--model", MODEL, "--rate", "20", "--gpus", "h100,l40s", "--gpus-per-replica", "1"]
    words += ["--quantizations", "auto", "--slo-ttft-p95", "1000", "--json"]
    assert main(words) == DONE
    here = json.loads(capsys.readouterr().out)
    monkeypatch.setattr("verbs.workers.ProcessPoolExecutor", None)
    assert main([*words, "--cluster", workers.address]) == DONE
    assert json.loads(capsys.readouterr().out)["options"] == here["options"]


def test_a_cluster_that_does_not_answer_is_told(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    monkeypatch.setattr(predict, "SHARED_ROWS", 2)
    words = ["predict", str(table(tmp_path / "cases.csv", 4)), "--out", str(tmp_path / "out.csv")]
    assert main([*words, "--cluster", "tcp://127.0.0.1:9"]) == BAD_QUESTION
    assert "No cluster answers" in capsys.readouterr().err


def test_ctrl_c_leaves_nothing_on_the_cluster(workers, tmp_path) -> None:
    cases, there = table(tmp_path / "cases.csv", 60_000), cluster.client(workers.address)
    words = ["predict", str(cases), "--out", str(tmp_path / "out.csv"), "--cluster", workers.address]
    with subprocess.Popen(
        [sys.executable, "cli.py", *words], cwd=ROOT, stderr=subprocess.DEVNULL, env=os.environ
    ) as asked:
        until(lambda: any(there.processing().values()))
        asked.send_signal(signal.SIGINT)
        assert asked.wait(30) != DONE
    until(lambda: not any(there.processing().values()))
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").count("\n") < 60_000
