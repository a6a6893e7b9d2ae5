"""Results of LLMPerf: ..._summary.json of a run, ..._individual_responses.json of its requests.

| their key                                              | ours                                               | unit  |
| ------------------------------------------------------ | -------------------------------------------------- | ----- |
| results_ttft_s_{mean,stddev,min,max,quantiles_pNN}     | ttft                                               | s     |
| results_end_to_end_latency_s_...                       | e2e                                                | s     |
| results_inter_token_latency_s_...: e2e / output tokens | latency_per_output_token: the first token is in it | s     |
| results_mean_output_throughput_token_per_s             | output_throughput, total                           | 1/s   |
| results_num_completed_requests_per_min                 | request_throughput, total                          | 1/min |
| num_concurrent_requests                                | concurrency of each point                          |       |
| results_number_input_tokens_mean, ..._output_...       | prompt_tokens, output_tokens of each point         |       |
| model; timestamp                                       | model_name; started                                |       |
| results_num_completed_requests, results_number_errors  | summary requests, failed                           |       |
| ttft_s, end_to_end_latency_s, number_input_tokens, ... | table `requests`; points (importers/derived.py)    | s     |
| error_code, error_msg                                  | succeeded, error: a class                          |       |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from importers.derived import points_of, totals
from importers.failures import failure_counts
from importers.files import content_hash, head, model_name, source_name
from importers.json_parts import Part, objects
from importers.json_text import head_keys, number, positive
from importers.load_points import Conditions
from importers.requests_table import Requests, Row, of_rows, tables
from planner.errors import MalformedFile
from planner.measured import MeasuredPoint, Note, Run, Severity, sorted_notes
from planner.quantities import MINUTE

name = "LLMPerf (JSON)"

SUMMARY = {"mean_input_tokens", "mean_output_tokens", "num_concurrent_requests"}
REQUESTS = {"inter_token_latency_s", "ttft_s", "end_to_end_latency_s", "number_output_tokens"}
METRICS = {
    "ttft_s": "ttft",
    "end_to_end_latency_s": "e2e",
    "inter_token_latency_s": "latency_per_output_token",
}
DEFINITIONS: dict[str, str | float] = {
    "itl_definition": "e2e / output tokens, a value for each request; stands as latency_per_output_token",
    "throughput_definition": "of completed requests, over the whole test with its set-up",
}
TOKENS = Note(
    Severity.INFO, "Output tokens are counted by the client, with LLaMA's tokenizer unless it was told another."
)
_STATISTIC = re.compile(rf"results_({'|'.join(METRICS)})_(?:quantiles_)?(mean|stddev|min|max|p\d+)")


def identify(path: Path) -> bool:
    """Whether the first object is a summary, or a request of the list of them."""
    keys = set(head_keys(head(path)))
    return (keys >= SUMMARY and any(key.startswith("results_") for key in keys)) or keys >= REQUESTS


def read(path: Path) -> Run:
    """The run of a summary or of its requests.

    path : the file
    raises : MalformedFile, TooLarge
    """
    parts = objects(path).parts
    return _of_requests(path, parts) if "ttft_s" in parts[0].raw else _of_summary(path, parts)


def _of_summary(path: Path, parts: Sequence[Part]) -> Run:
    summary = parts[0]
    points = tuple(_points(summary))
    if not points or len(parts) > 1:
        raise MalformedFile(f"{source_name(path)}: no value above 0 in LLMPerf's summary. Keep one in a file.")
    errors = _number(summary, "results_number_errors")
    failed = [Note(Severity.WARNING, f"{errors:.0f} requests failed.")] if errors else []
    return Run(
        tool="LLMPerf",
        tool_version=summary.text("version") or "unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        started=_started(summary.positive("timestamp")),
        model_name=model_name(summary.text("model")),
        settings=DEFINITIONS | _load(summary),
        summary=_totals(summary),
        points=points,
        notes=sorted_notes([*failed, TOKENS]),
    )


def _of_requests(path: Path, parts: Sequence[Part]) -> Run:
    requests = of_rows(map(_row, parts)) or Requests()
    why = failure_counts(requests.words("error"))
    failed = [Note(Severity.WARNING, f"Requests failed: {why}.")] if why else []
    listed = Note(Severity.INFO, "The list does not tell model and load: its summary beside it does.")
    return Run(
        tool="LLMPerf",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        settings=DEFINITIONS,
        summary=totals(requests),
        points=tuple(points_of(requests, Conditions())),
        notes=sorted_notes([*failed, listed, TOKENS]),
        tables=tables([requests]),
    )


def _points(summary: Part) -> Iterator[MeasuredPoint]:
    where = Conditions(
        concurrency=_number(summary, "num_concurrent_requests"),
        prompt_tokens=_number(summary, "results_number_input_tokens_mean"),
        output_tokens=_number(summary, "results_number_output_tokens_mean"),
    )
    values: dict[str, dict[str, float | None]] = {}
    for key in summary.raw:
        match = _STATISTIC.fullmatch(key)
        if match:
            values.setdefault(METRICS[match[1]], {})[match[2]] = _number(summary, key)
    for metric, statistics in values.items():
        yield from where.points(metric, statistics)
    tokens = _number(summary, "results_mean_output_throughput_token_per_s")
    requests = _number(summary, "results_num_completed_requests_per_min")
    if tokens:
        yield where.point("output_throughput", "total", tokens)
    if requests:
        yield where.point("request_throughput", "total", requests / MINUTE)


def _load(summary: Part) -> dict[str, str | float]:
    concurrency = _number(summary, "num_concurrent_requests")
    return {"concurrency": concurrency} if concurrency else {}


def _row(request: Part) -> Row:
    code = request.value("error_code")
    return Row(
        sent_s=request.number("start_time"),
        ttft_s=request.number("ttft_s"),
        e2e_s=request.number("end_to_end_latency_s"),
        prompt_tokens=request.number("number_input_tokens"),
        output_tokens=request.number("number_output_tokens"),
        succeeded=code is None,
        error=None if code is None else f"{code} {request.value('error_msg')}",
    )


def _totals(summary: Part) -> dict[str, float]:
    told = {
        "requests": _number(summary, "results_num_completed_requests"),
        "failed": _number(summary, "results_number_errors"),
    }
    return {key: value for key, value in told.items() if value is not None}


def _number(summary: Part, key: str) -> float | None:
    """A number, also where it was written as text: numpy's integers become "550"."""
    value = summary.value(key)
    try:
        return number(float(value)) if isinstance(value, str) else number(value)
    except ValueError:
        return None


def _started(timestamp: float | None) -> str | None:
    try:
        return datetime.fromtimestamp(timestamp, UTC).isoformat() if positive(timestamp) and timestamp else None
    except (OverflowError, ValueError, OSError):
        return None
