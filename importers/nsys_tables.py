"""Tables of an Nsight Systems export as streams of our columns. An optional column that a version lacks is NULL.

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
| bytes, copyKind; value                       | bytes, kind; value                                 | bytes |
| nameId -> StringIds                          | name (of a runtime call)                           |       |
| text, or textId -> StringIds; eventType      | text, kind                                         |       |
| domainId, category and their names           | domain_id, domain, category_id, category           |       |
| timestamp, typeId & 255, metricId, value     | timestamp_ns, device, metric, value (nsys_metrics) | ns    |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import pyarrow as pa

from importers.ahead import ahead
from importers.arrow import Array, Stream, compute, field, nulls
from importers.nsys_file import COPIES, GRAPHS, KERNELS, MEMORY_SETS, NVTX, RUNTIME, Export
from importers.nsys_labels import PUSH_POP, START_END, Labels
from importers.nsys_launches import THREAD_BITS
from importers.nsys_names import Names
from importers.nsys_order import Order, in_time
from importers.nsys_origin import ORIGIN, Origin
from importers.sqlite import damage_named
from planner.measured import Batches

NAME_COLUMNS = ("demangledName", "shortName")
SHORT_NAME_COLUMNS = ("shortName", "demangledName")
ID_MASK = 2**THREAD_BITS - 1
COPY_KINDS = (
    "unknown", "host_to_device", "device_to_host", "host_to_array", "array_to_host", "array_to_array",
    "array_to_device", "device_to_array", "device_to_device", "host_to_host", "peer_to_peer", "unified_host_to_device",
    "unified_device_to_host", "unified_device_to_device",
)  # fmt: skip
RANGE_KINDS = {PUSH_POP: "push_pop", START_END: "start_end"}
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


@dataclass(frozen=True, slots=True)
class Words:
    """The names that an export's rows stand for."""

    kernels: Names
    short: Names
    calls: Names
    labels: Labels


def tables(export: Export, words: Words, origin: Origin, order: Order) -> dict[str, Batches]:
    """Every table of rows that the export has, as a stream.

    origin : what launched a kernel or graph
    order : of the kernels
    """
    made = {
        "kernels": (KERNELS, _kernel_columns(words.kernels, words.short)),
        "copies": (COPIES, (*_times(), _integer("bytes", "bytes", "bytes"), _copy_kind(), *_where())),
        "memory_sets": (MEMORY_SETS, (*_times(), _integer("bytes", "bytes", "bytes"), _integer("value"), *_where())),
        "graph_launches": (GRAPHS, (*_times(), *_where(), *_graph())),
        "runtime": (RUNTIME, _call_columns(words.calls)),
    }
    streams: dict[str, Batches] = {}
    for ours, (table, columns) in made.items():
        if table in export:
            launched = origin if table in (KERNELS, GRAPHS) else None
            streams[ours] = _stream(export, table, columns, launched, order if table == KERNELS else Order())
    if NVTX in export:
        streams["nvtx"] = _nvtx(export, words.labels)
    return streams


def _stream(export: Export, table: str, columns: tuple[Column, ...], origin: Origin | None, order: Order) -> Stream:
    present = {column.ours: export.first_present(table, *column.theirs) for column in columns}
    wanted = dict.fromkeys([name for name in present.values() if name] + list(ORIGIN if origin else ()))
    fields = [field(column.ours, column.kind, column.unit) for column in columns]
    schema = pa.schema([*fields, *(origin.fields if origin else ())])

    def ours(batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [_decoded(batch, column, present[column.ours]) for column in columns]
        return pa.RecordBatch.from_arrays([*arrays, *(origin.columns(batch) if origin else ())], schema=schema)

    def source() -> Iterator[pa.RecordBatch]:
        if origin:
            origin.begin()
        with damage_named(export.path):
            yield from ahead(in_time(export.batches(table, *wanted), order), ours)

    return Stream(schema, source)


def _nvtx(export: Export, labels: Labels) -> Stream:
    columns = (
        *_times(), _word("kind", ("eventType",), _coded(RANGE_KINDS)), *_thread(),
        _integer("domain_id", "domainId"), _integer("category_id", "category"),
    )  # fmt: skip
    fields = [field(column.ours, column.kind, column.unit) for column in columns]
    schema = pa.schema([field("text", pa.string()), *fields, field("domain", WORD), field("category", WORD)])
    wanted = dict.fromkeys([*(column.theirs[0] for column in columns), "textId"])

    def source() -> Iterator[pa.RecordBatch]:
        with damage_named(export.path):
            for whole in export.batches(NVTX, *wanted, texts=("text",)):
                is_range = compute.is_in(whole.column("eventType"), pa.array(list(RANGE_KINDS)))
                batch = whole.filter(compute.and_(is_range, whole.column("end").is_valid()))
                arrays = [_decoded(batch, column, column.theirs[0]) for column in columns]
                said = [labels.texts(batch), *arrays, labels.domain(batch), labels.category(batch)]
                yield pa.RecordBatch.from_arrays(said, schema=schema)

    return Stream(schema, source)


def _decoded(batch: pa.RecordBatch, column: Column, name: str | None) -> Array:
    if name is None:
        return nulls(batch.num_rows, column.kind)
    return column.decode(batch.column(name)).cast(column.kind)


def _kernel_columns(names: Names, short: Names) -> tuple[Column, ...]:
    sides = ((f"{box}_{side.lower()}", f"{box}{side}") for box in ("grid", "block") for side in "XYZ")
    return (
        _word("name", NAME_COLUMNS, names.coded),
        _word("short_name", SHORT_NAME_COLUMNS, short.coded),
        _word("kind", NAME_COLUMNS, names.kinds()),
        *_times(),
        *_where(),
        *(_integer(ours, theirs, kind=pa.int32()) for ours, theirs in sides),
        _integer("registers", "registersPerThread", kind=pa.int32()),
        _integer("static_shared_memory", "staticSharedMemory", "bytes"),
        _integer("dynamic_shared_memory", "dynamicSharedMemory", "bytes"),
        _integer("graph_node", "graphNodeId"),
    )


def _call_columns(names: Names) -> tuple[Column, ...]:
    correlation = _integer("correlation", "correlationId")
    return _word("name", ("nameId",), names.coded), *_times(), *_thread(), correlation


def _graph() -> tuple[Column, ...]:
    return _integer("graph", "graphId"), _integer("graph_exec", "graphExecId")


def _times() -> tuple[Column, ...]:
    return _integer("start_ns", "start", "ns"), _integer("end_ns", "end", "ns")


def _where() -> tuple[Column, ...]:
    return (
        _integer("device", "deviceId", kind=pa.int32()),
        _integer("stream", "streamId"),
        _integer("process_id", "globalPid", decode=process_id),
        _integer("correlation", "correlationId"),
    )


def _thread() -> tuple[Column, ...]:
    return (
        _integer("process_id", "globalTid", decode=process_id),
        _integer("thread_id", "globalTid", decode=lambda ids: compute.bit_wise_and(ids, ID_MASK)),
    )


def _copy_kind() -> Column:
    return _word("kind", ("copyKind",), _coded(dict(enumerate(COPY_KINDS))))


def _integer(
    ours: str, theirs: str | None = None, unit: str = "", *, kind: pa.DataType | None = None,
    decode: Decode = lambda values: values,
) -> Column:  # fmt: skip
    return Column(ours, (theirs or ours,), kind or pa.int64(), decode, unit)


def _word(ours: str, theirs: tuple[str, ...], decode: Decode) -> Column:
    return Column(ours, theirs, WORD, decode)


def process_id(ids: Array) -> Array:
    """The process as the operating system numbers it, from a process or thread as the export writes it."""
    return cast(Array, compute.bit_wise_and(compute.shift_right(ids, THREAD_BITS), ID_MASK))


def _coded(words: Mapping[int, str]) -> Decode:
    codes, values = pa.array(list(words), pa.int64()), pa.array(list(words.values()), pa.string())
    return lambda ids: pa.DictionaryArray.from_arrays(compute.index_in(ids, value_set=codes), values)
