"""Results of vllm bench serve: the file's own numbers in SI units, and its traps as notes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import importers
from importers import json_text
from planner.errors import ImporterError, MalformedFile, TooLarge
from planner.measured import MeasuredPoint, Run, Severity
from tests.importers.samples import SECRET, VLLM_RESULTS, bench_file, json_documents, result


def read(path: Path, *results: dict[str, Any], text: str | None = None) -> Run:
    return importers.read(bench_file(path / "result.json", *results, text=text))


def value(run: Run, metric: str, statistic: str) -> float:
    return next(point.value for point in run.points if (point.metric, point.statistic) == (metric, statistic))


def metrics(run: Run) -> set[str]:
    return {point.metric for point in run.points}


def noted(run: Run, words: str) -> bool:
    return any(words in note.text for note in run.notes)


def requests(run: Run) -> list[dict[str, Any]]:
    stream = run.tables["requests"]
    return pa.Table.from_batches(list(stream), stream.schema).to_pylist()


def test_points_are_the_files_numbers_in_seconds(tmp_path: Path) -> None:
    run = read(tmp_path, result())
    assert value(run, "ttft", "mean") == pytest.approx(0.2)
    assert value(run, "ttft", "p99") == pytest.approx(0.298)
    assert value(run, "ttft", "p99.9") == pytest.approx(0.2998)
    assert value(run, "e2e", "mean") == pytest.approx(0.5)
    assert value(run, "output_throughput", "total") == 6.0
    assert value(run, "total_throughput", "total") == 21.0
    point = next(iter(run.points))
    assert (point.concurrency, point.request_rate, point.prompt_tokens, point.output_tokens) == (2, None, 10, 4)


def test_identity_and_settings(tmp_path: Path) -> None:
    run = read(tmp_path, result(tp="2", gpu="NVIDIA H100 80GB HBM3", max_num_seqs=64, note="private words"))
    assert (run.model_name, run.started, run.tool_version) == ("org/model", "2026-11-21T02:16:41", ">=0.30")
    assert (run.gpu_names, run.gpu) == (("NVIDIA H100 80GB HBM3",), "h100-sxm")
    assert (run.settings["tensor_parallel"], run.settings["max_num_seqs"], run.settings["request_rate"]) == (
        2,
        64,
        "inf",
    )
    assert run.settings["effective_concurrency"] == pytest.approx(1.5 / 2)
    assert "private words" not in repr(run)


def test_requests_are_rows(tmp_path: Path) -> None:
    run = read(tmp_path, result(errors=["", "timeout at host", ""], latencies=[0.4, 0.0, 0.6]))
    first, second, third = requests(run)
    assert (first["sent_s"], first["ttft_s"], first["e2e_s"], first["error"]) == (0.0, 0.1, 0.4, None)
    assert (second["e2e_s"], second["succeeded"], second["error"]) == (None, False, "timeout")
    assert third["sent_s"] == pytest.approx(0.4)
    assert (third["prompt_tokens"], third["output_tokens"]) == (10, 4)


def test_texts_are_counted_and_left_out(tmp_path: Path) -> None:
    run = read(tmp_path, result(errors=["", f"no route to {SECRET}", ""]))
    assert SECRET not in repr(run)
    assert SECRET not in str(requests(run))
    assert noted(run, "3 generated texts and 1 error messages")


def test_old_versions_have_neither_failed_nor_latencies(tmp_path: Path) -> None:
    gone = dict.fromkeys(("failed", "latencies", "start_times", "queue_times", "backend", "max_output_tokens_per_s"))
    run = read(tmp_path, result(**gone, **{"request_goodput:": 1.25, "best_of": 1}))
    assert value(run, "request_goodput", "total") == 1.25
    assert run.tool_version == "unknown"
    assert requests(run)[0]["e2e_s"] == pytest.approx(0.4)
    assert not noted(run, "warm-up")


def test_appended_results_are_points_of_one_run(tmp_path: Path) -> None:
    run = read(tmp_path, result(max_concurrency=1), result(max_concurrency=4, request_rate=5.0))
    assert {point.concurrency for point in run.points} == {1, 4}
    assert {point.request_rate for point in run.points} == {None, 5.0}
    assert "concurrency" not in run.settings
    assert run.settings["burstiness"] == 1.0
    assert run.summary["results"] == 2
    assert [row["result"] for row in requests(run)] == [0, 0, 0, 1, 1, 1]
    assert noted(run, "prefix cache")


def test_a_list_of_results_is_read_like_appended_ones(tmp_path: Path) -> None:
    listed = read(tmp_path, text=json.dumps([result(), result(max_concurrency=8)]))
    assert len(listed.points) == len(read(tmp_path, result(), result(max_concurrency=8)).points)
    assert listed.tool == "vllm bench sweep"


def test_a_failed_run_has_no_values(tmp_path: Path) -> None:
    zeros = {key: 0.0 for key in result() if key.endswith(("_ms", "throughput"))}
    run = read(tmp_path, result(completed=0, failed=3, total_input_tokens=0, total_output_tokens=0, **zeros))
    assert run.points == ()
    assert run.notes[0].severity is Severity.ERROR


def test_one_output_token_has_no_tpot(tmp_path: Path) -> None:
    zeros = {"mean_tpot_ms": 0.0, "median_tpot_ms": 0.0, "mean_itl_ms": 0.0}
    run = read(tmp_path, result(total_output_tokens=3, output_lens=[1, 1, 1], **zeros))
    assert metrics(run) & {"tpot", "itl"} == set()
    assert noted(run, "itl, tpot: given as 0")


def test_some_failed(tmp_path: Path) -> None:
    assert noted(read(tmp_path, result(failed=1)), "1 of 4 requests failed")


def test_pooling_has_no_output(tmp_path: Path) -> None:
    gone = [key for key in result() if "ttft" in key or "tpot" in key or "itl" in key or "output" in key]
    run = read(tmp_path, result(**dict.fromkeys(gone)))
    assert metrics(run) == {"e2e", "request_throughput", "total_throughput"}
    assert run.points[0].output_tokens is None


def test_speculative_decoding_is_noted(tmp_path: Path) -> None:
    run = read(tmp_path, result(spec_decode_acceptance_length=3.9, spec_decode_acceptance_rate=97.0))
    assert noted(run, "Speculative decoding")
    assert run.settings["spec_decode_acceptance_rate"] == pytest.approx(0.97)


def test_ramp_up_is_noted(tmp_path: Path) -> None:
    assert noted(read(tmp_path, result(ramp_up_strategy="linear", ramp_up_start_rps=2)), "ramped up")


def test_nan_is_missing(tmp_path: Path) -> None:
    text = json.dumps(result()).replace('"mean_itl_ms": 100.0', '"mean_itl_ms": NaN').replace("298.0", "1e999")
    run = read(tmp_path, text=text)
    assert "itl" not in metrics(run)
    assert ("ttft", "p99") not in {(point.metric, point.statistic) for point in run.points}
    assert noted(run, "1 values are NaN")


def test_arrays_of_different_lengths_are_left_out(tmp_path: Path) -> None:
    run = read(tmp_path, result(ttfts=[0.1]))
    assert not run.tables
    assert noted(run, "different lengths")


def test_hostile_values_stay_out(tmp_path: Path) -> None:
    text = json.dumps(result(label="x", model_id="/home/someone/models/llama", tp="nan", max_concurrency=True))
    run = read(tmp_path, text=text.replace('"duration": 2.0', f'"duration": {"9" * 5000}, "duration": 2.0'))
    assert run.model_name == "llama"
    assert "tensor_parallel" not in run.settings
    assert "concurrency" not in run.settings


def test_surrogates_in_names_can_be_stored(tmp_path: Path) -> None:
    run = read(tmp_path, text=json.dumps(result()).replace("org/model", "org/\\ud800model"))
    assert (run.model_name or "").encode("utf-8")


def test_cut_off_file_is_malformed(tmp_path: Path) -> None:
    text = json.dumps(result())
    with pytest.raises(MalformedFile, match="cut off"):
        read(tmp_path, text=text[:-20])


def test_deep_nesting_is_malformed(tmp_path: Path) -> None:
    text = json.dumps(result())[:-1] + ', "deep": ' + "[" * 100_000
    with pytest.raises(ImporterError):
        read(tmp_path, text=text)


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "MAX_BYTES", 100)
    with pytest.raises(TooLarge):
        read(tmp_path, result())


def test_a_foreign_result_after_ours_is_named(tmp_path: Path) -> None:
    with pytest.raises(MalformedFile, match="result 2"):
        read(tmp_path, result(), {"model_id": "x"})


def test_statistics_without_milliseconds_are_refused(tmp_path: Path) -> None:
    gone = dict.fromkeys(key for key in result() if key.endswith("_ms"))
    with pytest.raises(MalformedFile, match="milliseconds"):
        read(tmp_path, result(**gone))


@pytest.mark.skipif(not VLLM_RESULTS, reason="../shared/loadtests is not here")
@pytest.mark.parametrize("path", VLLM_RESULTS, ids=lambda path: path.name)
def test_every_statistic_of_a_real_file_is_a_point(path: Path) -> None:
    run = importers.read(path)
    found = {(point.metric, point.statistic, point.concurrency): point for point in run.points}
    for item in json_documents(path):
        for key, theirs in item.items():
            name = key.removesuffix("_ms").partition("_")
            if name[2] in ("ttft", "tpot", "itl", "e2el") and name[0] in ("mean", "median", "std", "p50", "p90", "p99"):
                metric = "e2e" if name[2] == "e2el" else name[2]
                point = found.get((metric, name[0], item["max_concurrency"]))
                expected = theirs if item["completed"] and item[f"mean_{name[2]}_ms"] else None
                assert (point and point.value * 1e3) == (
                    None if expected is None else pytest.approx(expected, rel=1e-12)
                )
    assert sum(int(run.summary[key]) for key in ("requests", "failed") if key in run.summary) == len(requests(run))


@pytest.mark.skipif(not VLLM_RESULTS, reason="../shared/loadtests is not here")
def test_percentiles_of_the_requests_are_the_files(tmp_path: Path) -> None:
    path = next(path for path in VLLM_RESULTS if path.name == "serve_inf_detailed.json")
    run = importers.read(path)
    ttfts = pa.array([row["ttft_s"] for row in requests(run)])
    for percentile in (25, 50, 90, 99):
        own = pa.compute.quantile(ttfts, q=percentile / 100)[0].as_py()
        assert value(run, "ttft", f"p{percentile}") == pytest.approx(own, rel=1e-9)
    mean = sum(row["e2e_s"] for row in requests(run)) / 60
    assert value(run, "e2e", "mean") == pytest.approx(mean, rel=1e-9)


def test_a_point_is_hashable_evidence(tmp_path: Path) -> None:
    assert all(isinstance(point, MeasuredPoint) for point in read(tmp_path, result()).points)
