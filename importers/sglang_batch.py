"""Results of SGLang's bench_one_batch, bench_one_batch_server and bench_offline_throughput: a line is a run.

| their key                                    | ours                                                    | unit |
| -------------------------------------------- | ------------------------------------------------------- | ---- |
| batch_size, input_len, output_len            | concurrency, prompt_tokens, output_tokens of each point |      |
| prefill_latency                              | ttft, mean: one prefill of the whole batch              | s    |
| median_decode_latency                        | itl, median: one decode step of the whole batch         | s    |
| total_latency, latency                       | e2e, mean                                               | s    |
| last_ttft                                    | ttft, max                                               | s    |
| output_throughput, input_throughput          | the same; total                                         | 1/s  |
| overall_throughput, total_throughput         | total_throughput; total                                 | 1/s  |
| request_throughput (offline)                 | request_throughput; total                               | 1/s  |
| prefill_throughput, median_decode_throughput | left out: they follow from the latencies                |      |
| last_gen_throughput                          | left out: of the last moment only                       |      |
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from importers.files import content_hash, head, source_name
from importers.json_parts import Part, objects
from importers.json_text import head_keys
from importers.load_points import Conditions
from planner.errors import MalformedFile
from planner.measured import MeasuredPoint, Note, Run, Severity

name = "SGLang bench_one_batch, bench_offline_throughput (JSONL)"

BATCH = {"batch_size", "input_len", "output_len"}
BATCH_VALUES = {"prefill_latency", "latency"}
OFFLINE = {"successful_requests", "total_latency", "total_input_tokens", "total_output_tokens"}
TIMES = {
    "prefill_latency": ("ttft", "mean"),
    "last_ttft": ("ttft", "max"),
    "median_decode_latency": ("itl", "median"),
    "total_latency": ("e2e", "mean"),
    "latency": ("e2e", "mean"),
}
RATES = {
    "request_throughput": "request_throughput",
    "input_throughput": "input_throughput",
    "output_throughput": "output_throughput",
    "overall_throughput": "total_throughput",
    "total_throughput": "total_throughput",
}
BATCH_NOTE = Note(
    Severity.INFO,
    "One fixed batch without queue: TTFT is the prefill of the whole batch, ITL one decode step of all its requests.",
)
OFFLINE_NOTE = Note(Severity.INFO, "All requests were given at once: the throughput has no latency beside it.")


def identify(path: Path) -> bool:
    """Whether the first object is of a fixed batch, or of an offline run."""
    keys = set(head_keys(head(path)))
    return (keys >= BATCH and bool(keys & BATCH_VALUES)) or keys >= OFFLINE


def read(path: Path) -> Run:
    """The run of a file: the points of every line.

    path : the file
    raises : MalformedFile, TooLarge
    """
    lines = objects(path).parts
    points = tuple(point for line in lines for point in _points(line))
    if not points:
        raise MalformedFile(f"{source_name(path)}: no latency or throughput above 0 in any line.")
    offline = "successful_requests" in lines[0].raw
    return Run(
        tool="SGLang bench_offline_throughput" if offline else "SGLang bench_one_batch",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        settings={"engine": "sglang", "mode": "batch"},
        summary={"results": float(len(lines))} | (_offline_summary(lines[0]) if offline else {}),
        points=points,
        notes=(OFFLINE_NOTE if offline else BATCH_NOTE,),
    )


def _points(line: Part) -> Iterator[MeasuredPoint]:
    requests = line.positive("successful_requests")
    batch = line.positive("batch_size") or requests
    where = Conditions(
        concurrency=batch,
        prompt_tokens=line.positive("input_len") or _share(line.positive("total_input_tokens"), requests),
        output_tokens=line.positive("output_len") or _share(line.positive("total_output_tokens"), requests),
    )
    for key, (metric, statistic) in TIMES.items():
        value = line.positive(key)
        if value is not None and not requests:
            yield where.point(metric, statistic, value)
    for key, metric in RATES.items():
        value = line.positive(key)
        if value is not None:
            yield where.point(metric, "total", value)


def _offline_summary(line: Part) -> dict[str, float]:
    told = {"requests": line.number("successful_requests"), "duration_s": line.number("total_latency")}
    return {key: value for key, value in told.items() if value is not None}


def _share(total: float | None, count: float | None) -> float | None:
    return total / count if total and count else None
