"""Tables of an Nsight Systems export as streams of our columns. An optional column that a version lacks is null.

| theirs                                       | ours                                               | unit  |
| -------------------------------------------- | -------------------------------------------------- | ----- |
| start, end                                   | start_ns, end_ns                                   | ns    |
| demangledName, shortName -> StringIds        | name, short_name; kind (importers/kernels.py)      |       |
| deviceId, streamId, correlationId            | device, stream, correlation                        |       |
| globalPid, globalTid: bits 24..47, 0..23     | process_id; thread_id                              |       |
| gridX.., blockX..                            | grid_x.., block_x..                                |       |
| registersPerThread                           | registers                                          |       |
| staticSharedMemory, dynamicSharedMemory      | static_shared_memory, dynamic_shared_memory        | bytes |
| graphNodeId, graphId, graphExecId            | graph_node, graph, graph_exec                      |       |
| bytes, copyKind                              | bytes, kind                                        | bytes |
| text, or textId -> StringIds; eventType      | text, kind                                         |       |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pyarrow as pa

from importers.arrow import Array, Stream, compute, field
from importers.nsys_names import Names
from importers.sqlite import Schema, batches, damage_named, quoted, repaired
from planner.measured import Batches

KERNELS = "CUPTI_ACTIVITY_KIND_KERNEL"
COPIES = "CUPTI_ACTIVITY_KIND_MEMCPY"
GRAPHS = "CUPTI_ACTIVITY_KIND_GRAPH_TRACE"
NVTX = "NVTX_EVENTS"

NAME_COLUMNS = ("demangledName", "shortName")
SHORT_NAME_COLUMNS = ("shortName", "demangledName")
ID_BITS = 24
ID_MASK = 2**ID_BITS - 1
COPY_KINDS = (
    "unknown", "host_to_device", "device_to_host", "host_to_array", "array_to_host", "array_to_array",
    "array_to_device", "device_to_array", "device_to_device", "host_to_host", "peer_to_peer", "unified_host_to_device",
    "unified_device_to_host", "unified_device_to_device",
)  # fmt: skip
RANGE_KINDS = {59: "push_pop", 60: "start_end"}
WORD = pa.dictionary(pa.int32(), pa.string())
Decode = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Column:
    """One of our columns: where its values come from and how they are decoded.

    theirs : names of the source column, the first that exists is read
    """

    ours: str
    theirs: tuple[str, ...]
    kind: pa.DataType
    decode: Decode
    unit: str = ""


def tables(path: Path, found: Schema, kernel_names: Names, short_names: Names) -> dict[str, Batches]:
    """Every table that the export has, as a stream.

    kernel_names, short_names : names of the kernels by their ids in StringIds
    raises : MalformedFile
    """
    made = {
        "kernels": (KERNELS, _kernel_columns(kernel_names, short_names)),
        "copies": (COPIES, (*_times(), _integer("bytes", "bytes", "bytes"), _copy_kind(), *_origin())),
        "graph_launches": (GRAPHS, (*_times(), *_origin(), *_graph())),
    }
    streams: dict[str, Batches] = {
        ours: _stream(path, found, table, columns) for ours, (table, columns) in made.items() if table in found.tables
    }
    if NVTX in found.tables:
        streams["nvtx"] = _nvtx(path, found)
    return streams


def first_present(columns: Iterable[str], names: tuple[str, ...]) -> str | None:
    """The first of several names that a table has as a column."""
    there = set(columns)
    return next((name for name in names if name in there), None)


def _stream(path: Path, found: Schema, table: str, columns: tuple[Column, ...], where: str = "") -> Stream:
    schema = pa.schema([field(column.ours, column.kind, column.unit) for column in columns])
    present = {column.ours: first_present(found.tables[table], column.theirs) for column in columns}
    wanted = sorted({name for name in present.values() if name})
    sql = f"SELECT {', '.join(quoted(name) for name in wanted)} FROM {quoted(table)}{where}"  # noqa: S608

    def source() -> Iterator[pa.RecordBatch]:
        with damage_named(path):
            for batch in batches(path, sql):
                arrays = [_decoded(batch, column, present[column.ours]) for column in columns]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return Stream(schema, source)


def _decoded(batch: pa.RecordBatch, column: Column, name: str | None) -> Array:
    if name is None:
        return pa.array([None] * batch.num_rows, column.kind)
    return column.decode(batch.column(name).cast(pa.int64())).cast(column.kind)


def _nvtx(path: Path, found: Schema) -> Stream:
    columns = (
        *_times(),
        Column("kind", ("eventType",), WORD, _coded(RANGE_KINDS)),
        _integer("process_id", "globalTid", decode=_process),
        _integer("thread_id", "globalTid", decode=lambda ids: compute.bit_wise_and(ids, ID_MASK)),
    )
    there = found.tables[NVTX]
    registered = Names.of(path, found, NVTX, "textId") if "textId" in there else Names.none()
    where = f' WHERE eventType IN ({", ".join(map(str, RANGE_KINDS))}) AND "end" IS NOT NULL'
    rest = _stream(path, found, NVTX, columns, where)
    schema = pa.schema([field("text", pa.string()), *rest.schema])
    text = "ifnull(text, '')" if "text" in there else "''"
    text_id = "textId" if "textId" in there else "NULL"
    sql = f"SELECT {text} AS text, {text_id} AS text_id FROM {NVTX}{where}"  # noqa: S608

    def source() -> Iterator[pa.RecordBatch]:
        with damage_named(path):
            for texts, batch in zip(batches(path, sql), rest, strict=True):
                written = repaired(texts.column("text")).cast(pa.string())
                named = registered.texts(texts.column("text_id").cast(pa.int64()))
                chosen = compute.if_else(compute.equal(written, ""), named, written)
                yield pa.RecordBatch.from_arrays([chosen, *batch.columns], schema=schema)

    return Stream(schema, source)


def _kernel_columns(names: Names, short: Names) -> tuple[Column, ...]:
    sides = ((f"{box}_{side.lower()}", f"{box}{side}") for box in ("grid", "block") for side in "XYZ")
    return (
        Column("name", NAME_COLUMNS, WORD, names.coded),
        Column("short_name", SHORT_NAME_COLUMNS, WORD, short.coded),
        Column("kind", NAME_COLUMNS, WORD, names.kinds),
        *_times(),
        *_origin(),
        *(_integer(ours, theirs, kind=pa.int32()) for ours, theirs in sides),
        _integer("registers", "registersPerThread", kind=pa.int32()),
        _integer("static_shared_memory", "staticSharedMemory", "bytes"),
        _integer("dynamic_shared_memory", "dynamicSharedMemory", "bytes"),
        _integer("graph_node", "graphNodeId"),
    )


def _times() -> tuple[Column, ...]:
    return _integer("start_ns", "start", "ns"), _integer("end_ns", "end", "ns")


def _origin() -> tuple[Column, ...]:
    return (
        _integer("device", "deviceId", kind=pa.int32()),
        _integer("stream", "streamId"),
        _integer("process_id", "globalPid", decode=_process),
        _integer("correlation", "correlationId"),
    )


def _graph() -> tuple[Column, ...]:
    return _integer("graph", "graphId"), _integer("graph_exec", "graphExecId")


def _copy_kind() -> Column:
    return Column("kind", ("copyKind",), WORD, _coded(dict(enumerate(COPY_KINDS))))


def _integer(
    ours: str, theirs: str, unit: str = "", *, kind: pa.DataType | None = None,
    decode: Decode = lambda values: values,
) -> Column:  # fmt: skip
    return Column(ours, (theirs,), kind or pa.int64(), decode, unit)


def _process(ids: Array) -> Array:
    return cast(Array, compute.bit_wise_and(compute.shift_right(ids, ID_BITS), ID_MASK))


def _coded(words: Mapping[int, str]) -> Decode:
    codes, values = pa.array(list(words), pa.int64()), pa.array(list(words.values()), pa.string())
    return lambda ids: pa.DictionaryArray.from_arrays(compute.index_in(ids, value_set=codes), values)
