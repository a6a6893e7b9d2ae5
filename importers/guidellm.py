"""Reports of GuideLLM 0.2 to 0.8 as JSON or YAML: every benchmark's points, and its requests where they are listed.

| their key                                                  | ours                                             |
| ---------------------------------------------------------- | ------------------------------------------------ |
| benchmarks[].metrics.*.successful                          | points (importers/guidellm_points.py)            |
| benchmarks[].args.strategy; since 0.4 config.strategy      | concurrency, request_rate of each point          |
| metadata.guidellm_version                                  | tool_version                                     |
| worker.backend_model; config.backend.model; args.model     | model_name                                       |
| duration; request_totals; metrics.request_totals           | summary duration_s, requests, failed, incomplete |
| requests.successful, .incomplete, .errored                 | table `requests`                                 |
| start_time; request_start_time                             | sent_s                                           |
| time_to_first_token_ms, request_latency                    | ttft_s, e2e_s                                    |
| prompt_tokens, output_tokens; error, info.error            | the same; a class                                |
| prompt, output, request_args, response_id, target, api_key | never kept                                       |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from importers.failures import failure_counts
from importers.files import content_hash, head, source_name
from importers.guidellm_points import BY_TOKEN, Benchmark, definitions
from importers.json_parts import Part, objects
from importers.json_text import head_keys, unpacked_head
from importers.requests_table import Floats, Requests, Row, of_rows, tables
from importers.yaml_text import objects_of_yaml
from planner.errors import MalformedFile
from planner.measured import MeasuredPoint, Note, Run, Severity, sorted_notes
from planner.quantities import MILLISECOND

name = "GuideLLM report (JSON, YAML)"

SIGNS = (b'"guidellm_version"', b'"generative_benchmark"')
YAML_OPENING = re.compile(rb"(args|benchmarks|config|metadata):")
YAML_SIGNS = (b"guidellm", b"type_: ")
STATUSES = ("successful", "incomplete", "errored")
MODELS = (("worker", "backend_model"), ("config", "backend", "model"))


def identify(path: Path) -> bool:
    """Whether the head holds GuideLLM's own words, in a JSON object with benchmarks or in YAML."""
    start = unpacked_head(head(path))
    listed = {"metadata", "benchmarks", "args"} & set(head_keys(start)) and any(sign in start for sign in SIGNS)
    return bool(listed) or _is_yaml(start)


def read(path: Path) -> Run:
    """The run of a report.

    path : the file
    raises : MalformedFile, TooLarge
    """
    found = objects_of_yaml(path) if _is_yaml(unpacked_head(head(path))) else objects(path)
    report = found.parts[0]
    parts = list(report.parts("benchmarks"))
    if not parts or len(found.parts) > 1:
        raise MalformedFile(f"{source_name(path)}: no benchmark in GuideLLM's report. Keep one report in a file.")
    benchmarks = [_benchmark(part) for part in parts]
    listed = [_requests(part.part("requests")) for part in parts]
    modern = all(benchmark.modern for benchmark in benchmarks)
    return Run(
        tool="GuideLLM",
        tool_version=report.part("metadata").text("guidellm_version") or ("0.4 or later" if modern else "0.2 or 0.3"),
        source_name=source_name(path),
        file_hash=content_hash(path),
        model_name=_model(report, parts[0]),
        settings=definitions(modern=modern) | _settings(report, benchmarks),
        summary=_summary(parts),
        points=tuple(_points(parts, benchmarks, listed)),
        notes=sorted_notes(_notes(parts, benchmarks, listed)),
        tables=tables(listed),
    )


def _is_yaml(start: bytes) -> bool:
    return bool(YAML_OPENING.match(start)) and any(sign in start for sign in YAML_SIGNS)


def _benchmark(part: Part) -> Benchmark:
    modern = "config" in part.raw
    strategy = part.part("config" if modern else "args", "strategy")
    metrics = part.part("metrics")
    return Benchmark(
        strategy=strategy.text("type_") or "unknown",
        load=strategy.positive("streams") or strategy.positive("rate"),
        metrics={key: _statistics(metrics.part(key, "successful")) for key in metrics.raw},
        modern=modern,
    )


def _statistics(part: Part) -> dict[str, object]:
    percentiles = part.value("percentiles")
    return (percentiles if isinstance(percentiles, dict) else {}) | part.small()


def _requests(part: Part) -> Requests | None:
    """The requests of every status, in one table."""
    return of_rows(_row(status, request) for status in STATUSES for request in part.parts(status))


def _row(status: str, request: Part) -> Row:
    ttft = request.positive("time_to_first_token_ms")
    return Row(
        sent_s=request.positive("request_start_time") or request.positive("start_time"),
        ttft_s=ttft * MILLISECOND if ttft else None,
        e2e_s=request.number("request_latency"),
        prompt_tokens=request.number("prompt_tokens"),
        output_tokens=request.number("output_tokens"),
        succeeded=status == "successful",
        error=None if status == "successful" else _error(status, request),
    )


def _error(status: str, request: Part) -> str:
    told = request.value("error") or request.part("info").value("error")
    return "cancelled" if status == "incomplete" else str(told or "?")


def _points(
    parts: Sequence[Part], benchmarks: Sequence[Benchmark], listed: Sequence[Requests | None]
) -> Iterator[MeasuredPoint]:
    for part, benchmark, requests in zip(parts, benchmarks, listed, strict=True):
        yield from benchmark.points()
        if not benchmark.one_length and requests is not None and _complete(part, requests):
            yield from benchmark.conditions.derived("tpot", _tpot(part))


def _tpot(part: Part) -> Floats:
    values = [request.positive("inter_token_latency_ms") for request in part.part("requests").parts("successful")]
    return np.array([np.nan if value is None else value * MILLISECOND for value in values])


def _complete(part: Part, requests: Requests) -> bool:
    return _totals(part).number("successful") == requests.succeeded


def _totals(part: Part) -> Part:
    return part.part("request_totals") if "request_totals" in part.raw else part.part("metrics", "request_totals")


def _summary(parts: Sequence[Part]) -> dict[str, float]:
    found: dict[str, float] = {"results": len(parts)}
    for ours, theirs in {"requests": "successful", "failed": "errored", "incomplete": "incomplete"}.items():
        found[ours] = sum(_totals(part).number(theirs) or 0.0 for part in parts)
    durations = [part.number("duration") for part in parts]
    known = [duration for duration in durations if duration is not None]
    return found | ({"duration_s": sum(known)} if known else {})


def _settings(report: Part, benchmarks: Sequence[Benchmark]) -> dict[str, str | float]:
    backend = report.part("config", "spec", "backend").text("kind") or report.part("args").text("backend")
    found: dict[str, str | float] = {"backend": backend} if backend else {}
    kinds = {benchmark.strategy for benchmark in benchmarks}
    if len(benchmarks) == 1 or len(kinds) == 1:
        found["strategy"] = benchmarks[0].strategy
    return found


def _model(report: Part, first: Part) -> str | None:
    told = (first.part(*keys[:-1]).text(keys[-1]) for keys in MODELS)
    return next((model for model in told if model), None) or report.part("args").text("model")


def _notes(parts: Sequence[Part], benchmarks: Sequence[Benchmark], listed: Sequence[Requests | None]) -> Iterator[Note]:
    failed = sum(_totals(part).number("errored") or 0.0 for part in parts)
    if failed:
        yield Note(Severity.WARNING, f"{failed:.0f} requests failed. Latencies are of those that succeeded.")
    why = failure_counts(word for found in listed if found for word in found.words("error"))
    if why:
        yield Note(Severity.INFO, f"Why requests failed or were cut short: {why}.")
    if not all(benchmark.one_length for benchmark in benchmarks):
        yield BY_TOKEN
    if any(benchmark.strategy == "throughput" for benchmark in benchmarks):
        yield Note(Severity.INFO, "A throughput benchmark sends as fast as it can: its load is not bounded.")
    if len(benchmarks) > 1:
        yield Note(
            Severity.INFO, "Benchmarks follow each other on one server: the later ones may find prompts in its cache."
        )
    texts = sum(len(found) for found in listed if found)
    if texts:
        yield Note(Severity.INFO, f"Left out for privacy: prompts, answers and arguments of {texts} requests.")
