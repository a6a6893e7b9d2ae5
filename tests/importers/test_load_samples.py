"""Every load-test format on a sample of its own: who claims it, what its values become, what never comes out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import importers
from importers.sniff import describe
from planner.errors import MalformedFile, TooLarge, UnknownFormat
from planner.measured import Run, Severity
from tests.importers import load_samples
from tests.importers.load_samples import REQUESTS, SAMPLES, URL, sample
from tests.importers.samples import SECRET

MS = 1e-3


def read(folder: Path, name: str) -> Run:
    return importers.read(sample(folder, name))


def of(folder: Path, content: object) -> Run:
    path = folder / "given"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return importers.read(path)


def values(run: Run) -> dict[tuple[str, str], float]:
    return {(point.metric, point.statistic): point.value for point in run.points}


def rows(run: Run, table: str = "requests") -> list[dict[str, object]]:
    stream = run.tables[table]
    return pa.Table.from_batches(list(stream), stream.schema).to_pylist()


def noted(run: Run, words: str) -> bool:
    return any(words in note.text for note in run.notes)


@pytest.mark.parametrize("name", SAMPLES)
def test_exactly_one_claims_it_and_nothing_private_comes_out(tmp_path: Path, name: str) -> None:
    path = sample(tmp_path, name)
    claiming = [importer for importer in importers.IMPORTERS if importer.identify(path)]
    assert claiming == [SAMPLES[name][0]]
    run = importers.read(path)
    told = repr(run) + "".join(str(rows(run, table)) for table in run.tables)
    assert SECRET not in told
    assert URL not in told
    for stream in run.tables.values():
        for batch in stream:
            batch.validate(full=True)
            assert batch.schema == stream.schema


def test_sglang(tmp_path: Path) -> None:
    run = read(tmp_path, "sglang_serving")
    assert (run.model_name, run.tool_version) == ("llama", "0.5.1")
    assert (run.settings["tensor_parallel"], run.settings["request_rate"], run.settings["engine"]) == (
        2,
        "inf",
        "sglang",
    )
    assert {point.concurrency for point in run.points} == {4, 8}
    assert values(run)["e2e", "p99"] == pytest.approx(4 * MS)
    assert values(run)["output_throughput", "total"] == 10.0
    assert run.points[0].output_tokens == pytest.approx(17 / 3)
    assert [row["ttft_s"] for row in rows(run)[:3]] == [0.1, 0.2, 0.3]
    assert len(rows(run, "itl")) == 2 * 14


def test_sglang_of_a_fixed_batch(tmp_path: Path) -> None:
    run = read(tmp_path, "sglang_batch")
    assert values(run) == {
        ("ttft", "mean"): 0.1, ("itl", "median"): 0.02, ("e2e", "mean"): 0.12, ("total_throughput", "total"): 333.0,
    }  # fmt: skip
    assert (run.points[0].concurrency, run.settings["mode"]) == (4, "batch")
    assert values(read(tmp_path, "sglang_offline")) == {("output_throughput", "total"): 10.0}


def test_guidellm_of_both_ages_means_other_things_by_time_per_token(tmp_path: Path) -> None:
    new, old = read(tmp_path, "guidellm_0.5"), read(tmp_path, "guidellm_0.2")
    assert values(new)["latency_per_output_token_by_token", "mean"] == pytest.approx(130 * MS)
    assert values(old)["decode_time_per_output_token_by_token", "mean"] == pytest.approx(130 * MS)
    assert "first token" in str(new.settings["tpot_definition"])
    assert ("total_throughput", "mean") in values(new)
    assert ("total_throughput", "mean") not in values(old)
    assert (new.points[0].request_rate, new.points[0].concurrency) == (2.0, None)
    assert (old.points[0].request_rate, old.points[0].concurrency) == (None, 2)
    assert (new.tool_version, old.tool_version, old.model_name) == ("0.5.3", "0.2 or 0.3", load_samples.MODEL)


def test_guidellm_weighs_by_token_and_we_do_not(tmp_path: Path) -> None:
    run = read(tmp_path, "guidellm_0.5")
    own = [(e2e - ttft) / (output - 1) for _, ttft, e2e, _, output in REQUESTS]
    assert values(run)["tpot_by_token", "mean"] == pytest.approx(90 * MS)
    assert values(run)["tpot", "mean"] == pytest.approx(np.mean(own))
    assert values(run)["tpot", "median"] == pytest.approx(np.median(own))
    assert noted(run, "_by_token")
    assert [row["error"] for row in rows(run)] == [None, None, None, "connection"]
    assert run.summary["failed"] == 1


def test_guidellm_with_answers_of_one_length(tmp_path: Path) -> None:
    report = load_samples.guidellm_report(modern=True)
    same = load_samples.statistics(6.0, min=6.0, max=6.0)
    report["benchmarks"][0]["metrics"]["output_token_count"] = {"successful": same}
    found = values(of(tmp_path, report))
    assert found["tpot", "mean"] == pytest.approx(90 * MS)
    assert "latency_per_output_token" in {metric for metric, _ in found}


def test_guidellm_as_yaml_is_the_same(tmp_path: Path) -> None:
    assert set(read(tmp_path, "guidellm_yaml").points) == set(read(tmp_path, "guidellm_0.5").points)


def test_yaml_that_expands_or_makes_objects_is_refused(tmp_path: Path) -> None:
    bomb = "args: {guidellm: &a0 [x, x]}\nb: " + "\n".join(
        f"  - &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)
    ).replace("  -", "\n  -", 1)
    with pytest.raises(TooLarge, match="references"):
        of(tmp_path, bomb)
    with pytest.raises(MalformedFile, match="YAML"):
        of(tmp_path, "benchmarks: !!python/object/apply:os.system ['true']\n# guidellm")


def test_guidellm_old_csv(tmp_path: Path) -> None:
    run = read(tmp_path, "guidellm_old_csv")
    assert values(run)["ttft", "p99"] == pytest.approx(200 * MS)
    assert (run.points[0].concurrency, run.model_name) == (2, load_samples.MODEL)


def test_guidellm_csv_with_shifted_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedFile, match="different lengths"):
        of(tmp_path, load_samples.guidellm_old_csv() + "generative_benchmark,x\n")


def test_aiperf_and_genai_perf(tmp_path: Path) -> None:
    new, first, old = (read(tmp_path, name) for name in ("aiperf", "aiperf_0.1", "genai_perf"))
    assert values(new) == values(first)
    assert values(new)["tpot", "mean"] == pytest.approx(90 * MS)
    assert (new.tool, new.tool_version, new.model_name, new.points[0].concurrency) == (
        "AIPerf", "0.4.0", load_samples.MODEL, 4,
    )  # fmt: skip
    assert (old.tool, old.points[0].concurrency) == ("GenAI-Perf", 2)
    assert values(read(tmp_path, "genai_perf_csv"))["e2e", "mean"] == pytest.approx(1.7335)


def test_aiperf_whose_tokenizer_counts_otherwise(tmp_path: Path) -> None:
    def whole(mean: float) -> dict[str, object]:
        return {"unit": "tokens", "avg": mean}

    run = of(
        tmp_path,
        load_samples.aiperf_result(
            usage_completion_tokens=whole(5.0),
            total_usage_completion_tokens=whole(15.0),
            benchmark_duration={"unit": "sec", "avg": 2.0},
        ),
    )
    assert values(run)["tpot_client_tokens", "mean"] == pytest.approx(90 * MS)
    assert values(run)["output_throughput", "total"] == 7.5
    assert run.points[0].output_tokens == 5.0
    assert noted(run, "own tokenizer")


def test_requests_of_aiperf_are_summed_up_here(tmp_path: Path) -> None:
    run = read(tmp_path, "aiperf_requests")
    assert noted(run, "1 requests of the warm-up")
    _check_derived(run)
    assert len(rows(run, "itl")) == 14


def test_requests_of_inference_perf_and_of_a_table(tmp_path: Path) -> None:
    _check_derived(read(tmp_path, "inference_perf_requests"))
    run = read(tmp_path, "table_requests")
    assert run.summary == pytest.approx(
        {"requests": 1, "failed": 1, "prompt_tokens": 10, "output_tokens": 5, "duration_s": 0.5}
    )
    assert rows(run)[1]["error"] == "timeout"


def _check_derived(run: Run) -> None:
    found = values(run)
    assert found["ttft", "median"] == pytest.approx(0.2)
    assert found["e2e", "mean"] == pytest.approx(2.2 / 3)
    assert found["e2e", "p99"] == pytest.approx(np.percentile([0.5, 1.0, 0.7], 99))
    assert found["tpot", "mean"] == pytest.approx(0.4 / 3)
    assert found["output_throughput", "total"] == pytest.approx(17 / 1.7)
    assert found["request_throughput", "total"] == pytest.approx(3 / 1.7)


def test_inference_perf_stage_and_summary(tmp_path: Path) -> None:
    run = read(tmp_path, "inference_perf")
    assert values(run)["tpot", "mean"] == pytest.approx(0.1)
    assert values(run)["latency_per_output_token", "p99.9"] == pytest.approx(0.36)
    assert (run.points[0].request_rate, run.points[0].prompt_tokens, run.summary["failed"]) == (2.0, 20.0, 1.0)
    assert noted(of(tmp_path, load_samples.lifecycle_report(None)), "mixes every stage")


def test_inference_perf_that_counts_tokens_twice(tmp_path: Path) -> None:
    run = of(tmp_path, load_samples.lifecycle_report(double=True))
    assert ("tpot", "mean") not in values(run)
    assert values(run)["tpot_client_tokens", "mean"] == pytest.approx(0.05)
    assert values(run)["latency_per_output_token", "mean"] == pytest.approx(0.12)


def test_llmperf(tmp_path: Path) -> None:
    run = read(tmp_path, "llmperf")
    assert values(run)["latency_per_output_token", "median"] == pytest.approx(0.13)
    assert values(run)["request_throughput", "total"] == pytest.approx(2.0)
    assert (run.points[0].concurrency, run.started) == (4, "2024-06-12T15:39:15+00:00")
    listed = read(tmp_path, "llmperf_requests")
    assert [row["error"] for row in rows(listed)] == [None, None, None, "connection"]
    assert values(listed)["tpot", "mean"] == pytest.approx(0.4 / 3)


def test_inferencex(tmp_path: Path) -> None:
    run = read(tmp_path, "inferencex")
    assert (run.gpu_names, run.gpu, run.model_name) == (("h200",), "h200-sxm", "openai/gpt-oss-120b")
    assert {point.concurrency for point in run.points} == {16, 64}
    assert values(run)["total_throughput", "total"] == 4000.0
    assert values(run)["ttft", "p99"] == 0.3
    split = of(tmp_path, load_samples.inferencex_aggregate(disagg=True))
    assert values(split)["total_per_gpu_throughput", "total"] == 500.0


def test_locust(tmp_path: Path) -> None:
    run = read(tmp_path, "locust_stats")
    assert values(run)["e2e", "mean"] == pytest.approx(0.7505)
    assert values(run)["e2e", "p99"] == pytest.approx(1.0)
    assert values(run)["request_throughput", "total"] == 2.0
    assert run.summary == {"requests": 4.0, "failed": 1.0}
    assert [row["time_s"] for row in rows(read(tmp_path, "locust_history"), "history")][:2] == [0.0, 1.0]
    assert noted(read(tmp_path, "locust_failures"), "3 connection")
    assert read(tmp_path, "locust_exceptions").summary == {"exceptions": 2.0}


def test_varcas_counts_as_successful_what_never_ended(tmp_path: Path) -> None:
    run = read(tmp_path, "varcas")
    assert values(run)["e2e", "p99"] == pytest.approx(0.994)
    assert values(run)["sending_request_throughput", "total"] == 4.0
    assert "request_throughput" not in {metric for metric, _ in values(run)}
    assert noted(run, "1 of 4 requests that varcas calls successful never ended")
    assert [row["error"] for row in rows(run)] == [None, None, None, "cancelled", "connection"]
    assert run.points[0].request_rate == 20.0
    assert set(read(tmp_path, "varcas_dynamic").points) == set(run.points)


def test_varcas_static_is_calculated(tmp_path: Path) -> None:
    run = read(tmp_path, "varcas_static")
    assert (run.gpu, run.settings["quantization"]) == ("t4", "awq")
    assert run.notes[0].severity is Severity.WARNING
    point = run.points[1]
    assert (point.metric, point.value, point.concurrency, point.prompt_tokens) == (
        "decode_arithmetic_intensity", 11.5, 4, 512,
    )  # fmt: skip


def test_offline_benchmarks_of_vllm(tmp_path: Path) -> None:
    assert values(read(tmp_path, "vllm_latency")) == {("e2e", "mean"): 0.5, ("e2e", "median"): 0.5}
    assert noted(read(tmp_path, "vllm_latency"), "does not tell batch size")
    assert values(read(tmp_path, "vllm_throughput")) == {
        ("request_throughput", "total"): 2.0, ("total_throughput", "total"): 99.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ttft_ms,what\n1,2\n", '"what" is not known'),
        ("ttft_ms,ttft_ms\n1,2\n", "two columns"),
        ("ttft_ms\n", "no line"),
        ("ttft_ms,tpot_ms\n1\n", "more or fewer"),
        ("ttft_ms\n1;5\n", "a point before the decimals"),
        ("ttft_ms\nfast\n", 'line 2: ttft_ms is "fast"'),
        ("ttft_ms\n-1\n", "no number of 0"),
        ("ttft_ms,gpu\n1,t4\n2,l4\n", "gpu differs"),
    ],
)
def test_faults_of_a_plain_table_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MalformedFile, match=words):
        of(tmp_path, text)


def test_a_plain_table_in_seconds_with_semicolons(tmp_path: Path) -> None:
    run = of(tmp_path, "gpu;ttft_s;e2e_p99.9_ms;tpot_max_ms\nh100-sxm;0.2;900;12\n")
    assert values(run) == {("ttft", "mean"): 0.2, ("e2e", "p99.9"): 0.9, ("tpot", "max"): 0.012}
    assert run.gpu == "h100-sxm"


def test_our_own_predictions_are_no_measurements(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match="predictions"):
        of(tmp_path, "gpu,model,ttft_ms,tpot_ms,fits,basis\nt4,x,1,2,true,assumed\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"load_summary": {}, "successes": {}}', "Prometheus"),
        ('{"schema_version": "1.1", "aiperf_version": "1", "metrics": {}}', "server metrics of AIPerf"),
        ('{"benchmarks": [{"mode": "synchronous"}]}', "before 0.2"),
        ('{"timeslices": [], "input_config": {}}', "time slices"),
    ],
)
def test_files_beside_the_results_are_named(text: str, words: str) -> None:
    assert words in describe(text.encode())


@pytest.mark.parametrize("name", ["load_points.csv", "requests.csv"])
def test_the_templates_are_what_they_say(name: str) -> None:
    run = importers.read(Path(importers.__file__).parents[1] / "data" / "samples" / name)
    assert (run.gpu, run.tool) == ("h100-sxm", "table")
    assert {"ttft", "tpot", "e2e"} <= {point.metric for point in run.points}
