"""Results of `vllm bench latency` and `vllm bench throughput`: one JSON object each.

| their key                            | ours                                      | unit |
| ------------------------------------ | ----------------------------------------- | ---- |
| model_id (newer versions)            | model_name                                |      |
| avg_latency                          | e2e, mean: a whole batch                  | s    |
| percentiles: {"10", "50", "99", ...} | e2e, p10, median, p99                     | s    |
| latencies                            | table `requests`: e2e_s of each iteration | s    |
| requests_per_second                  | request_throughput, total                 | 1/s  |
| tokens_per_second (input and output) | total_throughput, total                   | 1/s  |
| elapsed_time, num_requests           | summary duration_s, requests              | s    |
| batch size, prompt and output length | not in the file: the reader tells         |      |
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from importers.files import content_hash, head, model_name, source_name
from importers.json_parts import Part, objects
from importers.json_text import head_keys
from importers.load_points import Conditions
from importers.requests_table import Requests, tables
from planner.errors import MalformedFile
from planner.measured import MeasuredPoint, Note, Run, Severity

name = "vllm bench latency, vllm bench throughput (JSON)"

LATENCY = {"avg_latency", "latencies", "percentiles"}
THROUGHPUT = {"elapsed_time", "num_requests", "requests_per_second", "tokens_per_second"}
LATENCY_NOTES = (
    Note(
        Severity.WARNING,
        "The file does not tell batch size, prompt and output length: say them to compare with a prediction.",
    ),
    Note(
        Severity.WARNING,
        "Every iteration sends the same prompts. With prefix caching on (vLLM up to 0.9.0, or by flag) they come from "
        "the cache: a time shorter than the GPU can reach is such a hit.",
    ),
)
THROUGHPUT_NOTES = (
    Note(Severity.WARNING, "The file tells prompt and output tokens only together: say the lengths to compare."),
    Note(Severity.INFO, "tokens_per_second counts prompt and output tokens: it stands as total_throughput."),
)


def identify(path: Path) -> bool:
    """Whether the first object has the keys of one of the two."""
    keys = set(head_keys(head(path)))
    return keys >= LATENCY or keys >= THROUGHPUT


def read(path: Path) -> Run:
    """The run of one result.

    path : the file
    raises : MalformedFile, TooLarge
    """
    parts = objects(path).parts
    result = parts[0]
    of_latency = "avg_latency" in result.raw
    points = tuple(_latency(result) if of_latency else _throughput(result))
    if not points or len(parts) > 1:
        raise MalformedFile(f"{source_name(path)}: no time above 0. Keep one result of vllm bench in a file.")
    iterations = result.numbers("latencies")
    listed = Requests({"e2e_s": iterations}) if iterations is not None and len(iterations) else None
    return Run(
        tool="vllm bench latency" if of_latency else "vllm bench throughput",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        model_name=model_name(result.text("model_id")),
        settings={"mode": "batch"},
        summary=_summary(result, listed),
        points=points,
        notes=LATENCY_NOTES if of_latency else THROUGHPUT_NOTES,
        tables=tables([listed]),
    )


def _latency(result: Part) -> Iterator[MeasuredPoint]:
    statistics = {f"p{key}": value for key, value in result.part("percentiles").small().items()}
    return Conditions().points("e2e", {"mean": result.number("avg_latency"), **statistics})


def _throughput(result: Part) -> Iterator[MeasuredPoint]:
    for theirs, ours in {"requests_per_second": "request_throughput", "tokens_per_second": "total_throughput"}.items():
        value = result.positive(theirs)
        if value is not None:
            yield Conditions().point(ours, "total", value)


def _summary(result: Part, listed: Requests | None) -> dict[str, float]:
    told = {
        "iterations": float(len(listed)) if listed else None,
        "requests": result.number("num_requests"),
        "duration_s": result.number("elapsed_time"),
        "tokens": result.number("total_num_tokens"),
    }
    return {key: value for key, value in told.items() if value is not None}
