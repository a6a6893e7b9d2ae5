"""Nsight Systems' SQLite exports (`nsys export --type sqlite`), of every version, read by names of tables and columns.

| their table, column                           | ours                                       | unit        |
| --------------------------------------------- | ------------------------------------------ | ----------- |
| CUPTI_ACTIVITY_KIND_KERNEL                    | table `kernels`, `Run.kernels`             | ns; s       |
| CUPTI_ACTIVITY_KIND_MEMCPY, ..._MEMSET        | tables `copies`, `memory_sets`             | ns, bytes   |
| CUPTI_ACTIVITY_KIND_GRAPH_TRACE               | table `graph_launches`                     | ns          |
| CUPTI_ACTIVITY_KIND_RUNTIME                   | table `runtime`; launches of kernels       | ns          |
| NVTX_EVENTS, types 59 and 60 with an end      | table `nvtx`; ranges around launches       | ns          |
| GPU_METRICS                                   | table `gpu_metrics`                        | ns          |
| NVTX, graphs or the order of kernels          | table `steps`, `Run.points`                | ns; s       |
| TARGET_INFO_GPU.name                          | `gpu_names`, `gpu`                         |             |
| .memoryBandwidth (theoretical), .clockRate    | `gpu_bandwidth_gb_s`, `gpu_clock_mhz`      | GB/s, MHz   |
| .totalMemory, .smCount                        | `gpu_memory_gib`, `gpu_sm_count`           | GiB         |
| TARGET_INFO_SESSION_START_TIME.utcEpochNs     | `started`                                  | ISO 8601    |
| ANALYSIS_DETAILS.duration                     | `session_s`                                | s           |
| META_DATA_EXPORT, EXPORT_META_DATA            | `tool_version`, `schema_version` only      |             |
| META_DATA_CAPTURE ...:CUDA_GRAPH_TRACE...MODE | `cuda_graph_trace`                         |             |
| all else of META_DATA_*, ProcessStreams, ...  | never read: environment, host, user, argv  |             |
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from importers.files import clean_text, content_hash, head, source_name
from importers.gpus import catalogue_id
from importers.nsys_file import (
    CAPTURE,
    EXPORT_TABLES,
    GPUS,
    KERNELS,
    KNOWN,
    METRICS,
    NVTX,
    SESSION,
    SESSION_START,
    Export,
)
from importers.nsys_kernels import kernels
from importers.nsys_labels import Labels
from importers.nsys_launches import Launches
from importers.nsys_marks import marks
from importers.nsys_metrics import Metrics
from importers.nsys_names import Names
from importers.nsys_notes import Findings, notes
from importers.nsys_origin import Origin
from importers.nsys_ranges import Ranges
from importers.nsys_steps import Steps, step_points, step_summary, step_table
from importers.nsys_summary import Totals, kernel_samples, summary
from importers.nsys_tables import Words, tables
from importers.sqlite import MAGIC, damage_named, schema
from planner.errors import MalformedFile
from planner.measured import Batches, Run
from planner.quantities import GIB, GIGA

name = "Nsight Systems (SQLite)"

MEGA = 1e6
UNKNOWN = "unknown"
GRAPH_CALLS = ("cudaGraphLaunch", "cuGraphLaunch")
_VERSION = re.compile(r"[0-9][\w.+-]{0,40}")
_GPU_SETTINGS = {
    "gpu_bandwidth_gb_s": ("memoryBandwidth", GIGA),
    "gpu_clock_mhz": ("clockRate", MEGA),
    "gpu_memory_gib": ("totalMemory", GIB),
    "gpu_sm_count": ("smCount", 1),
}


def identify(path: Path) -> bool:
    """Whether it is SQLite with tables of Nsight Systems, or SQLite too damaged to tell (`read` then says so)."""
    if not head(path).startswith(MAGIC):
        return False
    try:
        found = schema(path, KNOWN)
    except MalformedFile:
        return True
    return bool(found.tables or found.computed)


def read(path: Path) -> Run:
    """The run of one export: totals, kernels added up, steps, and tables that are read when they are iterated.

    path : the file; must stay in place while the run's tables are read
    raises : MalformedFile if the file is damaged, or lacks a column without which a table means nothing; TooLarge;
        Cancelled, if the progress hook says so
    """
    with damage_named(path):
        return _run(Export.of(path))


def _run(export: Export) -> Run:
    labels, launches, metrics = Labels.of(export), Launches(export), Metrics.of(export)
    added = kernels(export, launches, marks(export, labels))
    measured = Totals.of(export, added, launches.rows)
    calls = Names.of(export, launches.by_name)
    gpus = _gpus(export)
    gpu_names = tuple(clean_text(str(row["name"])) for row in gpus if row.get("name"))
    exported = {key: value for table in EXPORT_TABLES for key, value in _meta(export, table, "EXPORT_%VERSION")}
    streams = tables(
        export,
        Words(added.names, added.short_names, calls, labels),
        Origin(launches, Ranges(export, labels)),
        added.order,
    )
    return Run(
        tool="Nsight Systems",
        tool_version=_version(exported.get("EXPORT_PRODUCT_VERSION")),
        source_name=source_name(export.path),
        file_hash=content_hash(export.path),
        started=_started(export),
        gpu_names=gpu_names,
        gpu=catalogue_id(gpu_names),
        settings=_settings(export, gpus, _version(exported.get("EXPORT_SCHEMA_VERSION"))),
        summary={**summary(measured), **step_summary(added.steps), **metrics.summary(export)},
        points=step_points(added.steps),
        kernels=kernel_samples(added),
        notes=notes(_findings(export, measured, _graph_calls(launches, calls), bool(gpu_names))),
        tables={**streams, **_more_tables(export, metrics, added.steps)},
    )


def _more_tables(export: Export, metrics: Metrics, steps: Steps) -> dict[str, Batches]:
    found: dict[str, Batches] = {"steps": step_table(steps)} if len(steps) else {}
    return found | ({"gpu_metrics": metrics.table(export)} if METRICS in export else {})


def _gpus(export: Export) -> list[dict[str, Any]]:
    wanted = ("name", *(theirs for theirs, _ in _GPU_SETTINGS.values()))
    columns = [column for column in wanted if column in export.columns(GPUS)]
    return export.rows(f"SELECT {', '.join(columns)} FROM {GPUS} ORDER BY rowid LIMIT 1000") if columns else []  # noqa: S608


def _meta(export: Export, table: str, pattern: str) -> list[tuple[str, str]]:
    if not export.has(table, "name", "value"):
        return []
    sql = f"SELECT ifnull(name, '') AS name, ifnull(value, '') AS value FROM {table} WHERE name LIKE '{pattern}'"  # noqa: S608
    return [(str(row["name"]), str(row["value"])) for row in export.rows(sql)]


def _graph_mode(export: Export) -> str | None:
    modes = {value.lower() for _, value in _meta(export, CAPTURE, "%CUDA_GRAPH_TRACE_OPTIONS:MODE")}
    return next((mode for mode in ("graph", "node") if mode in modes), None)


def _version(text: str | None) -> str:
    match = _VERSION.fullmatch(text or "")
    return match.group() if match else UNKNOWN


def _started(export: Export) -> str | None:
    epoch = _single(export, SESSION_START, "utcEpochNs")
    try:
        return datetime.fromtimestamp(epoch / GIGA, UTC).isoformat(timespec="seconds") if epoch else None
    except (ValueError, OverflowError, OSError):
        return None


def _single(export: Export, table: str, column: str) -> int | None:
    """A number of a table of one row."""
    first = export.rows(f"SELECT {column} FROM {table} LIMIT 1") if export.has(table, column) else []  # noqa: S608
    value = first[0][column] if first else None
    return value if isinstance(value, int) else None


def _settings(export: Export, gpus: Iterable[dict[str, Any]], schema_version: str) -> dict[str, str | float]:
    rows, mode, session = list(gpus), _graph_mode(export), _single(export, SESSION, "duration")
    found: dict[str, str | float] = {"schema_version": schema_version}
    if mode:
        found["cuda_graph_trace"] = mode
    if session and session > 0:
        found["session_s"] = session / GIGA
    if rows:
        found["gpus"] = len(rows)
    for ours, (theirs, unit) in _GPU_SETTINGS.items():
        values = {row.get(theirs) for row in rows}
        value = values.pop() if len(values) == 1 else None
        if isinstance(value, int | float) and value > 0:
            found[ours] = value / unit
    return found


def _findings(export: Export, measured: Totals, graph_calls: int, has_gpus: bool) -> Findings:
    return Findings(
        measured,
        has_kernels=KERNELS in export,
        has_gpus=has_gpus,
        graph_calls=graph_calls,
        has_metadata=CAPTURE in export or any(table in export for table in EXPORT_TABLES),
        has_ranges=NVTX in export,
        has_version=any(table in export for table in EXPORT_TABLES),
    )


def _graph_calls(launches: Launches, calls: Names) -> int:
    """Calls that launched a CUDA graph."""
    return sum(count for name_id, count in launches.by_name.items() if calls.text(name_id).startswith(GRAPH_CALLS))
