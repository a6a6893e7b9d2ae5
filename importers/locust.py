"""CSV files of Locust: ..._stats.csv, ..._stats_history.csv, ..._failures.csv, ..._exceptions.csv of one run.

| their column                                          | ours                                     | unit |
| ----------------------------------------------------- | ---------------------------------------- | ---- |
| stats, row Aggregated: Average, Min, Max, 50%, ...    | e2e: mean, median, min, max, percentiles | ms   |
| stats: Request Count less Failure Count               | summary requests; Failure Count: failed  |      |
| stats: Requests/s less Failures/s                     | request_throughput, total                | 1/s  |
| history: Timestamp, less the first                    | time_s of the table `history`            | s    |
| history: User Count, Requests/s, Failures/s, 50%, 95% | users, requests_per_s, ..., p50_s, p95_s |      |
| history: User Count, where it mostly is one           | concurrency of each point                |      |
| failures: Error, Occurrences                          | summary failed; a class of each          |      |
| exceptions: Count                                     | summary exceptions                       |      |
| Name, Host, Error, Message, Traceback, Nodes          | never kept                               |      |

Locust knows requests, no tokens: e2e is to the end of the answer, and there is no TTFT. Its percentiles are rounded to
two digits. Locust counts failed requests with the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from importers.arrow import Stream, field
from importers.csv_text import cell_number, first_row, rows
from importers.failures import failure_class, failure_counts
from importers.files import content_hash, head, source_name
from importers.load_points import Conditions
from planner.errors import MalformedFile
from planner.measured import MeasuredPoint, Note, Run, Severity, sorted_notes
from planner.quantities import MILLISECOND

name = "Locust (CSV)"

STATS = ("Type", "Name", "Request Count", "Failure Count")
HISTORY = ("Timestamp", "User Count", "Type", "Name", "Requests/s")
FAILURES = ("Method", "Name", "Error", "Occurrences")
EXCEPTIONS = ("Count", "Message", "Traceback", "Nodes")
AGGREGATED = "Aggregated"
WHOLE = {"Average Response Time": "mean", "Min Response Time": "min", "Max Response Time": "max"}
MOSTLY = 0.8
"""Share of the history in which the number of users must be one, to be the run's concurrency."""
TABLE = pa.schema(
    [
        field("time_s", pa.float64(), "s"),
        field("users", pa.float64()),
        field("requests_per_s", pa.float64(), "1/s"),
        field("failures_per_s", pa.float64(), "1/s"),
        field("p50_s", pa.float64(), "s"),
        field("p95_s", pa.float64(), "s"),
    ]
)
DEFINITIONS: dict[str, str | float] = {
    "e2e_definition": "to the end of the answer, as the client saw it; failed requests are in it",
    "throughput_definition": "requests less failures, over the whole run",
}
Cells = Mapping[str, str]


def identify(path: Path) -> bool:
    """Whether the first line opens as one of Locust's four files does."""
    return _kind(first_row(head(path))) is not None


def read(path: Path) -> Run:
    """The run that one of the four files tells of.

    path : the file
    raises : MalformedFile, TooLarge
    """
    header, *body = rows(path)
    kind = _kind(tuple(header))
    if kind is None or any(len(row) != len(header) for row in body):
        raise MalformedFile(f"{source_name(path)}: rows of another length than Locust's header.")
    return READERS[kind](path, [dict(zip(header, row, strict=True)) for row in body])


def concurrency(run: Run) -> float | None:
    """The number of users that a run's history shows most of the time; None if there is no such number."""
    table = run.tables.get("history")
    users = [value for batch in table for value in batch.column("users").to_pylist()] if table else []
    most, count = Counter(users).most_common(1)[0] if users else (None, 0)
    return most if most and count >= MOSTLY * len(users) else None


def _kind(header: Sequence[str]) -> tuple[str, ...] | None:
    known = (STATS, HISTORY, FAILURES, EXCEPTIONS)
    return next((kind for kind in known if tuple(header[: len(kind)]) == kind), None)


def _stats(path: Path, body: Sequence[Cells]) -> Run:
    aggregated = [row for row in body if row["Name"] == AGGREGATED]
    if len(aggregated) != 1:
        raise MalformedFile(f'{source_name(path)}: no one row "Aggregated" in Locust\'s statistics.')
    row = aggregated[0]
    sent, failed = cell_number(row["Request Count"]) or 0.0, cell_number(row["Failure Count"]) or 0.0
    notes = []
    if failed:
        text = f"{failed:.0f} of {sent:.0f} requests failed, and Locust's times are of all of them."
        notes.append(Note(Severity.WARNING, text))
    if len(body) > 2:
        notes.append(Note(Severity.INFO, f"{len(body) - 1} kinds of request were added up."))
    notes.append(Note(Severity.INFO, "No tokens and no first token are known. Percentiles have two digits."))
    return _run(path, {"requests": sent - failed, "failed": failed}, tuple(_points(row)), notes)


def _points(row: Cells) -> Iterator[MeasuredPoint]:
    values = {ours: cell_number(row.get(theirs, "")) for theirs, ours in WHOLE.items()}
    values |= {key: cell_number(cell) for key, cell in row.items() if key.endswith("%") and key != "100%"}
    values.setdefault("median", cell_number(row.get("Median Response Time", "")))
    yield from Conditions().points("e2e", values, MILLISECOND)
    rate = (cell_number(row.get("Requests/s", "")) or 0.0) - (cell_number(row.get("Failures/s", "")) or 0.0)
    if rate > 0:
        yield Conditions().point("request_throughput", "total", rate)


def _history(path: Path, body: Sequence[Cells]) -> Run:
    moments = [row for row in body if row["Name"] == AGGREGATED]
    starts = [value for row in moments if (value := cell_number(row["Timestamp"])) is not None]
    columns = {
        "time_s": [None if (t := cell_number(row["Timestamp"])) is None else t - min(starts) for row in moments],
        "users": [cell_number(row["User Count"]) for row in moments],
        "requests_per_s": [cell_number(row["Requests/s"]) for row in moments],
        "failures_per_s": [cell_number(row.get("Failures/s", "")) for row in moments],
        "p50_s": [_seconds(row.get("50%", "")) for row in moments],
        "p95_s": [_seconds(row.get("95%", "")) for row in moments],
    }
    batch = pa.RecordBatch.from_pydict(columns, schema=TABLE)
    note = Note(Severity.INFO, "A history has no sums: its statistics stand in the file beside it.")
    run = _run(path, {"duration_s": max(starts) - min(starts)} if starts else {}, (), [note])
    return _with_history(run, batch)


def _failures(path: Path, body: Sequence[Cells]) -> Run:
    counted = [(failure_class(row["Error"]), cell_number(row["Occurrences"]) or 0.0) for row in body]
    classes = [name for name, count in counted for _ in range(min(int(count), 100_000))]
    notes = [Note(Severity.INFO, f"Why requests failed: {failure_counts(classes)}.")] if classes else []
    return _run(path, {"failed": sum(count for _, count in counted)}, (), notes)


def _exceptions(path: Path, body: Sequence[Cells]) -> Run:
    count = sum(cell_number(row["Count"]) or 0.0 for row in body)
    notes = [Note(Severity.WARNING, f"Locust's own code failed {count:.0f} times.")] if count else []
    return _run(path, {"exceptions": count}, (), notes)


def _run(path: Path, summary: dict[str, float], points: tuple[MeasuredPoint, ...], notes: Sequence[Note]) -> Run:
    return Run(
        tool="Locust",
        tool_version="unknown",
        source_name=source_name(path),
        file_hash=content_hash(path),
        settings=DEFINITIONS,
        summary=summary,
        points=points,
        notes=sorted_notes(notes),
    )


def _with_history(run: Run, batch: pa.RecordBatch) -> Run:

    return replace(run, tables={"history": Stream(TABLE, lambda: iter([batch]))})


def _seconds(cell: str) -> float | None:
    value = cell_number(cell)
    return None if value is None else value * MILLISECOND


READERS: Mapping[tuple[str, ...], Callable[[Path, Sequence[Cells]], Run]] = {
    STATS: _stats,
    HISTORY: _history,
    FAILURES: _failures,
    EXCEPTIONS: _exceptions,
}
