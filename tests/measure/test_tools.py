"""The GPU's probe, bare steps, profilers and the search for a batch, as far as they go without a GPU."""

import json

import pytest

from cli import main
from measure.forward import StepShape, cases, shapes
from measure.gpu import Reached
from measure.profiling import ncu_words, nsys_words
from planner.catalogue import find_gpu
from tests.measure.test_measure import LLAMA, vllm  # noqa: F401 - a fixture
from verbs.status import BAD_QUESTION, DONE


def probe(folder, text):
    """A Python whose torch says `text`."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\ncat << END\n{text}\nEND\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def test_a_gpu_is_shown_beside_its_data_sheet(tmp_path, capsys):
    said = {"gpu": "NVIDIA H100 80GB HBM3", "bandwidth_b_s": 3.015e12, "matrix_flop_s": {"bfloat16": 7.42e14}}
    assert main(["measure", "gpu", "--python", probe(tmp_path, json.dumps(said))]) == DONE
    told = capsys.readouterr().out
    assert "90 % of the data sheet" in told
    assert "75 % of the data sheet" in told


def test_shares_are_of_the_data_sheet():
    gpu = find_gpu("h100-sxm")
    found = Reached("H100", gpu, gpu.bandwidth / 2, {"bf16": gpu.peaks["bf16"] / 4})
    assert found.shares() == {"bandwidth": 0.5, "bf16": 0.25}
    assert Reached("unknown", None, 1.0, {}).shares() == {}


@pytest.mark.parametrize("text", ['{"error": "torch sees no GPU"}', "no JSON", ""])
def test_no_torch_or_no_gpu_is_said(tmp_path, capsys, text):
    assert main(["measure", "gpu", "--python", probe(tmp_path, text)]) == BAD_QUESTION
    assert "GPU" in capsys.readouterr().err


def test_profilers_get_the_options_that_vllms_traces_need(tmp_path):
    assert "--cuda-graph-trace=node" in nsys_words(tmp_path)
    assert ncu_words(tmp_path)[1:3] == ["--set", "roofline"]


def test_a_missing_profiler_is_told_with_the_line_to_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["measure", "profile", "--out", str(tmp_path / "made"), "ncu", "--", "vllm", "serve"]) == BAD_QUESTION
    assert "ncu --set roofline" in capsys.readouterr().err


def test_a_vllm_without_bench_forward_is_told(vllm, tmp_path, capsys):  # noqa: F811
    out = str(tmp_path / "forward.json")
    assert main(["measure", "forward", "--model", LLAMA, "--vllm", vllm, "--out", out]) == BAD_QUESTION
    assert "0.33" in capsys.readouterr().err


def test_bare_steps_are_read_as_shapes():
    result = [
        {"case": "decode=2*1@100", "requests": [{"query_len": 1, "kv_len": 100}] * 2, "median_us": 5000.0},
        {"case": "prefill=64", "requests": [{"query_len": 64, "kv_len": 64}], "median_us": 700.0},
    ]
    assert shapes(result) == (StepShape(0, 2, 100.0, 0.005), StepShape(64.0, 0, 0.0, pytest.approx(0.0007)))
    assert len(cases()) == 27 + 7


def test_the_best_batch_is_found_on_one_server_in_few_runs(vllm, tmp_path, capsys):  # noqa: F811
    asked = ["measure", "tune", "--model", LLAMA, "--vllm", vllm, "--out", str(tmp_path / "made"), "--gpu", "h100-sxm"]
    assert main([*asked, "--start", "1", "--end", "16", "--metric", "tpot"]) == DONE
    told = capsys.readouterr().out
    assert ": 1 (10.1 ms)" in told, "the stand-in is fastest alone"
    runs = told.count("batch ")
    assert main([*asked, "--start", "1", "--end", "16", "--metric", "tpot"]) == DONE
    assert capsys.readouterr().out.count("batch ") < runs, "what is there is not measured again"
