"""Nsight Systems' SQLite exports (`nsys export --type sqlite`), of every version, read by names of tables and columns.

| their table, column                           | ours                                       | unit        |
| --------------------------------------------- | ------------------------------------------ | ----------- |
| CUPTI_ACTIVITY_KIND_KERNEL                    | table `kernels`, `Run.kernels`             | ns; s       |
| CUPTI_ACTIVITY_KIND_MEMCPY                    | table `copies`                             | ns, bytes   |
| CUPTI_ACTIVITY_KIND_GRAPH_TRACE               | table `graph_launches`                     | ns          |
| NVTX_EVENTS, types 59 and 60 with an end      | table `nvtx`                               | ns          |
| TARGET_INFO_GPU.name                          | `gpu_names`, `gpu`                         |             |
| .memoryBandwidth (theoretical), .clockRate    | `gpu_bandwidth_gb_s`, `gpu_clock_mhz`      | GB/s, MHz   |
| .totalMemory, .smCount                        | `gpu_memory_gib`, `gpu_sm_count`           | GiB         |
| TARGET_INFO_SESSION_START_TIME.utcEpochNs     | `started`                                  | ISO 8601    |
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
from importers.nsys_notes import Findings, notes
from importers.nsys_rows import check_columns
from importers.nsys_summary import Totals, kernel_samples, summary, totals
from importers.nsys_tables import COPIES, GRAPHS, KERNELS, NVTX, tables
from importers.sqlite import MAGIC, Schema, damage_named, rows, schema
from planner.errors import MalformedFile
from planner.measured import Run
from planner.quantities import GIB, GIGA

name = "Nsight Systems (SQLite)"

EXPECTED = (KERNELS, COPIES, GRAPHS, NVTX, "CUPTI_ACTIVITY_KIND_RUNTIME", "TARGET_INFO_GPU", "StringIds")
EXPORT_TABLES = ("META_DATA_EXPORT", "EXPORT_META_DATA")
MEGA = 1e6
UNKNOWN = "unknown"
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
        found = schema(path)
    except MalformedFile:
        return True
    return bool({*EXPECTED, *EXPORT_TABLES} & {*found.tables, *found.computed})


def read(path: Path) -> Run:
    """The run of one export: totals, kernels added up, and tables that are read when they are iterated.

    path : the file; must stay in place while the run's tables are read
    raises : MalformedFile if the file is damaged, or lacks a column without which a table means nothing
    """
    found = schema(path)
    _refuse_computed(path, found)
    check_columns(path, found)
    with damage_named(path):
        return _run(path, found)


def _run(path: Path, found: Schema) -> Run:
    measured = totals(path, found)
    gpus = _rows_of(path, found, "TARGET_INFO_GPU")
    gpu_names = tuple(clean_text(str(row["name"])) for row in gpus if row.get("name"))
    exported = {key: value for table in EXPORT_TABLES for key, value in _meta(path, found, table, "EXPORT_%VERSION")}
    mode = _graph_mode(path, found)
    return Run(
        tool="Nsight Systems",
        tool_version=_version(exported.get("EXPORT_PRODUCT_VERSION")),
        source_name=source_name(path),
        file_hash=content_hash(path),
        started=_started(path, found),
        gpu_names=gpu_names,
        gpu=catalogue_id(gpu_names),
        settings=_settings(gpus, _version(exported.get("EXPORT_SCHEMA_VERSION")), mode),
        summary=summary(measured),
        kernels=kernel_samples(measured),
        notes=notes(_findings(path, found, measured, bool(gpu_names))),
        tables=tables(path, found, measured.kernel_names, measured.short_names),
    )


def _refuse_computed(path: Path, found: Schema) -> None:
    for table in {*EXPECTED, *EXPORT_TABLES} & found.computed:
        raise MalformedFile(
            f"{source_name(path)}: {table} is a view or a virtual table. Nsight Systems writes real tables; "
            "export the report again with `nsys export --type sqlite`."
        )


def _rows_of(path: Path, found: Schema, table: str) -> list[dict[str, Any]]:
    wanted = ("name", *(theirs for theirs, _ in _GPU_SETTINGS.values()))
    columns = [column for column in wanted if column in found.tables.get(table, ())]
    return rows(path, f"SELECT {', '.join(columns)} FROM {table} ORDER BY rowid") if columns else []  # noqa: S608


def _meta(path: Path, found: Schema, table: str, pattern: str) -> list[tuple[str, str]]:
    if not {"name", "value"} <= set(found.tables.get(table, ())):
        return []
    sql = f"SELECT ifnull(name, '') AS name, ifnull(value, '') AS value FROM {table} WHERE name LIKE '{pattern}'"  # noqa: S608
    return [(str(row["name"]), str(row["value"])) for row in rows(path, sql)]


def _graph_mode(path: Path, found: Schema) -> str | None:
    modes = {value.lower() for _, value in _meta(path, found, "META_DATA_CAPTURE", "%CUDA_GRAPH_TRACE_OPTIONS:MODE")}
    return next((mode for mode in ("graph", "node") if mode in modes), None)


def _version(text: str | None) -> str:
    match = _VERSION.fullmatch(text or "")
    return match.group() if match else UNKNOWN


def _started(path: Path, found: Schema) -> str | None:
    if "utcEpochNs" not in found.tables.get("TARGET_INFO_SESSION_START_TIME", ()):
        return None
    first = rows(path, "SELECT utcEpochNs FROM TARGET_INFO_SESSION_START_TIME LIMIT 1")
    try:
        return datetime.fromtimestamp(first[0]["utcEpochNs"] / GIGA, UTC).isoformat(timespec="seconds")
    except (IndexError, TypeError, ValueError, OverflowError, OSError):
        return None


def _settings(gpus: Iterable[dict[str, Any]], schema_version: str, mode: str | None) -> dict[str, str | float]:
    rows_ = list(gpus)
    found: dict[str, str | float] = {"schema_version": schema_version}
    if mode:
        found["cuda_graph_trace"] = mode
    if rows_:
        found["gpus"] = len(rows_)
    for ours, (theirs, unit) in _GPU_SETTINGS.items():
        values = {row.get(theirs) for row in rows_}
        value = values.pop() if len(values) == 1 else None
        if isinstance(value, int | float) and value > 0:
            found[ours] = value / unit
    return found


def _findings(path: Path, found: Schema, measured: Totals, has_gpus: bool) -> Findings:
    return Findings(
        measured,
        has_kernels=KERNELS in found.tables,
        has_gpus=has_gpus,
        graph_calls=_graph_calls(path, found),
        graph_nodes=_graph_nodes(path, found),
        has_metadata="META_DATA_CAPTURE" in found.tables or any(table in found.tables for table in EXPORT_TABLES),
    )


def _graph_calls(path: Path, found: Schema) -> int:
    if "nameId" not in found.tables.get("CUPTI_ACTIVITY_KIND_RUNTIME", ()):
        return 0
    if not {"id", "value"} <= set(found.tables.get("StringIds", ())):
        return 0
    sql = (
        "SELECT count(*) AS calls FROM CUPTI_ACTIVITY_KIND_RUNTIME WHERE nameId IN "
        "(SELECT id FROM StringIds WHERE value LIKE 'cudaGraphLaunch%' OR value LIKE 'cuGraphLaunch%')"
    )
    return int(rows(path, sql)[0]["calls"])


def _graph_nodes(path: Path, found: Schema) -> bool:
    if "graphNodeId" not in found.tables.get(KERNELS, ()):
        return False
    return bool(rows(path, f"SELECT 1 AS found FROM {KERNELS} WHERE graphNodeId > 0 LIMIT 1"))  # noqa: S608
