"""One run of several files: alike ones follow each other, unlike ones complete each other.

| of the runs         | alike (stages, combinations)          | unlike (a summary and its requests)            |
| ------------------- | ------------------------------------- | ---------------------------------------------- |
| points              | all                                   | of each metric those of the first that has any |
| settings            | those that all share                  | the first word on each                         |
| summary             | sums                                  | the first word on each                         |
| tables              | each other's rows, `result` counts on | the first of each name                         |
| GPU, model, version | the first word on each                | the same                                       |
| notes               | once each                             | the same                                       |
| identity            | the content of all of them            | the same                                       |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import pyarrow as pa

from importers.arrow import Stream, compute
from planner.measured import Batches, MeasuredPoint, Run, sorted_notes

Value = TypeVar("Value")
RATE = "_per_s"
"""Ending of what does not add up."""
CONDITIONS = ("concurrency", "request_rate", "prompt_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class Told:
    """What one file told.

    name : its path within what was given
    importer : the name of the one that read it
    """

    name: str
    importer: str
    run: Run


def alike(told: Sequence[Told]) -> Run:
    """Runs of one kind as one, in their order."""
    runs = [one.run for one in told]
    if len(runs) == 1:
        return runs[0]
    keys = {key for run in runs for key in run.summary if not key.endswith(RATE)}
    return replace(
        _identified(runs),
        settings=_shared([run.settings for run in runs]),
        summary={key: sum(run.summary.get(key, 0.0) for run in runs) for key in sorted(keys)},
        points=tuple(point for run in runs for point in run.points),
        tables=_chained(runs),
    )


def completed(first: Run, others: Sequence[Told]) -> Run:
    """A run with what other files tell of it besides."""
    if not others:
        return first
    runs = [first, *(one.run for one in others)]
    points = list(first.points)
    for run in runs[1:]:
        known = {point.metric for point in points}
        points += [_under(point, first.points) for point in run.points if point.metric not in known]
    return replace(
        _identified(runs),
        settings=_first_word([run.settings for run in runs]),
        summary=_first_word([run.summary for run in runs]),
        points=tuple(points),
        tables=_first_word([run.tables for run in runs]),
    )


def without_values(told: Told) -> Told:
    """A file whose points, notes and tables are told better elsewhere."""
    return replace(told, run=replace(told.run, points=(), notes=(), tables={}))


def _identified(runs: Sequence[Run]) -> Run:
    hashes = "".join(sorted(run.file_hash for run in runs))
    return replace(
        runs[0],
        tool_version=next((run.tool_version for run in runs if run.tool_version != "unknown"), "unknown"),
        file_hash=hashlib.sha256(hashes.encode()).hexdigest(),
        started=next((run.started for run in runs if run.started), None),
        gpu_names=next((run.gpu_names for run in runs if run.gpu_names), ()),
        gpu=next((run.gpu for run in runs if run.gpu), None),
        model_name=next((run.model_name for run in runs if run.model_name), None),
        notes=sorted_notes(note for run in runs for note in run.notes),
    )


def _under(point: MeasuredPoint, first: Sequence[MeasuredPoint]) -> MeasuredPoint:
    """A point under the conditions that all points of the first file share, where its own file did not tell."""
    shared: dict[str, Any] = {}
    for name in (field.name for field in fields(MeasuredPoint) if field.name in CONDITIONS):
        values = {getattr(one, name) for one in first}
        if getattr(point, name) is None and len(values) == 1:
            shared[name] = values.pop()
    return replace(point, **shared)


def _shared(each: Sequence[Mapping[str, str | float]]) -> dict[str, str | float]:
    return {key: value for key, value in each[0].items() if all(other.get(key) == value for other in each)}


def _first_word(each: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
    return {key: value for mapping in reversed(each) for key, value in mapping.items()}


def _chained(runs: Sequence[Run]) -> dict[str, Batches]:
    names = dict.fromkeys(name for run in runs for name in run.tables)
    return {name: _chain([(run, run.tables[name]) for run in runs if name in run.tables], runs) for name in names}


def _chain(tables: Sequence[tuple[Run, Batches]], runs: Sequence[Run]) -> Batches:
    """Tables after each other; the number of a result counts on over all files."""
    before: dict[int, int] = {}
    count = 0
    for run in runs:
        before[id(run)] = count
        count += int(run.summary.get("results", 1))
    schema = tables[0][1].schema

    def batches() -> Iterator[pa.RecordBatch]:
        for run, table in tables:
            for batch in table:
                yield _counted_on(batch, before[id(run)]) if "result" in schema.names else batch

    return Stream(schema, batches)


def _counted_on(batch: pa.RecordBatch, before: int) -> pa.RecordBatch:
    place = batch.schema.get_field_index("result")
    column = compute.add(batch.column(place), pa.scalar(before, pa.int32()))
    arrays = [column if at == place else batch.column(at) for at in range(batch.num_columns)]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
