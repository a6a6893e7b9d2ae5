"""Samples of a GPU, without one: what is missing is said, and a trace stands beside its prediction."""

import json
import sys

from measure.decode_probe import HEAD_DIM, SHAPES
from tools import gpu_samples
from tools.make_torch_trace import write


def test_a_python_without_torch_fails_loudly_and_says_it_in_the_readme(tmp_path, monkeypatch, capsys):
    asked = ["gpu_samples", "--python", sys.executable, "--device", "cpu", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", asked)
    assert gpu_samples.main() == 1
    said = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "FAILED: gpu.json: ModuleNotFoundError: No module named 'torch'" in said
    assert "measure/gpu_probe.py cpu" in said
    assert str(gpu_samples.ROOT) not in said
    assert "NOT MADE: kernels.csv" in said
    assert said.strip() == capsys.readouterr().out.strip()


def test_a_trace_of_a_known_gpu_stands_beside_its_prediction(tmp_path):
    about = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16",
             "hidden_act": "silu", "max_position_embeddings": 131072, "head_dim": HEAD_DIM["cuda"]}  # fmt: skip
    about |= SHAPES["cuda"]
    (tmp_path / "config.json").write_text(json.dumps(about), encoding="utf-8")
    write(tmp_path / "decode_b8.json.gz", 200_000)
    (line,) = [line for line in gpu_samples.beside(tmp_path) if line.startswith("- ")]
    assert line.startswith("- batch 8: ")
    assert " predicted, ratio " in line
