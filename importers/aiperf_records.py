"""The requests that AIPerf lists in profile_export.jsonl: a line is a request.

| their key                                                 | ours                                         |
| --------------------------------------------------------- | -------------------------------------------- |
| metadata.benchmark_phase, phase_kind: warmup              | left out, counted                            |
| metadata.request_start_ns                                 | sent_s                                       |
| metrics.time_to_first_token, request_latency              | ttft_s, e2e_s                                |
| metrics.inter_chunk_latency                               | gap_s of the table `itl`                     |
| metrics.usage_prompt_tokens, else input_sequence_length   | prompt_tokens                                |
| metrics.usage_completion_tokens, else output_sequence_... | output_tokens                                |
| error: code, type, message                                | succeeded, error: a class                    |
| everything of them together                               | points, computed here (importers/derived.py) |
| x_request_id, conversation_id, trace_data                 | never kept                                   |
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from importers.aiperf_points import UNITS
from importers.derived import DEFINITIONS, points_of, totals
from importers.failures import failure_counts
from importers.files import content_hash, head, source_name
from importers.json_parts import Part, objects
from importers.json_text import head_keys
from importers.load_points import Conditions
from importers.requests_table import Floats, Requests, Row, of_rows, tables
from planner.errors import MalformedFile
from planner.measured import Note, Run, Severity, sorted_notes
from planner.quantities import MILLISECOND, NANOSECOND

name = "AIPerf requests (JSONL)"

WARM_UP = "warmup"


def identify(path: Path) -> bool:
    """Whether the first object holds the metadata and metrics of a request."""
    start = head(path)
    return {"metadata", "metrics"} <= set(head_keys(start)) and b'"request_start_ns"' in start


def read(path: Path) -> Run:
    """The run of the requests that were measured.

    path : the file
    raises : MalformedFile, TooLarge
    """
    lines = objects(path).parts
    measured = [line for line in lines if line.part("metadata").value("benchmark_phase") != WARM_UP]
    requests = of_rows(_row(line) for line in measured)
    if requests is None:
        raise MalformedFile(f"{source_name(path)}: no request but the warm-up's.")
    return Run(
        tool="AIPerf",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        settings=DEFINITIONS,
        summary=totals(requests),
        points=tuple(points_of(requests, Conditions())),
        notes=sorted_notes(_notes(requests, len(lines) - len(measured), measured)),
        tables=tables([requests]),
    )


def _row(line: Part) -> Row:
    metadata, metrics = line.part("metadata"), line.part("metrics")
    start = metadata.positive("request_start_ns")
    error = line.value("error")
    return Row(
        sent_s=start * NANOSECOND if start else None,
        ttft_s=_seconds(metrics, "time_to_first_token"),
        e2e_s=_seconds(metrics, "request_latency"),
        prompt_tokens=_count(metrics, "usage_prompt_tokens", "input_sequence_length"),
        output_tokens=_count(metrics, "usage_completion_tokens", "output_sequence_length"),
        succeeded=error is None and metadata.value("was_cancelled") is not True,
        error=_message(error) or ("cancelled" if metadata.value("was_cancelled") is True else None),
        gaps_s=_gaps(metrics.part("inter_chunk_latency")),
    )


def _seconds(metrics: Part, metric: str) -> float | None:
    found = metrics.part(metric)
    value = found.number("value")
    return None if value is None else value * _unit(found)


def _count(metrics: Part, server: str, client: str) -> float | None:
    return metrics.part(server).number("value") or metrics.part(client).number("value")


def _gaps(metric: Part) -> Floats | None:
    found = metric.numbers("value")
    return None if found is None else np.asarray(found.to_numpy(zero_copy_only=False)) * _unit(metric)


def _unit(metric: Part) -> float:
    return UNITS.get((metric.text("unit") or "").lower(), MILLISECOND)


def _message(error: object) -> str | None:
    if isinstance(error, dict):
        return " ".join(str(error.get(key) or "") for key in ("code", "type", "message")).strip() or "?"
    return None if error is None else str(error)


def _notes(requests: Requests, warm_up: int, measured: list[Part]) -> Iterator[Note]:
    yield Note(Severity.INFO, "Sums and percentiles are computed here from the requests, linear between neighbours.")
    if warm_up:
        yield Note(Severity.INFO, f"{warm_up} requests of the warm-up were left out.")
    why = failure_counts(requests.words("error"))
    if why:
        yield Note(Severity.WARNING, f"Requests failed: {why}. Latencies are of those that succeeded.")
    if not any("usage_completion_tokens" in line.part("metrics").raw for line in measured):
        yield Note(
            Severity.WARNING, "The server's count of tokens is not listed: tokens are by the client's tokenizer."
        )
