"""The requests that inference-perf lists in per_request_lifecycle_metrics.json.

| their key                                                  | ours                                         | unit |
| ---------------------------------------------------------- | -------------------------------------------- | ---- |
| start_time, less the first                                 | sent_s                                       | s    |
| info.response_metrics.output_token_times[0] - start_time   | ttft_s; info.output_token_times (old)        | s    |
| end_time - start_time                                      | e2e_s                                        | s    |
| their differences                                          | gap_s of the table `itl`                     | s    |
| info.request_metrics.text.input_tokens; info.input_tokens  | prompt_tokens                                |      |
| info.response_metrics.server_usage.completion_tokens, else | output_tokens                                |      |
| ....output_tokens; info.output_tokens (old)                | the client's count                           |      |
| error: error_type, error_msg                               | succeeded, error: a class                    |      |
| everything of them together                                | points, computed here (importers/derived.py) |      |
| request, response, response_chunks, labels                 | never kept                                   |      |
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from importers.derived import DEFINITIONS, points_of, totals
from importers.failures import failure_counts
from importers.files import content_hash, head, source_name
from importers.json_parts import Part, objects
from importers.json_text import head_keys
from importers.load_points import Conditions
from importers.requests_table import Floats, Requests, Row, of_rows, tables
from planner.errors import MalformedFile
from planner.measured import Note, Run, Severity, sorted_notes

name = "inference-perf requests (JSON)"

REQUIRED = {"start_time", "end_time", "request"}


def identify(path: Path) -> bool:
    """Whether the first object of a list is a request with its times."""
    start = head(path)
    return set(head_keys(start)) >= REQUIRED and start.lstrip().startswith(b"[")


def read(path: Path) -> Run:
    """The run of the requests.

    path : the file
    raises : MalformedFile, TooLarge
    """
    parts = objects(path).parts
    requests = of_rows(map(_row, parts))
    if requests is None:
        raise MalformedFile(f"{source_name(path)}: no request in the file.")
    return Run(
        tool="inference-perf",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        settings=DEFINITIONS,
        summary=totals(requests),
        points=tuple(points_of(requests, Conditions())),
        notes=sorted_notes(_notes(requests)),
        tables=tables([requests]),
    )


def _row(part: Part) -> Row:
    info = part.part("info")
    response = info.part("response_metrics")
    start, end = part.number("start_time"), part.number("end_time")
    times = _times(response if "output_token_times" in response.raw else info)
    error = part.value("error")
    return Row(
        sent_s=start,
        ttft_s=float(times[0]) - start if times.size and start is not None else None,
        e2e_s=end - start if end is not None and start is not None else None,
        prompt_tokens=info.part("request_metrics", "text").number("input_tokens") or info.number("input_tokens"),
        output_tokens=response.part("server_usage").number("completion_tokens")
        or response.number("output_tokens")
        or info.number("output_tokens"),
        succeeded=error is None,
        error=None if error is None else str(error) or "?",
        gaps_s=np.diff(times) if times.size > 1 else None,
    )


def _times(part: Part) -> Floats:
    found = part.numbers("output_token_times")
    values = np.asarray([] if found is None else found.to_numpy(zero_copy_only=False), dtype=np.float64)
    return values[np.isfinite(values)]


def _notes(requests: Requests) -> Iterator[Note]:
    yield Note(Severity.INFO, "Sums and percentiles are computed here from the requests, linear between neighbours.")
    yield Note(Severity.INFO, f"Left out for privacy: prompts and answers of {len(requests)} requests.")
    why = failure_counts(requests.words("error"))
    if why:
        yield Note(Severity.WARNING, f"Requests failed: {why}. Latencies are of those that succeeded.")
    yield Note(Severity.INFO, "Requests of all stages stand in one table: sent_s tells them apart.")
