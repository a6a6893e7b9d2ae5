"""Summaries of `vllm bench sweep`: summary.json of one combination (a list of its runs), summary.csv of all of them.

| their key                                           | ours                                             |
| --------------------------------------------------- | ------------------------------------------------ |
| every key of vllm bench serve                       | as importers/vllm_bench.py reads it              |
| run_number                                          | the runs stand beside each other, in their order |
| max_num_seqs, tensor_parallel_size, ... (swept)     | settings where all agree, else named in a note   |
| latencies, queue_times (in the CSV: JSON in a cell) | table `requests`                                 |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from importers.csv_text import first_row, rows
from importers.files import clean_text, head, source_name
from importers.json_parts import Objects, objects, objects_of
from importers.json_text import head_keys, unpacked_head
from importers.vllm_bench import NOT_OURS, REQUIRED, results_of, run_of
from importers.vllm_notes import REPEATED_PROMPTS, SAME_SEED
from importers.vllm_points import Result
from importers.vllm_requests import detail
from importers.vllm_settings import settings
from planner.errors import MalformedFile
from planner.measured import Note, Run, Severity, sorted_notes

name = "vllm bench sweep (JSON, CSV)"

RESET = Note(Severity.INFO, "The sweep empties the server's prefix cache between its runs.")
OF_A_POINT = {"concurrency", "request_rate", "requests", "burstiness", "backend"}
"""Settings that a point tells, or that change nothing in the server."""


def identify(path: Path) -> bool:
    """Whether it is a list of results of vllm bench serve: only the sweep writes lists."""
    start = unpacked_head(head(path))
    listed = start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    keys = set(head_keys(start)) if listed else set(first_row(start))
    return keys >= REQUIRED and not keys & NOT_OURS


def read(path: Path) -> Run:
    """The run of all listed runs: a point per statistic of each.

    path : the file
    raises : MalformedFile, TooLarge
    """
    listed = unpacked_head(head(path)).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    found = objects(path) if listed else _objects_of_csv(path)
    results = results_of(path, found.parts)
    run = run_of(path, results, [detail(part) for part in found.parts], found.not_finite)
    kept = [note for note in run.notes if note not in (REPEATED_PROMPTS, SAME_SEED)]
    return replace(run, tool="vllm bench sweep", notes=sorted_notes([*kept, RESET, *_swept(results)]))


def _swept(results: Sequence[Result]) -> Iterator[Note]:
    """Settings of the server that differ between the runs: a point cannot tell them."""
    each = [settings(result) for result in results]
    differing = sorted({key for one in each for key in one if len({other.get(key) for other in each}) > 1} - OF_A_POINT)
    if differing:
        yield Note(
            Severity.WARNING,
            f"The server's settings differ between points, which do not tell them: {', '.join(differing)}. Import the "
            "summary.json of each combination, or the whole folder.",
        )


def _objects_of_csv(path: Path) -> Objects:
    """The rows of summary.csv as the objects of which pandas made them."""
    header, *body = rows(path)
    if not body or any(len(row) != len(header) for row in body):
        raise MalformedFile(f"{source_name(path)}: no row, or rows of another length than the first.")
    objects_of_rows = [
        {clean_text(key): _value(cell) for key, cell in zip(header, row, strict=True) if key} for row in body
    ]
    return objects_of(msgspec.json.encode(objects_of_rows), source_name(path))


def _value(cell: str) -> Any:
    """A cell as the value that it was: a number, a list, a text; None where it is empty."""
    try:
        return msgspec.json.decode(cell) if cell else None
    except (ValueError, RecursionError):
        return cell
