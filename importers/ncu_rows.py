"""One row a launch: what the CSV of Nsight Compute tells, under the column names of every other trace.

| theirs                                       | ours                                                       | unit   |
| -------------------------------------------- | ---------------------------------------------------------- | ------ |
| Kernel Name                                  | name, short_name; kind (importers/kernels.py)              |        |
| Device, Stream, Process ID                   | device, stream, process_id                                 |        |
| Grid Size, Block Size: (x, y, z)             | grid_x.., block_x..                                        |        |
| launch__registers_per_thread, shared memory  | registers, static_shared_memory, dynamic_shared_memory     | bytes  |
| Invocations                                  | launches; all else is then the mean of one                 |        |
| counters (importers/ncu_work.py)             | duration_ns, flops, dram_bytes, operational_intensity, ... | ns, .. |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from importers.arrow import WORD, Stream, cells, field
from importers.files import clean_text
from importers.kernels import classify
from importers.ncu_csv import BLOCK, DEVICE, GRID, INVOCATIONS, PROCESS, STREAM, Launch
from importers.ncu_metrics import DYNAMIC, REGISTERS, STATIC, Counters
from importers.ncu_work import Counted, dram_bytes, flops, seconds
from importers.short_names import LONGEST_NAME, short_name
from planner.quantities import GIGA

BATCH_ROWS = 16_384
_SIDES = [f"{box}_{side}" for box in ("grid", "block") for side in "xyz"]
SCHEMA = pa.schema(
    [
        *(field(name, WORD) for name in ("name", "short_name", "kind")),
        field("device", pa.int32()),
        field("stream", pa.int64()),
        field("process_id", pa.int64()),
        *(field(name, pa.int32()) for name in _SIDES),
        field("registers", pa.int32()),
        field("static_shared_memory", pa.int64(), "bytes"),
        field("dynamic_shared_memory", pa.int64(), "bytes"),
        field("launches", pa.int64()),
        field("duration_ns", pa.int64(), "ns"),
        field("flops", pa.float64(), "FLOP"),
        field("flops_source", WORD),
        field("dram_bytes", pa.float64(), "bytes"),
        field("dram_bytes_source", WORD),
        field("operational_intensity", pa.float64(), "FLOP/B"),
        field("flop_per_s", pa.float64(), "FLOP/s"),
    ]
)
NO_DEVICE = -1
_MOST = 2**31 - 1
_INTEGER = re.compile(r"\d{1,18}")
_LONGEST_SECONDS = 1e9


@dataclass(frozen=True, slots=True)
class Row:
    """One launch, or the mean of several.

    launches : how many it stands for
    seconds : of one [s]
    flops, moved : of one [FLOP], [bytes]
    shape : grid and block, x to z
    """

    name: str
    kind: str
    device: int
    stream: int | None
    process_id: int | None
    shape: tuple[int | None, ...]
    registers: float | None
    shared: tuple[float | None, float | None]
    launches: int
    seconds: float | None
    flops: Counted
    moved: Counted

    @property
    def failed(self) -> bool:
        """Whether ncu wrote a launch down without having profiled it: its grid is then (0, 0, 0)."""
        return self.shape[0] == 0

    @property
    def intensity(self) -> float | None:
        """Operational intensity [FLOP/B], where all FLOPs and the bytes are known."""
        known = self.flops.amount is not None and self.flops.whole and self.moved.amount
        return (self.flops.amount or 0.0) / self.moved.amount if known and self.moved.amount else None

    @property
    def rate(self) -> float | None:
        """Achieved rate [FLOP/s], where all FLOPs and the time are known."""
        known = self.flops.amount is not None and self.flops.whole and self.seconds
        return (self.flops.amount or 0.0) / self.seconds if known and self.seconds else None


def row(launch: Launch, mark: str) -> Row:
    """A launch in numbers.

    mark : what separates the decimals in this file
    """
    counters, told = Counters(launch, mark), launch.told
    name = clean_text(launch.name, LONGEST_NAME)
    kind, duration = classify(name), _possible(seconds(counters))
    device = _whole(told.get(DEVICE, ""))
    return Row(
        name, kind, NO_DEVICE if device is None else device, _whole(told.get(STREAM, "")),
        _whole(told.get(PROCESS, "")), (*_box(told.get(GRID, "")), *_box(told.get(BLOCK, ""))),
        counters(REGISTERS), (counters(STATIC), counters(DYNAMIC)), max(_whole(told.get(INVOCATIONS, "")) or 1, 1),
        duration, flops(counters, kind, duration), dram_bytes(counters, duration),
    )  # fmt: skip


def table(rows: list[Row]) -> Stream:
    """All rows as the table `kernels`."""

    def source() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), BATCH_ROWS):
            part = [_record(one) for one in rows[start : start + BATCH_ROWS]]
            arrays = [cells(column, values) for column, values in zip(SCHEMA, zip(*part, strict=True), strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)

    return Stream(SCHEMA, source)


def _record(one: Row) -> tuple[object, ...]:
    nanoseconds = None if one.seconds is None else round(one.seconds * GIGA)
    return (
        one.name, short_name(one.name), one.kind, one.device, one.stream, one.process_id, *one.shape,
        _fitting(one.registers), _fitting(one.shared[0]), _fitting(one.shared[1]), one.launches, nanoseconds,
        one.flops.amount, one.flops.source, one.moved.amount, one.moved.source, one.intensity, one.rate,
    )  # fmt: skip


def _possible(duration: float | None) -> float | None:
    return duration if duration is not None and 0 <= duration < _LONGEST_SECONDS else None


def _fitting(number: float | None) -> int | None:
    return int(number) if number is not None and 0 <= number <= _MOST else None


def _whole(text: str) -> int | None:
    stripped = text.strip()
    number = int(stripped) if _INTEGER.fullmatch(stripped) else None
    return number if number is not None and number <= _MOST else None


def _box(text: str) -> tuple[int | None, int | None, int | None]:
    sides = [_whole(side) for side in _INTEGER.findall(text)][:3]
    return (sides[0], sides[1], sides[2]) if len(sides) == 3 else (None, None, None)
