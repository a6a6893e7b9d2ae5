"""Small load-test results made by code, one for each format, faithful to the tools' schemas, each with secrets in it.

Lengths differ between requests, so that a mean over requests and one over tokens are two numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from importers import (
    aiperf,
    aiperf_csv,
    aiperf_records,
    guidellm,
    guidellm_csv,
    inference_perf,
    inference_perf_requests,
    inferencex,
    llmperf,
    locust,
    sglang,
    sglang_batch,
    table,
    varcas,
    vllm_bench,
    vllm_offline,
    vllm_sweep,
)
from tests.importers.samples import SECRET, result

URL = f"http://{SECRET}.internal:8000"
MODEL = "meta-llama/Llama-3.1-8B-Instruct"
REQUESTS = ((0.0, 0.1, 0.5, 10, 5), (0.5, 0.2, 1.0, 20, 9), (1.0, 0.3, 0.7, 30, 3))
"""Sent, TTFT, end to end [s], prompt and output tokens."""
FAILURE = f"Cannot connect to host {SECRET}:8000"


def sglang_run(**changes: Any) -> dict[str, Any]:
    """A line of bench_serving with its requests."""
    values = {"mean": 1.0, "median": 2.0, "std": 3.0, "p99": 4.0}
    return {
        "tag": None,
        "backend": "sglang",
        "dataset_name": "random",
        "request_rate": float("inf"),
        "max_concurrency": 4,
        "random_input_len": 20,
        "random_output_len": 6,
        "random_range_ratio": 1.0,
        "server_info": {"model_path": f"/home/{SECRET}/models/llama", "tp_size": 2, "version": "0.5.1", "host": SECRET},
        "duration": 1.7,
        "completed": 3,
        "total_input_tokens": 60,
        "total_output_tokens": 17,
        "total_output_tokens_retokenized": 18,
        "request_throughput": 1.76,
        "input_throughput": 35.0,
        "output_throughput": 10.0,
        **{f"{key}_{metric}_ms": v for metric in ("ttft", "tpot", "itl", "e2e_latency") for key, v in values.items()},
        "concurrency": 1.29,
        "accept_length": None,
        "input_lens": [10, 20, 30],
        "output_lens": [5, 9, 3],
        "ttfts": [0.1, 0.2, 0.3],
        "itls": [[0.1] * 4, [0.1] * 8, [0.2, 0.2]],
        "generated_texts": [SECRET, SECRET, ""],
        "errors": ["", "", ""],
        **changes,
    }


def statistics(mean: float, **more: float) -> dict[str, Any]:
    """A distribution as GuideLLM writes it."""
    percentiles = dict.fromkeys(("p001", "p01", "p05", "p10", "p25", "p75", "p90", "p95", "p99", "p999"), mean * 2)
    return {"mean": mean, "median": mean, "std_dev": 0.5, "min": 3.0, "max": 9.0, "percentiles": percentiles, **more}


def guidellm_report(*, modern: bool) -> dict[str, Any]:
    """A report of GuideLLM 0.2, or of 0.5."""
    metrics = {
        "requests_per_second": statistics(2.0),
        "request_latency": statistics(0.75),
        "time_to_first_token_ms": statistics(200.0),
        "inter_token_latency_ms": statistics(90.0),
        "time_per_output_token_ms": statistics(130.0),
        "output_tokens_per_second": statistics(11.0),
        "tokens_per_second": statistics(50.0),
        "prompt_token_count": statistics(20.0),
        "output_token_count": statistics(17 / 3),
    }
    requests = [_guidellm_request(*values, modern=modern) for values in REQUESTS]
    failed = _guidellm_request(1.2, 0.0, 0.0, 10, 0, modern=modern) | {"error": FAILURE, "info": {"error": FAILURE}}
    totals = {"successful": 3, "errored": 1, "incomplete": 0, "total": 4}
    strategy = {"type_": "constant", "rate": 2.0} if modern else {"type_": "concurrent", "streams": 2}
    benchmark = {
        "type_": "generative_benchmark",
        **({"config": {"strategy": strategy, "backend": {"model": MODEL, "target": URL}}} if modern else {}),
        **(
            {}
            if modern
            else {"args": {"strategy": strategy}, "worker": {"backend_model": MODEL, "backend_target": URL}}
        ),
        "metrics": {key: {"successful": value} for key, value in metrics.items()}
        | ({"request_totals": totals} if modern else {}),
        **({} if modern else {"request_totals": totals}),
        "requests": {"successful": requests, "errored": [failed], "incomplete": []},
        "duration": 1.7,
    }
    head = {"metadata": {"version": 1, "guidellm_version": "0.5.3"}, "args": {"target": URL, "model": MODEL}}
    return {**(head if modern else {}), "benchmarks": [benchmark]}


def _guidellm_request(
    sent: float, ttft: float, e2e: float, prompt: int, output: int, *, modern: bool
) -> dict[str, Any]:
    return {
        "request_id": SECRET,
        ("request_args" if modern else "prompt"): SECRET,
        "output": SECRET,
        ("request_start_time" if modern else "start_time"): 1.7e9 + sent,
        "request_latency": e2e,
        "time_to_first_token_ms": ttft * 1e3,
        "inter_token_latency_ms": (e2e - ttft) * 1e3 / (output - 1) if output > 1 else None,
        "prompt_tokens": prompt,
        "output_tokens": output,
    }


def guidellm_old_csv() -> str:
    """The CSV of GuideLLM 0.2: one header line."""
    listed = "[min, 0.1, 1, 5, 10, 25, 75, 90, 95, 99, max]"
    cells = {"Type": "generative_benchmark", "Run Id": SECRET, "Id": SECRET, "Name": "concurrent@2", "Duration": "1.7"}
    cells["Successful Requests"] = "3"
    for metric, mean in {"Request latency": 0.75, "Time to first token ms": 200.0, "Output token count": 6.0}.items():
        cells[f"Successful {metric} mean"] = str(mean)
        cells[f"Successful {metric} {listed}"] = "[" + ", ".join([str(mean)] * 11) + "]"
    cells["Worker"] = json.dumps({"backend_model": MODEL, "backend_target": URL})
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells.values()]
    return ",".join(f'"{key}"' for key in cells) + "\n" + ",".join(quoted) + "\n"


def aiperf_result(**changes: Any) -> dict[str, Any]:
    """AIPerf's JSON; without its version and with fewer keys it is GenAI-Perf's."""

    def of(unit: str, mean: float) -> dict[str, Any]:
        return {"unit": unit, "avg": mean, "p50": mean, "p99": mean * 2, "min": 0.1, "max": mean * 3, "std": 0.5}

    return {
        "aiperf_version": "0.4.0",
        "request_throughput": {"unit": "requests/sec", "avg": 1.76},
        "request_latency": of("ms", 733.0),
        "request_count": {"unit": "requests", "avg": 3.0},
        "time_to_first_token": of("ms", 200.0),
        "inter_token_latency": of("ms", 90.0),
        "output_token_throughput": {"unit": "tokens/sec", "avg": 10.0},
        "output_sequence_length": of("tokens", 6.0),
        "input_sequence_length": of("tokens", 20.0),
        "input_config": {
            "endpoint": {"model_names": [MODEL], "type": "chat", "urls": [URL], "api_key": SECRET, "streaming": True},
            "loadgen": {"concurrency": 4},
        },
        "run_info": {"cli_command": f"aiperf --url {URL}"},
        "error_summary": [{"error_details": {"message": FAILURE}, "count": 1}],
        "was_cancelled": False,
        "start_time": "2026-01-02T03:04:05",
        **changes,
    }


def genai_perf_result() -> dict[str, Any]:
    """GenAI-Perf's JSON."""
    found = aiperf_result()
    for key in ("aiperf_version", "request_count", "run_info", "error_summary", "was_cancelled", "start_time"):
        del found[key]
    config = {"model_names": [MODEL], "endpoint": {"url": URL}, "perf_analyzer": {"stimulus": {"concurrency": 2}}}
    return {**found, "input_config": config}


def aiperf_line(sent: float, ttft: float, e2e: float, prompt: int, output: int, phase: str = "profiling") -> str:
    """A line of profile_export.jsonl."""
    values = {
        "time_to_first_token": (ttft * 1e3, "ms"),
        "request_latency": (e2e * 1e3, "ms"),
        "inter_chunk_latency": ([(e2e - ttft) * 1e3 / (output - 1)] * (output - 1), "ms"),
        "usage_prompt_tokens": (prompt, "tokens"),
        "usage_completion_tokens": (output, "tokens"),
        "output_sequence_length": (output + 2, "tokens"),
    }
    return json.dumps(
        {
            "metadata": {"request_start_ns": int((1.7e9 + sent) * 1e9), "benchmark_phase": phase, "worker_id": SECRET},
            "metrics": {key: {"value": value, "unit": unit} for key, (value, unit) in values.items()},
            "error": None,
        }
    )


def lifecycle_report(rate: float | None = 2.0, *, double: bool = False) -> dict[str, Any]:
    """A report of inference-perf; `double` counts every token twice, as versions up to 0.2 did."""

    def of(mean: float) -> dict[str, float]:
        return {"mean": mean, "min": 0.0, "median": mean, "p99": mean * 2, "p99.9": mean * 3, "max": mean * 4}

    load = {
        "count": 3,
        "schedule_delay": of(0.001),
        **({"requested_rate": rate, "achieved_rate": rate} if rate else {}),
    }
    step = 0.1 / (2 if double else 1)
    return {
        "load_summary": load,
        "successes": {
            "count": 3,
            "latency": {
                "request_latency": of(0.7),
                "time_to_first_token": of(0.2),
                "time_per_output_token": of(step),
                "normalized_time_per_output_token": of(0.12),
                "inter_token_latency": of(step),
            },
            "throughput": {"output_tokens_per_sec": 12.0, "total_tokens_per_sec": 52.0, "requests_per_sec": 2.0},
            "prompt_len": of(20.0),
            "output_len": of(6.0),
        },
        "failures": {"count": 1, "by_label": {SECRET: 1}},
    }


def lifecycle_request(sent: float, ttft: float, e2e: float, prompt: int, output: int) -> dict[str, Any]:
    """A request of inference-perf's list."""
    times = [sent + ttft + step * (e2e - ttft) / (output - 1) for step in range(output)]
    return {
        "start_time": 100 + sent,
        "end_time": 100 + sent + e2e,
        "request": json.dumps({"prompt": SECRET}),
        "response": SECRET,
        "info": {"input_tokens": prompt, "output_tokens": output, "output_token_times": [100 + t for t in times]},
        "error": None,
    }


def llmperf_summary() -> dict[str, Any]:
    """LLMPerf's summary; its integers are texts."""
    found: dict[str, Any] = {
        "version": "2023-08-31",
        "name": "x_summary",
        "model": MODEL,
        "mean_input_tokens": 20,
        "stddev_input_tokens": 5,
        "mean_output_tokens": 6,
        "num_concurrent_requests": 4,
    }
    for metric, mean in {"inter_token_latency_s": 0.13, "ttft_s": 0.2, "end_to_end_latency_s": 0.73}.items():
        found |= {f"results_{metric}_quantiles_p50": mean, f"results_{metric}_quantiles_p99": mean * 2}
        found |= {f"results_{metric}_mean": mean, f"results_{metric}_stddev": 0.01}
    return found | {
        "results_number_input_tokens_mean": 20.0,
        "results_number_input_tokens_min": "10",
        "results_number_output_tokens_mean": 17 / 3,
        "results_number_errors": 1,
        "results_error_code_frequency": f"{{'{SECRET}': 1}}",
        "results_mean_output_throughput_token_per_s": 10.0,
        "results_num_completed_requests": 3,
        "results_num_completed_requests_per_min": 120.0,
        "timestamp": 1718206755,
    }


def llmperf_requests() -> list[dict[str, Any]]:
    """LLMPerf's list of requests."""
    good = [
        {
            "error_code": None,
            "error_msg": "",
            "inter_token_latency_s": e2e / output,
            "ttft_s": ttft,
            "end_to_end_latency_s": e2e,
            "number_input_tokens": prompt,
            "number_output_tokens": output,
            "start_time": sent,
        }
        for sent, ttft, e2e, prompt, output in REQUESTS
    ]
    return [*good, {**good[0], "error_code": 500, "error_msg": FAILURE}]


def inferencex_aggregate(**changes: Any) -> dict[str, Any]:
    """An agg_*.json of InferenceX."""
    return {
        "hw": "h200-cw",
        "tp": 8,
        "ep": 1,
        "dp_attention": "false",
        "conc": 16,
        "model": "openai/gpt-oss-120b",
        "framework": "vllm",
        "precision": "fp4",
        "isl": 1024,
        "osl": 1024,
        "tput_per_gpu": 500.0,
        "output_tput_per_gpu": 250.0,
        "mean_ttft": 0.1,
        "p99_ttft": 0.3,
        "median_tpot": 0.008,
        "median_intvty": 125.0,
        "mean_itl": 0.0081,
        "mean_e2el": 8.3,
        **changes,
    }


def locust_stats() -> str:
    """Locust's statistics: one kind of request and their sum."""
    header = (
        "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,"
        "Max Response Time,Average Content Size,Requests/s,Failures/s,50%,95%,99%,100%"
    )
    row = "5,1,700,750.5,500,1000,80,2.5,0.5,700,990,1000,1000"
    return f"{header}\nPOST,{URL}/v1,{row}\n,Aggregated,{row}\n"


def locust_history() -> str:
    """Locust's history: two users but for the first moment."""
    header = "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,95%,Total Request Count"
    rows = [f"{1795229221 + at},{2 if at else 0},,Aggregated,2.5,0,{'N/A' if not at else 700},990,5" for at in range(9)]
    return "\n".join([header, *rows]) + "\n"


def varcas_test() -> dict[str, Any]:
    """A load test of varcas, whose last request never ended."""
    records = [
        {
            "request_id": SECRET,
            "workload_name": "chat",
            "timestamp_sent": 1.7e9 + sent,
            "timestamp_first_token": 1.7e9 + sent + ttft,
            "timestamp_last_token": 1.7e9 + sent + e2e,
            "input_tokens": prompt,
            "output_tokens": output,
            "prompt_text": SECRET,
            "output_text": SECRET,
            "error": None,
        }
        for sent, ttft, e2e, prompt, output in REQUESTS
    ]
    unended = {**records[0], "timestamp_last_token": None, "timestamp_first_token": None, "output_tokens": 0}
    failed = {**unended, "error": FAILURE}
    return {
        "experiment_id": "9119babe",
        "profile_name": "chat_medium",
        "config": {"arrival_process": "poisson", "target_rps": 20.0, "concurrency": 10, "open_loop": True},
        "start_time": "2026-02-11T09:41:35",
        "metrics": {
            "total_requests": 5,
            "successful_requests": 4,
            "failed_requests": 1,
            "throughput_rps": 4.0,
            "throughput_tok_s": 17.0,
            "ttft_p50_ms": 200.0,
            "ttft_p99_ms": 298.0,
            "tpot_p50_ms": 100.0,
            "tpot_p99_ms": 198.0,
            "latency_p50_ms": 700.0,
            "latency_p99_ms": 994.0,
        },
        "records": [*records, unended, failed],
    }


def varcas_static() -> dict[str, Any]:
    """A static analysis of varcas."""
    return {
        "analysis_type": "static_roofline",
        "timestamp": "2026-02-11T09:38:16",
        "gpu": {"name": "Tesla T4", "peak_fp16_flops": 65.0},
        "model": {"name": "Llama-2-7B-AWQ", "quantization": "awq"},
        "prefill_results": [{"phase": "prefill", "batch_size": 1, "seq_len": 64, "arithmetic_intensity": 190.0}],
        "decode_results": [{"phase": "decode", "batch_size": 4, "context_len": 512, "arithmetic_intensity": 11.5}],
    }


def lines(*objects: Any) -> str:
    """Objects as JSON lines."""
    return "".join(json.dumps(one) + "\n" for one in objects)


GENAI_PERF_CSV = """Metric,avg,min,max,p99,p50
Request Latency (ms),"1,733.50",1.0,2.0,3.0,4.0

Metric,Value
Request Throughput (per sec),1.76
"""
SAMPLES: dict[str, tuple[ModuleType, str]] = {
    "vllm_serve": (vllm_bench, json.dumps(result(errors=["", FAILURE, ""], generated_texts=[SECRET, "", SECRET]))),
    "vllm_appended": (vllm_bench, lines(result(), result(max_concurrency=8))),
    "vllm_sweep": (vllm_sweep, json.dumps([result(run_number=0), result(run_number=1)], indent=4)),
    "vllm_latency": (
        vllm_offline,
        json.dumps({"model_id": "m", "avg_latency": 0.5, "latencies": [0.4, 0.6], "percentiles": {"50": 0.5}}),
    ),
    "vllm_throughput": (
        vllm_offline,
        lines({"elapsed_time": 2, "num_requests": 4, "requests_per_second": 2, "tokens_per_second": 99}),
    ),
    "sglang_serving": (sglang, lines(sglang_run(), sglang_run(max_concurrency=8))),
    "sglang_batch": (
        sglang_batch,
        lines(
            {
                "run_name": "x",
                "batch_size": 4,
                "input_len": 8,
                "output_len": 2,
                "prefill_latency": 0.1,
                "median_decode_latency": 0.02,
                "total_latency": 0.12,
                "overall_throughput": 333.0,
            }
        ),
    ),
    "sglang_offline": (
        sglang_batch,
        lines(
            {
                "backend": "engine",
                "successful_requests": 4,
                "total_latency": 2.0,
                "total_input_tokens": 40,
                "total_output_tokens": 20,
                "output_throughput": 10.0,
            }
        ),
    ),
    "guidellm_0.5": (guidellm, json.dumps(guidellm_report(modern=True))),
    "guidellm_0.2": (guidellm, json.dumps(guidellm_report(modern=False))),
    "guidellm_yaml": (guidellm, yaml.safe_dump(guidellm_report(modern=True))),
    "guidellm_old_csv": (guidellm_csv, guidellm_old_csv()),
    "aiperf": (aiperf, json.dumps(aiperf_result())),
    "aiperf_0.1": (aiperf, json.dumps({"records": aiperf_result(), "input_config": aiperf_result()["input_config"]})),
    "genai_perf": (aiperf, json.dumps(genai_perf_result())),
    "genai_perf_csv": (aiperf_csv, GENAI_PERF_CSV),
    "aiperf_requests": (
        aiperf_records,
        "\n".join([aiperf_line(*REQUESTS[0], phase="warmup"), *(aiperf_line(*one) for one in REQUESTS)]),
    ),
    "inference_perf": (inference_perf, json.dumps(lifecycle_report())),
    "inference_perf_requests": (inference_perf_requests, json.dumps([lifecycle_request(*one) for one in REQUESTS])),
    "llmperf": (llmperf, json.dumps(llmperf_summary(), indent=4)),
    "llmperf_requests": (llmperf, json.dumps(llmperf_requests())),
    "inferencex": (inferencex, json.dumps([inferencex_aggregate(), inferencex_aggregate(conc=64)])),
    "locust_stats": (locust, locust_stats()),
    "locust_history": (locust, locust_history()),
    "locust_failures": (locust, f"Method,Name,Error,Occurrences,First Seen\nPOST,/v1,{FAILURE},3,1\n"),
    "locust_exceptions": (locust, f"Count,Message,Traceback,Nodes\n2,{SECRET},{SECRET},{SECRET}\n"),
    "varcas": (varcas, json.dumps(varcas_test())),
    "varcas_static": (varcas, json.dumps(varcas_static(), indent=2)),
    "varcas_dynamic": (
        varcas,
        json.dumps({"analysis_type": "dynamic_from_load_test", "timestamp": "x", "load_test_results": varcas_test()}),
    ),
    "table": (table, "concurrency,output_tokens,ttft_ms,tpot_p99_ms,output_throughput_per_s\n4,6,200,90,10\n"),
    "table_requests": (
        table,
        f"arrival_s,prompt_tokens,output_tokens,ttft_ms,e2e_ms,error\n0,10,5,100,500,\n0.5,20,,,,{SECRET} timed out\n",
    ),
}
"""Name -> who claims it, and its text."""


def sample(folder: Path, name: str, file: str = "") -> Path:
    """A sample as a file."""
    path = folder / (file or name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SAMPLES[name][1], encoding="utf-8")
    return path
