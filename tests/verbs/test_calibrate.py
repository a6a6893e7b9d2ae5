"""`calibrate`, and predict and plan with what it kept."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from cli import main
from importers.reference import reference_runs
from store.runs import Store, default_root
from verbs.status import BAD_QUESTION, DONE

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
CHAT = ["--gpu", "h100-sxm", "--model", LLAMA, "--quantization", "bf16", "--batch", "8", "--output-tokens", "16"]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of the lab's decode sweep on H100, and an empty store to keep its calibration in."""
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    return next(run.id for run in reference_runs() if run.source_name.endswith("decode sweep, H100"))


def test_a_run_is_fitted_kept_and_used(kept: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["calibrate", kept, "--name", "our lab"]) == DONE
    told = capsys.readouterr().out
    assert 'Calibration "our-lab" from 7 values' in told
    assert "link           1.000" in told
    assert "not learnt" in told
    assert main(["plan", *CHAT, "--calibration", "our-lab"]) == DONE
    assert "calibrated on our-lab: calibrated" in capsys.readouterr().out
    cases, answers = tmp_path / "cases.csv", tmp_path / "answers.csv"
    cases.write_text(f"gpu,model,concurrency\nh100-sxm,{LLAMA},8\n", encoding="utf-8")
    assert main(["predict", str(cases), "--out", str(answers), "--calibration", "our-lab"]) == DONE
    with answers.open(encoding="utf-8") as file:
        assert next(csv.DictReader(file))["basis"] == "calibrated on our-lab"


def test_a_table_of_predict_with_measured_columns_is_fitted(
    kept: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert kept
    table = tmp_path / "measured.csv"
    rows = [f"h100-sxm,{LLAMA},{size},512,16,{value}" for size, value in ((1, 9.0), (8, 9.5), (64, 14.0))]
    table.write_text(
        "\n".join(["gpu,model,concurrency,input_tokens,output_tokens,measured_tpot_ms", *rows]), encoding="utf-8"
    )
    assert main(["calibrate", str(table), "--name", "ours", "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert told["mean_error_after_percent"] < told["mean_error_before_percent"]
    assert told["batch"] == [1.0, 64.0]
    assert all(factor["low"] <= factor["value"] <= factor["high"] for factor in told["factors"])


def test_what_cannot_be_fitted_or_found_is_refused(
    kept: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = tmp_path / "few.csv"
    table.write_text(f"gpu,model,concurrency,measured_tpot_ms\nh100-sxm,{LLAMA},1,9\n", encoding="utf-8")
    assert main(["calibrate", str(table), "--name", "few"]) == BAD_QUESTION
    assert "at least 3 loads" in capsys.readouterr().err
    assert main(["calibrate", kept, "--name", "../x"]) == BAD_QUESTION
    assert "cannot name a calibration" in capsys.readouterr().err
    assert main(["plan", *CHAT, "--calibration", "none"]) == BAD_QUESTION
    assert 'No calibration "none"' in capsys.readouterr().err


def test_kept_ones_are_listed_and_deleted(kept: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["calibrate", kept, "--name", "ours"])
    capsys.readouterr()
    assert main(["calibrations"]) == DONE
    line = capsys.readouterr().out
    assert line.startswith("ours  ")
    assert f"{LLAMA} on h100-sxm, 1 to 512 at once" in line
    assert main(["calibrations", "--json"]) == DONE
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["name"], told["points"], told["batch"]) == ("ours", 7, [1.0, 512.0])
    assert main(["calibrations", "--delete", "our"]) == BAD_QUESTION
    assert "Nearest: ours" in capsys.readouterr().err
    assert main(["calibrations", "--delete", "ours"]) == DONE
    assert capsys.readouterr().out == ""
    assert main(["calibrations"]) == DONE
    assert capsys.readouterr().out == ""


def test_a_damaged_one_is_told_and_can_be_deleted(kept: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["calibrate", kept, "--name", "ours"])
    Store(default_root()).shelf.keep_note("calibrations", "ours.json", b"{}")
    capsys.readouterr()
    assert main(["calibrations"]) == DONE
    assert "Calibration ours: " in capsys.readouterr().err
    assert main(["calibrations", "--delete", "ours"]) == DONE
