"""Tables of a PyTorch trace under the column names of every other trace, sorted by start.

| theirs                                        | ours                                            | unit  |
| --------------------------------------------- | ----------------------------------------------- | ----- |
| baseTimeNanoseconds + ts, + dur               | start_ns, end_ns                                | ns    |
| name of a kernel                              | name, short_name; kind (importers/kernels.py)   |       |
| device, stream, correlation                   | device, stream, correlation                     |       |
| the launching call: ts, dur, pid, tid         | launch_start_ns, launch_end_ns, process_id, ... | ns    |
| grid, block, registers per thread             | grid_x.., block_x.., registers                  |       |
| shared memory (static and dynamic)            | shared_memory                                   | bytes |
| graph node id                                 | graph_node                                      |       |
| op that launched it, its inputs               | op, shapes, flops (importers/torch_flops.py)    | FLOP  |
| Memcpy HtoD ..., Memset; bytes                | tables `copies` (kind), `memory_sets`               | bytes |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from importers.arrow import WORD, Array, Stream, compute, field
from importers.files import clean_text
from importers.short_names import LONGEST_NAME, short_name
from importers.torch_events import COPY, KERNEL, NONE, SET
from importers.torch_rows import Ints, Rows
from importers.torch_work import Work
from planner.measured import Batches

BATCH_ROWS = 65_536
_TIMES = [field("start_ns", pa.int64(), "ns"), field("end_ns", pa.int64(), "ns")]
_ORIGIN = [field("device", pa.int32()), field("stream", pa.int64())]
_SIDES = [f"{box}_{side}" for box in ("grid", "block") for side in "xyz"]
KERNELS = pa.schema(
    [
        *(field(name, WORD) for name in ("name", "short_name", "kind")),
        *_TIMES,
        *_ORIGIN,
        field("process_id", pa.int64()),
        field("correlation", pa.int64()),
        *(field(name, pa.int32()) for name in _SIDES),
        field("registers", pa.int32()),
        field("shared_memory", pa.int64(), "bytes"),
        field("graph_node", pa.int64()),
        field("launch_start_ns", pa.int64(), "ns"),
        field("launch_end_ns", pa.int64(), "ns"),
        field("thread_id", pa.int64()),
        field("op", WORD),
        field("shapes", WORD),
        field("flops", pa.float64(), "FLOP"),
    ]
)
SETS = pa.schema([*_TIMES, field("bytes", pa.int64(), "bytes"), *_ORIGIN, field("correlation", pa.int64())])
COPIES = pa.schema([*list(SETS)[:3], field("kind", WORD), *list(SETS)[3:]])
_DIRECTION = re.compile(r"Memcpy (?P<source>[HDAP])to(?P<target>[HDAP])\b")
_PLACES = {"H": "host", "D": "device", "A": "array", "P": "peer"}
UNKNOWN = "unknown"
Maker = Callable[[Ints], Array]
"""The values of a column at some places."""


def tables(rows: Rows, work: Work, base: int) -> dict[str, Batches]:
    """Every table of which the trace has rows.

    base : what is added to every time [ns]
    """
    made: dict[str, Batches] = {}
    if rows.count(KERNEL):
        made["kernels"] = _kernels(rows, work, base)
    if rows.count(COPY):
        kinds = {"kind": _kinds(rows)}
        made["copies"] = _stream(COPIES, rows.column(COPY, "start"), _plain(rows, COPY, base) | kinds)
    if rows.count(SET):
        made["memory_sets"] = _stream(SETS, rows.column(SET, "start"), _plain(rows, SET, base))
    return made


def copy_kind(name: str) -> str:
    """From where to where a copy went.

    >>> copy_kind("Memcpy HtoD (Pageable -> Device)"), copy_kind("Memcpy PtoP (Device -> Device)"), copy_kind("x")
    ('host_to_device', 'peer_to_peer', 'unknown')
    """
    found = _DIRECTION.match(name)
    return f"{_PLACES[found['source']]}_to_{_PLACES[found['target']]}" if found else UNKNOWN


def _kernels(rows: Rows, work: Work, base: int) -> Stream:
    cleaned = [clean_text(name, LONGEST_NAME) for name in rows.names.values]
    names = rows.column(KERNEL, "name")
    made: dict[str, Maker] = {
        **_plain(rows, KERNEL, base),
        "name": _coded(names, cleaned),
        "short_name": _coded(names, [short_name(name) for name in cleaned]),
        "kind": _coded(names, work.kinds),
        "process_id": _whole(work.links.process),
        "thread_id": _whole(work.links.thread),
        "launch_start_ns": _moment(work.links.launched, base),
        "launch_end_ns": _moment(work.links.returned, base),
        **{name: _whole(rows.column(KERNEL, name)) for name in ("registers", "shared_memory", "graph_node")},
        "op": _coded(work.signature, work.op_names),
        "shapes": _coded(work.signature, work.shapes),
        "flops": lambda places: pa.array(work.flops[places], mask=np.isnan(work.flops[places])),
    }
    for which in ("grid", "block"):
        sides = rows.column(KERNEL, which)
        made |= {f"{which}_{side}": _whole(sides[:, at]) for at, side in enumerate("xyz")}
    return _stream(KERNELS, rows.column(KERNEL, "start"), made)


def _plain(rows: Rows, kind: str, base: int) -> dict[str, Maker]:
    start, lasted = rows.column(kind, "start"), rows.column(kind, "ns")
    told = ("device", "stream", "correlation") + (("bytes",) if kind != KERNEL else ())
    return {
        "start_ns": lambda places: pa.array(start[places] + base),
        "end_ns": lambda places: pa.array(start[places] + lasted[places] + base),
        **{name: _whole(rows.column(kind, name)) for name in told},
    }


def _stream(schema: pa.Schema, start: Ints, made: Mapping[str, Maker]) -> Stream:
    """Batches made from the columns when they are asked for, in the order of time."""
    order = np.argsort(start, kind="stable")

    def source() -> Iterator[pa.RecordBatch]:
        for first in range(0, len(order), BATCH_ROWS):
            places = order[first : first + BATCH_ROWS]
            yield pa.RecordBatch.from_arrays(
                [made[item.name](places).cast(item.type) for item in schema], schema=schema
            )

    return Stream(schema, source)


def _whole(values: Ints) -> Maker:
    return lambda places: pa.array(values[places], mask=values[places] == NONE)


def _moment(values: Ints, base: int) -> Maker:
    return lambda places: pa.array(values[places] + base, mask=values[places] == NONE)


def _coded(codes: Ints, texts: list[str]) -> Maker:
    used = dict.fromkeys(texts[code] for code in np.unique(codes).tolist() if code != NONE)
    place = {text: number for number, text in enumerate(used)}
    moved = np.array([*(place.get(text, 0) for text in texts), 0], np.int32)
    dictionary = pa.array(list(used), pa.string())

    def coded(places: Ints) -> Array:
        mine = codes[places]
        numbers = compute.if_else(pa.array(mine == NONE), None, pa.array(moved[mine]))
        return pa.DictionaryArray.from_arrays(numbers, dictionary)

    return coded


def _kinds(rows: Rows) -> Maker:
    return _coded(rows.column(COPY, "name"), [copy_kind(name) for name in rows.names.values])
