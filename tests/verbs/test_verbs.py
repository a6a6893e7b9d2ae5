"""Verbs of the terminal: exit status, text, JSON and files, as a person in a shell meets them."""

import csv
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

import pytest

from cli import main
from planner.whose import NONE, count
from store import Store, entries
from tests.importers.samples import bench_file, result
from tests.planner.test_own import H100
from verbs import predict, workers
from verbs.status import BAD_QUESTION, DONE, NO_ANSWER

CHAT = ["--gpu", "h100-sxm", "--model", "meta-llama/Llama-3.1-8B-Instruct"]
TOO_LARGE = ["--gpu", "h100-sxm", "--model", "meta-llama/Llama-3.3-70B-Instruct"]


def test_plan_answers_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *CHAT]) == DONE
    assert "bandwidth floor" in capsys.readouterr().out
    assert main(["plan", *CHAT, "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert told["gpu"] == "h100-sxm"
    assert told["answer"]["tpot_ms"] > told["bandwidth_floor_ms"]


def test_plan_says_no_and_what_fits_instead(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *TOO_LARGE]) == NO_ANSWER
    assert "What fits instead" in capsys.readouterr().out


def test_a_question_that_cannot_be_asked_has_its_own_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--gpu", "h10", "--model", "gpt2"]) == BAD_QUESTION
    assert "headroom:" in capsys.readouterr().err


def test_advise_ranks_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", *CHAT, "--goal", "tpot", "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    gains = [each["gain"] for each in told["better"]]
    assert gains == sorted(gains, reverse=True)
    assert main(["advise", *CHAT]) == DONE
    assert "vllm serve" in capsys.readouterr().out


def test_predict_fills_a_table(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text(f"gpu,model\nh100-sxm,{CHAT[3]}\nnone,{CHAT[3]}\n", encoding="utf-8")
    assert main(["predict", str(tmp_path / "cases.csv"), "--out", str(tmp_path / "out.csv")]) == DONE
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        good, bad = csv.DictReader(file)
    assert float(good["tpot_ms"]) > 0
    assert "none" in bad["error"]


def test_import_then_list_then_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    good, bad = bench_file(tmp_path / "result.json", result()), tmp_path / "bad.json"
    bad.write_text("{}", encoding="utf-8")
    assert main(["import", str(good), str(bad)]) == BAD_QUESTION
    told = capsys.readouterr()
    run = told.out.split()[0]
    assert "bad.json" in told.err
    assert main(["runs", "--json"]) == DONE
    assert run in {one["id"] for one in json.loads(capsys.readouterr().out)}
    assert main(["show", run]) == DONE
    assert "result.json" in capsys.readouterr().out


def test_import_says_what_became_of_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    folder = tmp_path / "runs"
    folder.mkdir()
    bench_file(folder / "a.json", result())
    bench_file(folder / "b.json", result(burstiness=2.0))
    (folder / "notes.txt").write_text("hello")
    assert main(["import", str(folder)]) == BAD_QUESTION
    told = capsys.readouterr()
    assert [line.split()[1] for line in told.out.splitlines()] == ["a.json", "b.json"]
    assert told.err == "headroom: notes.txt looks like text; no importer takes it.\n"
    assert main(["import", "--json", str(folder / "a.json")]) == DONE
    assert json.loads(capsys.readouterr().out)[0]["outcome"] == "known"


def test_predict_writes_no_cell_that_a_spreadsheet_executes(tmp_path: Path) -> None:
    cases, answers = tmp_path / "cases.csv", tmp_path / "answers.csv"
    cases.write_text('gpu,model,note,=x\nt4,gpt2,"=HYPERLINK(""http://x"")",-1.5\n@a,+b,-c,1\n')
    assert main(["predict", str(cases), "--out", str(answers)]) == DONE
    first, second = csv.DictReader(answers.read_text().splitlines())
    assert (first["note"], first["'=x"]) == ('\'=HYPERLINK("http://x")', "-1.5")
    assert (second["gpu"], second["model"], second["note"]) == ("'@a", "'+b", "'-c")


def test_a_long_table_is_answered_with_own_gpus_by_processes_that_were_not_forked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = partial(ProcessPoolExecutor, 1, mp_context=get_context("spawn"))
    monkeypatch.setattr(workers, "ProcessPoolExecutor", fresh)
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # a page's test may have left a page there
    monkeypatch.setattr(predict, "SHARED_ROWS", 2)
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    entries.save(Store(tmp_path / "store"), entries.GPUS, "lab", H100)
    cases = tmp_path / "cases.csv"
    cases.write_text("gpu,model\n" + 2 * f"own-lab,{CHAT[3]}\n")
    assert main(["predict", str(cases), "--out", str(tmp_path / "out.csv")]) == DONE
    count(NONE)
    for row in csv.DictReader((tmp_path / "out.csv").read_text().splitlines()):
        assert (row["error"], float(row["tpot_ms"]) > 0) == ("", True)
