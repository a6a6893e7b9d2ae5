"""The mapping of end_to_end.csv, the page, and old against new."""

import math

import pytest

from tools import accuracy_history as history
from tools.accuracy import figures, fine, refusals, report, summary
from tools.accuracy_cases import Case
from tools.accuracy_html import page, scatter
from tools.accuracy_why import why
from tools.end_to_end import measured_tpot
from tools.end_to_end_names import Refused, gpu_name, model_name, scheme, split
from tools.end_to_end_sources import READERS

BLANK = {
    "dtype_weights": "fp16/bf16 (unquantized)", "dtype_kv": "fp16", "n_gpus": "1", "batch_or_concurrency": "16",
    "input_len": "128", "output_len": "256", "notes": "", "engine_version": "",
}  # fmt: skip
ARGONNE = BLANK | {
    "dataset": "argonne_llm_inference_bench", "gpu": "H100 80GB (SXM per paper)", "model": "meta-llama/Meta-Llama-3-8B",
    "engine": "vLLM", "metric": "e2e_latency_static_batch", "value": "2.56", "unit": "s",
}  # fmt: skip
SILICON = BLANK | {
    "dataset": "inferencex_silicon_agg", "gpu": "H200 SXM", "model": "deepseek-ai/DeepSeek-R1 (listed V3)",
    "dtype_weights": "fp8 gemm=fp8 moe=fp8_block", "dtype_kv": "recipe: auto(bf16)", "engine": "sglang",
    "batch_or_concurrency": "8.0", "input_len": "1024", "output_len": "1024", "metric": "mean_tpot", "value": "12.5",
    "unit": "ms", "notes": "inferencex-dbdump; tp8 ep1; date=2026-03-25", "n_gpus": "8",
}  # fmt: skip
STATIC = BLANK | {
    "dataset": "trtllm_static_batch", "gpu": "H200 SXM 141GB", "model": "LLaMA 70B", "dtype_weights": "FP8",
    "dtype_kv": "fp8", "engine": "TensorRT-LLM static batching", "metric": "output_throughput_per_gpu", "n_gpus": "2",
    "value": "1000", "unit": "tok/s/gpu", "notes": "header: Throughput (out tok/s/GPU)",
}  # fmt: skip


def asked(row):
    return READERS[row["dataset"]](row)


def test_a_static_batch_is_its_whole_time_over_the_tokens_of_one_request():
    found = asked(ARGONNE)
    assert (found.output, found.measured) == ("latency_per_output_token_ms", pytest.approx(10.0))
    assert found.cells["gpu"] == "h100-sxm"
    assert found.cells["mode"] == "batch"
    assert found.cells["quantization"] == "bf16"


def test_a_serving_row_of_inferencex_has_lengths_of_nine_tenths():
    found = asked(SILICON)
    assert (found.table, found.output, found.measured) == ("sglang serving tpot_ms", "tpot_ms", 12.5)
    told = {name: found.cells[name] for name in ("model", "tensor_parallel", "input_tokens", "requests", "kv_cache")}
    assert told == {
        "model": "deepseek-ai/DeepSeek-R1", "tensor_parallel": "8", "input_tokens": "922", "requests": "80",
        "kv_cache": "auto",
    }  # fmt: skip
    assert found.cells["random_range_ratio"] == "0.8"
    assert found.cells["engine"] == "sglang"


def test_throughput_per_gpu_becomes_that_of_the_replica():
    found = asked(STATIC)
    assert (found.measured, found.cells["model"]) == (2000.0, "meta-llama/Llama-2-70b-hf")
    assert measured_tpot(found) == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ARGONNE | {"gpu": "MI300X 192GB"}, "immature"),
        (ARGONNE | {"notes": "...; Parallelism Type=Pipeline Parallelism"}, "pipeline"),
        (ARGONNE | {"unit": "W", "metric": "avg_power"}, "metric"),
        (SILICON | {"notes": "inferencex-csv; dpattn4 tp-group 2 ep2; date=2025-10-29"}, "data-parallel"),
        (STATIC | {"notes": "header omits /GPU - ambiguous"}, "GPU's share"),
        (BLANK | {"dataset": "nmvllm_a10g_l4_nightly"}, "lengths"),
    ],
)
def test_what_cannot_be_predicted_from_says_why(row, reason):
    with pytest.raises(Refused, match=reason):
        asked(row)


def test_names_and_formats():
    assert gpu_name({"gpu": "AMD Instinct MI325X 256GB HBM3e"}) == "MI325X"
    assert model_name("llama2-70b-interactive-99.9") == "llama2-70b"
    assert model_name("LLaMA v3.1 70B") == "Llama-3.1 70B"
    assert split("tp8 ep8 (source tp_size=64=tp*ep bug corrected)") == ("8", "8")
    with pytest.raises(Refused):
        scheme({"dtype_weights": "int8wo", "gpu": "H100 (SKU unstated)"})


CASES = [
    Case("some tpot_ms", "h100-sxm", "a/model", "TP 1", 10.0, 11.0, "", {"concurrency": "4"}),
    Case("some tpot_ms", "h100-sxm", "a/model", "TP 1", 10.0, 5.0, "", {"concurrency": "400"}),
    Case("some tpot_ms", "h100-sxm", "a/<model>", "TP 1", 10.0, None, "No such model. Nearest: none."),
]


def test_the_table_counts_what_is_refused():
    text = "\n".join([*report(CASES, fine), *refusals(CASES)])
    assert "h100-sxm x model x own x vllm x batch 2-8" in text
    assert "Not predicted: 1 of 3 rows\n       1  No such model" in text
    assert figures(CASES[:2])[:3] == (2, pytest.approx(30.0), pytest.approx(30.0))


def test_the_page_fetches_nothing():
    text = page(CASES[:1], CASES[1:2], {("some tpot_ms", "all"): (2, 30.0, 30.0, -26.0, 50.0, math.nan)})
    assert "http" not in text
    assert "<script" not in text
    assert text.count("<circle") == 2
    assert "viewport" in text
    assert scatter(CASES[:2], {"some": "#000"}).startswith("<svg")


def test_every_miss_gets_a_sentence():
    cells = {"gpu": "h100-sxm", "model": "meta-llama/Llama-3.1-8B", "concurrency": "1", "engine_version": "0.5.0"}
    assert "before 2025" in why(Case("x tpot_ms", "h100-sxm", "m", "", 1.0, 2.0, "", cells))
    assert "data sheet" in why(Case("above the roof: x", "h100-sxm", "m", "", 1.0, 2.0, "", cells))


def test_old_against_new(tmp_path):
    path = tmp_path / "accuracy.csv"
    assert history.read(path) == {}
    old = {("a", "all"): (3, 5.0, 6.0, -1.0, 90.0, 20.0), ("b", "all"): (1, 1.0, 1.0, 1.0, 90.0, 20.0)}
    history.accept(path, old)
    assert history.read(path) == old
    new = {("a", "all"): (3, 5.1, 4.0, -1.0, 90.0, 20.0), ("c", "all"): (1, 1.0, 1.0, 1.0, math.nan, math.nan)}
    assert list(history.moved(old, new)) == [
        "  median 5.0 -> 5.1 %, mean 6.0 -> 4.0 %, bias -1.0 -> -1.0 % a / all",
        "  new      c / all",
        "  gone     b / all",
    ]
    near = {("a", "all"): (3, 5.2, 6.0, -1.1, 80.0, 30.0), ("b", "all"): (1, 1.0, 1.0, 1.0, 90.0, 20.0)}
    assert not list(history.moved(old, near))


def test_a_set_tells_how_many_lie_inside_their_interval_and_how_wide_it_is():
    bounds = {"tpot_ms_low": "8", "tpot_ms_high": "13.5"}
    found = [Case("some tpot_ms", "g", "m", "", value, 11.0, "", bounds) for value in (10.0, 14.0)]
    assert figures(found)[4:] == (50.0, pytest.approx(50.0))
    assert all(math.isnan(each) for each in figures(CASES[:2])[4:])
    assert summary(found).endswith("50%    50%")


def test_the_worst_are_of_several_kinds():
    alike = [Case("some tpot_ms", "g", "m", str(at), 10.0, 1.0) for at in range(30)]
    text = page([*alike, Case("other ttft_ms", "g", "m", "last", 10.0, 9.0)], [], {})
    assert text.count("g x m, ") == 3
    assert "g x m, last" in text
