"""Where everything in a report is from: runs, files, notes of the importers, the question, date and version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from planner.measured import Run
from report.case import Case
from report.origin import product
from report.sections import Section, Table, Words
from words.text import plain


def today() -> str:
    """The date, in UTC, as ISO 8601 has it."""
    return datetime.now(UTC).date().isoformat()


def inputs(cases: Sequence[Case], question: str) -> Section:
    """All that went into a report, so that it can be made again.

    question : as it was asked: a command, or a link
    """
    runs = [case.run for case in cases if case.run is not None]
    tables = [Table("Runs", ("Run", "Source", "Tool", "GPU told", "Model told", "SHA-256"), tuple(map(_run, runs)))]
    notes = tuple(Words(f"{plain(run.source_name)}: {plain(note.text)}") for run in runs for note in run.notes)
    asked = Table("The question", ("Asked", "Answered by"), ((question, f"{product()}, {today()}"),))
    said = f"Made by {product()} on {today()}; the same inputs give the same report."
    return Section("Inputs and sources", said, (asked, *(tables if runs else ()), *notes))


def _run(run: Run) -> tuple[str, ...]:
    when = f", {run.started[:10]}" if run.started else ""
    told = ", ".join(run.gpu_names) or "not told"
    return (
        run.id,
        f"{run.source_name}{when}",
        f"{run.tool} {run.tool_version}",
        told,
        run.model_name or "not told",
        run.file_hash,
    )
