"""Every file of ../shared/loadtests: one importer or a named refusal, and the tool's own numbers to the last digit."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import importers
from importers import (
    aiperf,
    aiperf_csv,
    aiperf_records,
    guidellm,
    guidellm_csv,
    inference_perf,
    inference_perf_requests,
    inferencex,
    locust,
    sglang,
    vllm_bench,
    vllm_offline,
    vllm_sweep,
)
from planner.errors import UnknownFormat
from planner.measured import Run
from tests.importers.samples import LOADTEST_FILES, SHARED, json_documents

HERE = SHARED / "loadtests"
CLAIMS: tuple[tuple[str, ModuleType | str], ...] = (
    (r"aiperf/.*profile_export_aiperf\.json", aiperf),
    (r"aiperf/.*profile_export_aiperf\.csv", aiperf_csv),
    (r"aiperf/.*profile_export\.jsonl", aiperf_records),
    (r"aiperf/.*server_metrics_export\.json", "server metrics of AIPerf"),
    (r"aiperf/.*phase_manifest\.json", "list of phases"),
    (r"guidellm/.*\.json", guidellm),
    (r"guidellm/.*\.csv", guidellm_csv),
    (r"inference_perf/.*(stage_\d|summary)_lifecycle_metrics\.json", inference_perf),
    (r"inference_perf/.*per_request_lifecycle_metrics\.json", inference_perf_requests),
    (r"inference_perf/.*_prometheus_metrics\.json", "Prometheus"),
    (r"inference_perf/.*validation\.json", "validation"),
    (r"inferencex/.*", inferencex),
    (r"locust/.*", locust),
    (r"sglang/.*", sglang),
    (r"tiny_llama/config\.json", "config.json of a model"),
    (r"vllm_bench/(latency_.*|throughput)\.json", vllm_offline),
    (r"vllm_bench/(serve_|prefix_|openai-).*\.jsonl?", vllm_bench),
    (r"vllm_sweep/exp1/.*/run=0\.json", vllm_bench),
    (r"vllm_sweep/exp1/(.*/summary\.json|summary\.csv)", vllm_sweep),
    (r".*", "looks like"),
)
MS = 1e-3
Expected = Iterator[tuple[str, str, float]]
pytestmark = pytest.mark.skipif(not LOADTEST_FILES, reason="../shared/loadtests is not here")


def name_of(path: Path) -> str:
    return path.relative_to(HERE).as_posix()


def values(run: Run, **where: float) -> dict[tuple[str, str], float]:
    points = [point for point in run.points if all(getattr(point, key) == value for key, value in where.items())]
    return {(point.metric, point.statistic): point.value for point in points}


def column(run: Run, name: str, table: str = "requests", result: int = 0) -> np.ndarray:
    stream = run.tables[table]
    whole = pa.Table.from_batches(list(stream), stream.schema)
    found = whole.filter(pa.compute.equal(whole["result"], result))[name]
    return np.asarray(found.to_pandas(), dtype=float)


@pytest.mark.parametrize("path", LOADTEST_FILES, ids=name_of)
def test_one_importer_or_a_named_refusal(path: Path) -> None:
    expected = next(what for pattern, what in CLAIMS if re.fullmatch(pattern, name_of(path)))
    claiming = [importer for importer in importers.IMPORTERS if importer.identify(path)]
    if isinstance(expected, str):
        assert not claiming
        with pytest.raises(UnknownFormat, match=expected):
            importers.read(path)
    else:
        assert claiming == [expected]
        assert isinstance(importers.read(path), Run)


def check(run: Run, expected: Expected, **where: float) -> None:
    found, count = values(run, **where), 0
    for metric, statistic, value in expected:
        assert found[metric, statistic] == pytest.approx(value, rel=1e-12), (metric, statistic)
        count += 1
    assert count > 5


@pytest.mark.parametrize("file", ["vllm_c4_0.5.23.jsonl", "vllm_rate6_0.5.23.jsonl"])
def test_sglang(file: str) -> None:
    run = importers.read(HERE / "sglang" / file)
    (told,) = json_documents(HERE / "sglang" / file)
    metrics = {"ttft": "ttft", "tpot": "tpot", "itl": "itl", "e2e_latency": "e2e"}
    expected = [
        (ours, statistic, told[f"{statistic}_{theirs}_ms"] * MS)
        for theirs, ours in metrics.items()
        for statistic in ("mean", "median", "std", "p90", "p95", "p99")
    ]
    check(run, iter(expected))
    rates = [
        (f"{key}_throughput", "total", told[f"{key}_throughput"]) for key in ("request", "input", "output", "total")
    ]
    assert {(m, s): v for m, s, v in rates}.items() <= values(run).items()
    if "itls" in told:
        for metric, data in (("ttft", column(run, "ttft_s")), ("itl", column(run, "gap_s", "itl"))):
            for percentile in (90, 95, 99):
                own = np.percentile(data, percentile)
                assert values(run)[metric, f"p{percentile}"] == pytest.approx(own, rel=1e-9)
            assert values(run)[metric, "mean"] == pytest.approx(data.mean(), rel=1e-9)


def test_guidellm() -> None:
    path = HERE / "guidellm" / "benchmarks_0.8.1_concurrent.json"
    run, table = importers.read(path), importers.read(path.with_suffix(".csv"))
    metrics = {
        "request_latency": ("e2e", 1.0),
        "time_to_first_token_ms": ("ttft", MS),
        "inter_token_latency_ms": ("tpot", MS),
        "time_per_output_token_ms": ("latency_per_output_token", MS),
    }
    for place, benchmark in enumerate(json.loads(path.read_text())["benchmarks"]):
        streams = benchmark["config"]["strategy"]["streams"]
        for theirs, (ours, unit) in metrics.items():
            told = benchmark["metrics"][theirs]["successful"]
            found = values(run, concurrency=streams)
            assert found[ours, "mean"] == pytest.approx(told["mean"] * unit, rel=1e-12)
            for theirs_p, ours_p in {"p05": "p5", "p90": "p90", "p99": "p99", "p999": "p99.9"}.items():
                assert found[ours, ours_p] == pytest.approx(told["percentiles"][theirs_p] * unit, rel=1e-12)
        for metric, name in (("ttft", "ttft_s"), ("e2e", "e2e_s")):
            data = np.sort(column(run, name, result=place))
            for percentile in (50, 90, 99):  # GuideLLM takes the value at which the share is reached
                own = data[int(np.argmax(np.arange(1, len(data) + 1) / len(data) >= percentile / 100))]
                statistic = "median" if percentile == 50 else f"p{percentile}"
                assert values(run, concurrency=streams)[metric, statistic] == pytest.approx(own, rel=1e-9)
    assert run.summary["requests"] == 48
    assert set(table.points) <= set(run.points)


def test_aiperf() -> None:
    folder = HERE / "aiperf" / "run_c4"
    told = json.loads((folder / "profile_export_aiperf.json").read_text())
    whole, table, listed = (
        importers.read(folder / name)
        for name in ("profile_export_aiperf.json", "profile_export_aiperf.csv", "profile_export.jsonl")
    )
    metrics = {"request_latency": "e2e", "time_to_first_token": "ttft", "inter_chunk_latency": "itl"}
    expected = [
        (ours, "mean" if key == "avg" else "median" if key == "p50" else key, told[theirs][key] * MS)
        for theirs, ours in metrics.items()
        for key in ("avg", "min", "max", "std", "p1", "p50", "p90", "p99")
    ]
    check(whole, iter(expected))
    for key, value in values(table).items():
        assert value == pytest.approx(values(whole)[key], abs=0.0051), key
    for metric, data in (
        ("ttft", column(listed, "ttft_s")),
        ("e2e", column(listed, "e2e_s")),
        ("itl", column(listed, "gap_s", "itl")),
    ):
        for percentile in (1, 25, 75, 99):
            assert values(whole)[metric, f"p{percentile}"] == pytest.approx(np.percentile(data, percentile), rel=1e-9)
        assert values(whole)[metric, "mean"] == pytest.approx(data.mean(), rel=1e-9)
    assert values(whole)["output_throughput", "total"] == pytest.approx(768 / 4.569974528)
    assert whole.summary["requests"] == listed.summary["requests"] == 24


REPORTS = [path for path in LOADTEST_FILES if re.search(r"(stage_\d|summary)_lifecycle", path.name)]


@pytest.mark.parametrize("path", REPORTS, ids=name_of)
def test_inference_perf(path: Path) -> None:
    told, run = json.loads(path.read_text())["successes"], importers.read(path)
    known = {point.metric for point in run.points}
    for theirs, candidates in {
        "request_latency": ("e2e",),
        "time_to_first_token": ("ttft",),
        "time_per_output_token": ("tpot", "tpot_client_tokens"),
        "normalized_time_per_output_token": ("latency_per_output_token", "latency_per_client_token"),
        "inter_token_latency": ("itl", "itl_client_tokens"),
    }.items():
        (ours,) = known & set(candidates)
        for statistic in ("mean", "median", "p0.1", "p90", "p99.9", "max"):
            assert values(run)[ours, statistic] == pytest.approx(told["latency"][theirs][statistic], rel=1e-12)
    assert values(run)["request_throughput", "total"] == told["throughput"]["requests_per_sec"]
    assert run.summary["requests"] == told["count"]


def test_requests_of_inference_perf_are_its_summary() -> None:
    folder = HERE / "inference_perf" / "run_0.7.0"
    whole = importers.read(folder / "summary_lifecycle_metrics.json")
    listed = importers.read(folder / "per_request_lifecycle_metrics.json")
    for metric, data in (
        ("ttft", column(listed, "ttft_s")),
        ("e2e", column(listed, "e2e_s")),
        ("itl_client_tokens", column(listed, "gap_s", "itl")),
    ):
        for percentile in (10, 90, 99):
            assert values(whole)[metric, f"p{percentile}"] == pytest.approx(np.percentile(data, percentile), rel=1e-9)
    assert listed.summary["output_tokens"] == 3072


@pytest.mark.parametrize("path", sorted((HERE / "inferencex").glob("*")), ids=lambda path: path.name)
def test_inferencex(path: Path) -> None:
    (told,), run = json_documents(path), importers.read(path)
    for theirs, ours in {"ttft": "ttft", "tpot": "tpot", "e2el": "e2e"}.items():
        for statistic in ("median", "p99"):
            assert values(run)[ours, statistic] == told[f"{statistic}_{theirs}"]
    assert values(run)["output_throughput", "total"] == told["output_throughput"]
    assert (run.points[0].prompt_tokens, run.points[0].concurrency) == (
        told["total_input_tokens"] / told["completed"], told["max_concurrency"],
    )  # fmt: skip


def test_locust() -> None:
    path = HERE / "locust" / "run_stats.csv"
    told = next(row for row in csv.DictReader(path.read_text().splitlines()) if row["Name"] == "Aggregated")
    run = importers.read(path)
    assert values(run)["e2e", "mean"] == pytest.approx(float(told["Average Response Time"]) * MS)
    for percentile in ("66", "90", "99", "99.9"):
        assert values(run)["e2e", f"p{percentile}"] == pytest.approx(float(told[f"{percentile}%"]) * MS)
    assert values(run)["request_throughput", "total"] == pytest.approx(float(told["Requests/s"]))
    assert run.summary == {"requests": 554, "failed": 0}


@pytest.mark.parametrize("path", sorted((HERE / "vllm_bench").glob("latency_*")), ids=lambda path: path.name)
def test_vllm_latency(path: Path) -> None:
    told: dict[str, Any] = json.loads(path.read_text())
    run = importers.read(path)
    assert values(run)["e2e", "mean"] == told["avg_latency"]
    data = column(run, "e2e_s")
    for percentile, value in told["percentiles"].items():
        statistic = "median" if percentile == "50" else f"p{percentile}"
        assert values(run)["e2e", statistic] == value == pytest.approx(np.percentile(data, int(percentile)), rel=1e-9)


def test_the_csv_of_a_sweep_is_its_combinations() -> None:
    summaries = [importers.read(path) for path in (HERE / "vllm_sweep" / "exp1").glob("*/summary.json")]
    table = importers.read(HERE / "vllm_sweep" / "exp1" / "summary.csv")
    assert set(table.points) == {point for run in summaries for point in run.points}
    assert len(table.points) == 114


def test_the_offline_throughput_of_vllm() -> None:
    run = importers.read(HERE / "vllm_bench" / "throughput.json")
    assert values(run)["total_throughput", "total"] == pytest.approx(28083.820766983034, rel=1e-15)
    assert run.summary["requests"] == 64
