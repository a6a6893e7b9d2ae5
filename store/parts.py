"""A Run's small parts as rows of Parquet, and back: changed by nothing in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pyarrow as pa

from planner.measured import KernelSample, MeasuredPoint, Note, Run, Severity
from store import parquet
from store.files import Part
from store.places import HEAD_FILE, Place

POINTS_FILE, KERNELS_FILE = "points.parquet", "kernel_summary.parquet"
SECONDS, PER_SECOND, FLOP_PER_BYTE, FLOP, BYTES = "s", "1/s", "FLOP/B", "FLOP", "bytes"
_UNIT_ENDINGS = {"throughput": PER_SECOND, "goodput": PER_SECOND, "intensity": FLOP_PER_BYTE}

_TEXTS = ("tool", "tool_version", "source_name", "file_hash", "started", "gpu", "model", "model_name")
_ITEM = pa.struct([("key", pa.string()), ("text", pa.string()), ("number", pa.float64())])
_NOTE = pa.struct([("severity", pa.string()), ("text", pa.string())])
_LISTS: dict[str, pa.DataType] = {"gpu_names": pa.string(), "settings": _ITEM, "summary": _ITEM, "notes": _NOTE}
_RUN_FIELDS: list[pa.Field[Any]] = [
    *(pa.field(name, pa.string()) for name in _TEXTS),
    *(pa.field(name, pa.list_(kind)) for name, kind in _LISTS.items()),
]
RUN_SCHEMA = pa.schema(_RUN_FIELDS)
_TOKENS = ("prompt_tokens", "output_tokens", "prefix_cached_tokens")
_CONDITION_UNITS = {"request_rate": PER_SECOND, **dict.fromkeys(_TOKENS, "tokens")}
_NUMBERS = [field.name for field in fields(MeasuredPoint) if field.name not in {"metric", "statistic"}]
_POINT_FIELDS: list[pa.Field[Any]] = [
    *(pa.field(name, pa.string()) for name in ("metric", "statistic", "unit")),
    *(
        pa.field(name, pa.float64(), metadata={"unit": _CONDITION_UNITS[name]} if name in _CONDITION_UNITS else None)
        for name in _NUMBERS
    ),
]
POINTS_SCHEMA = pa.schema(_POINT_FIELDS)
LATER = ("flops", "bytes")
"""Columns that runs saved by earlier versions lack: None in them."""
KERNELS_SCHEMA = pa.schema(
    [
        pa.field("name", pa.dictionary(pa.int32(), pa.string())),
        pa.field("kind", pa.dictionary(pa.int32(), pa.string())),
        pa.field("device", pa.int64()),
        pa.field("launches", pa.int64()),
        pa.field("seconds", pa.float64(), metadata={"unit": SECONDS}),
        pa.field("flops", pa.float64(), metadata={"unit": FLOP}),
        pa.field("bytes", pa.float64(), metadata={"unit": BYTES}),
    ]
)


def write_parts(folder: Path, run: Run) -> None:
    """Writes the three small files of a run into a new folder."""
    points = [{**asdict(point), "unit": unit_of(point.metric)} for point in run.points]
    for name, schema, rows in (
        (HEAD_FILE, RUN_SCHEMA, [row_of(run)]),
        (POINTS_FILE, POINTS_SCHEMA, points),
        (KERNELS_FILE, KERNELS_SCHEMA, [asdict(kernel) for kernel in run.kernels]),
    ):
        parquet.write(folder / name, schema, [pa.RecordBatch.from_pylist(rows, schema=schema)])


def read_head(place: Place) -> Run:
    """A run without points, kernels and tables: one small file.

    raises : DamagedRun, SchemaTooNew, StoreError
    """
    part = place.head_part()
    with part.faults_named():
        return head_of(part, part.read())


def head_of(part: Part, content: bytes) -> Run:
    """A run without points, kernels and tables, from the bytes of its head.

    raises : DamagedRun, SchemaTooNew
    """
    rows = parquet.rows_of(part, content)
    try:
        return run_of(rows[0])
    except (LookupError, TypeError, ValueError) as error:
        raise part.damaged("lacks a part of the run") from error


def run_of(row: Mapping[str, Any]) -> Run:
    """A run from the row of its head.

    raises : LookupError, TypeError, ValueError where a cell is missing or wrong
    """
    return Run(
        **{name: row[name] for name in _TEXTS},
        gpu_names=tuple(row["gpu_names"]),
        settings=_mapping(row["settings"]),
        summary=_mapping(row["summary"]),
        notes=tuple(Note(Severity(note["severity"]), note["text"]) for note in row["notes"]),
    )


def read_points(place: Place) -> tuple[MeasuredPoint, ...]:
    """The measured values of a run.

    raises : DamagedRun, SchemaTooNew, StoreError
    """
    part = place.part(POINTS_FILE)
    try:
        return points_of(parquet.read_rows(part))
    except LookupError as error:
        raise part.damaged("lacks a column") from error


def points_of(rows: Iterable[Mapping[str, Any]]) -> tuple[MeasuredPoint, ...]:
    """Measured values from their rows.

    raises : LookupError where a column is missing
    """
    return tuple(
        MeasuredPoint(row["metric"], row["statistic"], **{name: row[name] for name in _NUMBERS}) for row in rows
    )


def read_kernels(place: Place) -> tuple[KernelSample, ...]:
    """The kernels of a run, added up.

    raises : DamagedRun, SchemaTooNew, StoreError
    """
    part = place.part(KERNELS_FILE)
    try:
        return kernels_of(parquet.read_rows(part))
    except LookupError as error:
        raise part.damaged("lacks a column") from error


def kernels_of(rows: Iterable[Mapping[str, Any]]) -> tuple[KernelSample, ...]:
    """Kernels, added up, from their rows.

    raises : LookupError where a column is missing
    """
    return tuple(
        KernelSample(row["name"], row["kind"], row["device"], row["launches"], row["seconds"], *map(row.get, LATER))
        for row in rows
    )


def unit_of(metric: str) -> str:
    """The SI unit of a metric's values.

    >>> unit_of("ttft"), unit_of("output_throughput")
    ('s', '1/s')
    """
    return next((unit for ending, unit in _UNIT_ENDINGS.items() if metric.endswith(ending)), SECONDS)


def row_of(run: Run) -> dict[str, Any]:
    """The head of a run as a row: what `run_of` reads."""
    return {
        **{name: getattr(run, name) for name in _TEXTS},
        "gpu_names": list(run.gpu_names),
        "settings": _items(run.settings),
        "summary": _items(run.summary),
        "notes": [{"severity": str(note.severity), "text": note.text} for note in run.notes],
    }


def _items(mapping: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "text": value, "number": None}
        if isinstance(value, str)
        else {"key": key, "text": None, "number": float(value)}
        for key, value in mapping.items()
    ]


def _mapping(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["key"]: item["number"] if item["text"] is None else item["text"] for item in items}
