"""Results of `vllm bench serve` and of benchmark_serving.py: a JSON object, or several after each other.

| their key                                             | ours                                                | unit  |
| ----------------------------------------------------- | --------------------------------------------------- | ----- |
| mean_/median_/std_/pNN_ + ttft, tpot, itl, e2el + _ms | points, metric ttft, tpot, itl, e2e                 | s     |
| request_/output_/total_token_throughput, goodput      | points, metric ..._throughput, request_goodput      | 1/s   |
| max_concurrency; request_rate ("inf": None)           | `concurrency`; `request_rate` of each point         | 1; 1/s|
| total_input_tokens, total_output_tokens / completed   | `prompt_tokens`, `output_tokens` of each point      | tokens|
| date                                                  | `started`, in the client's time zone                |       |
| model_id                                              | `model_name`, without folders                       |       |
| duration, completed, failed                           | summary duration_s, requests, failed                | s     |
| sum of latencies / duration                           | setting `effective_concurrency`                     | 1     |
| metadata: gpu, tp, pp, dp, ...                        | settings under our names; `gpu_names`               |       |
| input_lens, output_lens, ttfts, latencies, ...        | table `requests` (importers/vllm_requests.py)       | s     |
| generated_texts, errors                               | never kept: counted                                 |       |
| max_output_tokens_per_s, max_concurrent_requests      | left out: counts of chunks in one-second buckets    |       |
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from importers.files import content_hash, head, model_name, source_name
from importers.gpus import catalogue_id
from importers.json_parts import Part, objects
from importers.json_text import head_keys, number, positive, text_of, unpacked_head
from importers.requests_table import tables
from importers.vllm_notes import notes
from importers.vllm_points import STATISTIC, Result, points
from importers.vllm_requests import Detail, detail, effective_concurrency
from importers.vllm_settings import DEFINITIONS, gpu_names, settings
from planner.errors import MalformedFile
from planner.measured import Run

name = "vllm bench serve (JSON)"

REQUIRED = {"model_id", "num_prompts", "duration", "completed", "request_throughput"}
NOT_OURS = {"good_completed", "traceEvents", "dataset_name"}
_VERSION_SIGNS = (
    ("server_ttfts", ">=0.33"),
    ("queue_times", ">=0.30"),
    ("start_times", ">=0.16"),
    ("max_concurrent_requests", ">=0.11"),
)
"""Keys that a version of the client added: the file does not name its version."""


def identify(path: Path) -> bool:
    """Whether it opens with an object that has the keys that every version of the client writes, and no other tool."""
    start = unpacked_head(head(path))
    keys = set(head_keys(start))
    return keys >= REQUIRED and not keys & NOT_OURS and start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def read(path: Path) -> Run:
    """The run of one result file: a point per statistic of each result, and the requests where it lists them.

    path : the file; read at once
    raises : MalformedFile, TooLarge
    """
    found = objects(path)
    results = results_of(path, found.parts)
    return run_of(path, results, [detail(part) for part in found.parts], found.not_finite)


def run_of(path: Path, results: Sequence[Result], details: Sequence[Detail], not_finite: int) -> Run:
    """The run of several results.

    results : every value of theirs that is no list
    details : what each lists by request
    not_finite : numbers of the file that were NaN or infinite
    """
    names = gpu_names(results)
    return Run(
        tool="vllm bench serve",
        tool_version=_version(details[0].keys),
        source_name=source_name(path),
        file_hash=content_hash(path),
        started=_started(results[0]),
        gpu_names=names,
        gpu=catalogue_id(names),
        model_name=_model(results),
        settings=_common([_settings(result, found) for result, found in zip(results, details, strict=True)]),
        summary=_summary(results),
        points=tuple(point for result in results for point in points(result)),
        notes=notes(results, details, not_finite),
        tables=tables([found.requests for found in details]),
    )


def results_of(path: Path, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """The values of each result that are no list.

    raises : MalformedFile if one is not of vllm bench serve
    """
    results = [part.small() for part in parts]
    for place, result in enumerate(results, 1):
        if not set(result) >= REQUIRED:
            missing = ", ".join(sorted(REQUIRED - set(result)))
            raise MalformedFile(
                f"{source_name(path)}: result {place} is not of vllm bench serve ({missing} missing). "
                "Keep results of other tools in files of their own."
            )
        if not any(STATISTIC.fullmatch(key) for key in result):
            raise MalformedFile(
                f"{source_name(path)}: result {place} has no latency in milliseconds (such as mean_ttft_ms)."
            )
    return results


def _settings(result: Result, listed: Detail) -> dict[str, str | float]:
    found = DEFINITIONS | settings(result)
    effective = effective_concurrency(listed.requests, positive(result.get("duration")))
    return found | ({"effective_concurrency": effective} if effective is not None else {})


def _common(each: Sequence[Mapping[str, str | float]]) -> dict[str, str | float]:
    """Settings that all results share; what differs is in the points."""
    return {key: value for key, value in each[0].items() if all(other.get(key) == value for other in each)}


def _summary(results: Sequence[Result]) -> dict[str, float]:
    keys = {
        "requests": "completed",
        "failed": "failed",
        "duration_s": "duration",
        "prompt_tokens": "total_input_tokens",
        "output_tokens": "total_output_tokens",
    }
    found: dict[str, float] = {"results": len(results)}
    for ours, theirs in keys.items():
        values = [value for result in results if (value := number(result.get(theirs))) is not None]
        if values:
            found[ours] = sum(values)
    return found


def _version(keys: Container[str]) -> str:
    return next((version for key, version in _VERSION_SIGNS if key in keys), "unknown")


def _started(result: Result) -> str | None:
    try:
        return datetime.strptime(str(result.get("date")), "%Y%m%d-%H%M%S").isoformat()
    except ValueError:
        return None


def _model(results: Sequence[Result]) -> str | None:
    names = {text_of(result.get("model_id")) for result in results}
    return model_name(names.pop()) if len(names) == 1 else None
