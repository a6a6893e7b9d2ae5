"""The made PyTorch trace is one that the importer takes, with nothing left out."""

import importers
from tools.bench_torch import traces
from tools.make_torch_trace import LAYERS, write


def test_a_made_trace_is_whole(tmp_path):
    path = tmp_path / "made.json"
    kernels = write(path, 300_000)
    run = importers.read(path)
    assert run.summary["kernels"] == run.summary["kernels_with_op"] == kernels
    assert run.summary["kernels_with_flops"] == kernels * 4 // 7
    assert {kernel.kind.split("_")[0] for kernel in run.kernels} == {"gemm", "attention", "norm", "activation"}
    steps = next(iter(run.tables["steps"])).to_pylist()
    assert [step["kernels"] for step in steps] == [7 * LAYERS] * (kernels // (7 * LAYERS))
    assert {step["kind"] for step in steps} == {"decode"}
    assert run.gpu == "h100-sxm"


def test_its_import_is_measured():
    plain, zipped = traces(200_000)
    assert zipped.size < plain.size
    assert all(line.cpu > 0 and 2**20 < line.peak < 2**34 for line in (plain, zipped))
    assert "PyTorch trace of" in plain.text()
