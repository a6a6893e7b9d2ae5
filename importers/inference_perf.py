"""Reports of inference-perf: stage_N_lifecycle_metrics.json, one load each, and summary_lifecycle_metrics.json.

| their key                                            | ours                                              | unit |
| ---------------------------------------------------- | ------------------------------------------------- | ---- |
| successes.latency.request_latency                    | e2e                                               | s    |
| ....time_to_first_token                              | ttft                                              | s    |
| ....time_per_output_token                            | tpot; tpot_client_tokens where the counts differ  | s    |
| ....normalized_time_per_output_token (e2e / tokens)  | latency_per_output_token; ..._client_token        | s    |
| ....inter_token_latency                              | itl; tokens of one chunk are 0 apart              | s    |
| successes.throughput.requests_per_sec, ...           | request_throughput, output_throughput,            | 1/s  |
|                                                      | total_throughput; ..._client_tokens_throughput    |      |
| load_summary.requested_rate                          | request_rate of each point of a stage             | 1/s  |
| load_summary.achieved_rate                           | summary achieved_rate_per_s                       | 1/s  |
| successes.prompt_tokens, output_tokens; *_len (old)  | prompt_tokens, output_tokens of each point: means |      |
| benchmark_time_seconds; successes and failures.count | summary duration_s, requests, failed              | s    |
| failures: labels and messages                        | never kept                                        |      |
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from importers.files import content_hash, head, source_name
from importers.json_parts import Part, objects
from importers.json_text import head_keys
from importers.load_points import Conditions
from planner.errors import MalformedFile
from planner.measured import MeasuredPoint, Note, Run, Severity, sorted_notes

name = "inference-perf (JSON)"

REQUIRED = {"load_summary", "successes"}
SAME_COUNT = 0.005
"""Counts of tokens that differ by less are the same."""
FAITHFUL = (0.8, 1.25)
"""Mean time over what time per token and mean tokens make of it: outside, it counted other tokens than the report."""
TPOT, NTPOT = "time_per_output_token", "normalized_time_per_output_token"
DEFINITIONS: dict[str, str | float] = {
    "tpot_definition": "(last token - first token) / (output tokens - 1), a value for each request; tokens by the "
    "client's tokenizer",
    "itl_definition": "gap between two tokens; tokens of one chunk come at once",
    "throughput_definition": "of successful requests, from the first request sent to the last answer",
}


def identify(path: Path) -> bool:
    """Whether the first object is a report of the client, not of Prometheus, whose load_summary is empty."""
    start = head(path)
    return set(head_keys(start)) >= REQUIRED and b'"schedule_delay"' in start


def read(path: Path) -> Run:
    """The run of one report.

    path : the file
    raises : MalformedFile, TooLarge
    """
    parts = objects(path).parts
    report = parts[0]
    successes = report.part("successes")
    if "latency" not in successes.raw or len(parts) > 1:
        raise MalformedFile(f"{source_name(path)}: no latencies in inference-perf's report. Keep one in a file.")
    rate = report.part("load_summary").positive("requested_rate")
    return Run(
        tool="inference-perf",
        tool_version="0.6 or later" if "output_tokens" in successes.raw else "unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        settings=DEFINITIONS | ({"request_rate": rate} if rate else {}),
        summary=_summary(report),
        points=tuple(_points(successes, rate)),
        notes=sorted_notes(_notes(report, rate)),
    )


def faithful(successes: Part, metric: str) -> bool:
    """Whether a time per token was taken over the tokens that the server generated.

    metric : TPOT or NTPOT
    """
    server, client = successes.part("output_tokens").positive("mean"), successes.part("output_len").positive("mean")
    if server and client and abs(client / server - 1.0) > SAME_COUNT:
        return False
    latency = successes.part("latency")
    per_token, whole = (latency.part(key).positive("mean") for key in (metric, "request_latency"))
    first = latency.part("time_to_first_token").positive("mean") if metric == TPOT else 0.0
    tokens = (server or client or 0.0) - (metric == TPOT)
    if per_token is None or whole is None or first is None or tokens <= 0:
        return True
    return FAITHFUL[0] <= (whole - first) / (per_token * tokens) <= FAITHFUL[1]


def _points(successes: Part, rate: float | None) -> Iterator[MeasuredPoint]:
    where = Conditions(
        request_rate=rate,
        prompt_tokens=_mean(successes, "prompt_tokens", "prompt_len"),
        output_tokens=_mean(successes, "output_tokens", "output_len"),
    )
    step = "" if faithful(successes, TPOT) else "_client_tokens"
    whole = "latency_per_output_token" if faithful(successes, NTPOT) else "latency_per_client_token"
    latency = successes.part("latency")
    for theirs, metric in {
        "request_latency": "e2e",
        "time_to_first_token": "ttft",
        TPOT: f"tpot{step}",
        NTPOT: whole,
        "inter_token_latency": f"itl{step}",
    }.items():
        yield from where.points(metric, latency.part(theirs).small())
    throughput = successes.part("throughput")
    suffix = "" if _server_counts(successes) else "_client_tokens"
    for theirs, metric in {
        "requests_per_sec": "request_throughput",
        "output_tokens_per_sec": f"output{suffix}_throughput",
        "total_tokens_per_sec": f"total{suffix}_throughput",
    }.items():
        value = throughput.positive(theirs)
        if value:
            yield where.point(metric, "total", value)


def _server_counts(successes: Part) -> bool:
    """Whether throughput agrees with the means of the server's counts, or those are not told."""
    throughput, tokens = successes.part("throughput"), successes.part("output_tokens").positive("mean")
    rate, requests = throughput.positive("output_tokens_per_sec"), throughput.positive("requests_per_sec")
    return not (rate and requests and tokens) or abs(rate / requests / tokens - 1.0) <= SAME_COUNT


def _mean(successes: Part, *keys: str) -> float | None:
    return next((value for key in keys if (value := successes.part(key).positive("mean"))), None)


def _summary(report: Part) -> dict[str, float]:
    load = report.part("load_summary")
    told = {
        "requests": report.part("successes").number("count"),
        "failed": report.part("failures").number("count"),
        "duration_s": report.number("benchmark_time_seconds"),
        "achieved_rate_per_s": load.number("achieved_rate"),
    }
    return {key: value for key, value in told.items() if value is not None}


def _notes(report: Part, rate: float | None) -> Iterator[Note]:
    failed = report.part("failures").number("count")
    if failed:
        yield Note(Severity.WARNING, f"{failed:.0f} requests failed. Latencies are of those that succeeded.")
    achieved = report.part("load_summary").positive("achieved_rate")
    if rate is None:
        yield Note(Severity.WARNING, "The summary mixes every stage's load: import the stages' reports beside it.")
    elif achieved and achieved < 0.9 * rate:
        yield Note(
            Severity.WARNING, f"The client sent {achieved:.3g} requests/s of the {rate:.3g} that were asked for."
        )
    if not faithful(report.part("successes"), TPOT):
        yield Note(
            Severity.WARNING,
            "The client's tokenizer counted other tokens than the server: time per token stands as tpot_client_tokens. "
            "Older versions counted a chunk's first token twice.",
        )
