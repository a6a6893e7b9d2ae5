"""What the PyTorch profiler (Kineto) writes of an event, under every spelling that it has used.

| their key, their category                                | here                                             |
| -------------------------------------------------------- | ------------------------------------------------ |
| ts, dur [us, to the nanosecond, as text]                 | `nanoseconds`: whole ns                          |
| kernel, Kernel; gpu_memcpy, Memcpy; gpu_memset, Memset   | KERNEL, COPY, SET                                |
| cuda_runtime, cuda_driver, Runtime                       | CALL                                             |
| cpu_op, Operator                                         | OP                                               |
| user_annotation                                          | RANGE                                            |
| External id, external id; Input Dims, Input dims         | one name each                                    |
| Call stack, Module Hierarchy, python_function, env, ...  | never read                                       |
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

KERNEL, COPY, SET, CALL, OP, RANGE = "kernel", "copy", "set", "call", "op", "range"
CATEGORIES = {
    "kernel": KERNEL, "Kernel": KERNEL, "gpu_memcpy": COPY, "Memcpy": COPY, "gpu_memset": SET, "Memset": SET,
    "cuda_runtime": CALL, "cuda_driver": CALL, "Runtime": CALL, "cpu_op": OP, "Operator": OP, "user_annotation": RANGE,
}  # fmt: skip
OF_THE_HOST = frozenset(
    {
        "python_function",
        "Trace",
        "overhead",
        "cuda_sync",
        "gpu_user_annotation",
        "cuda_profiler_range",
        "PythonFunction",
    }
)
"""Categories of no interest here; every other one is named in a note."""
COMPLETE = "X"
NONE = -1
"""A number that the event does not have."""
NS_PER_US = 1000
LONGEST_US = Decimal(2**53)
"""Later than any clock reads: 285 years [us]."""
MOST, MOST_SIDE = 2**62, 2**31
EMPTY = msgspec.Raw(b"")


class Arguments(msgspec.Struct, gc=False):
    """The arguments that are read. Shapes and types stay text until their op turns out to launch a kernel."""

    external: Any = msgspec.field(default=None, name="External id")
    external_old: Any = msgspec.field(default=None, name="external id")
    correlation: Any = None
    device: Any = None
    stream: Any = None
    grid: Any = None
    block: Any = None
    registers: Any = msgspec.field(default=None, name="registers per thread")
    shared_memory: Any = msgspec.field(default=None, name="shared memory")
    graph_node: Any = msgspec.field(default=None, name="graph node id")
    bytes: Any = None
    dims: msgspec.Raw = msgspec.field(default=EMPTY, name="Input Dims")
    dims_old: msgspec.Raw = msgspec.field(default=EMPTY, name="Input dims")
    types: msgspec.Raw = msgspec.field(default=EMPTY, name="Input type")
    values: msgspec.Raw = msgspec.field(default=EMPTY, name="Concrete Inputs")


class TraceEvent(msgspec.Struct, gc=False):
    """One event; times in us."""

    ph: str | None = None
    cat: str | None = None
    name: str | None = None
    pid: Any = None
    tid: Any = None
    ts: Decimal | None = None
    dur: Decimal | None = None
    args: Arguments | None = None


NO_ARGUMENTS = Arguments()


def nanoseconds(microseconds: Decimal | None) -> int:
    """Whole nanoseconds; NONE for no number, or one that no clock reads.

    >>> nanoseconds(Decimal("1712195495519689.047")), nanoseconds(Decimal("NaN"))
    (1712195495519689047, -1)
    """
    if microseconds is None or not microseconds.is_finite() or not 0 <= microseconds < LONGEST_US:
        return NONE
    return round(microseconds * NS_PER_US)


def whole(value: Any) -> int:
    """A whole number of an event, also one written as text; NONE for all else.

    >>> whole(7), whole("7"), whole("stream 7"), whole(-1), whole(True), whole(1e400)
    (7, 7, 7, -1, -1, -1)
    """
    if isinstance(value, str) and len(value) < 32:
        digits = value.removeprefix("stream ")
        return int(digits) if digits.isascii() and digits.isdecimal() else NONE
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MOST:
        return NONE
    return int(value)


def box(sides: Any) -> tuple[int, int, int]:
    """The three sides of a grid or a block; NONE for what is none.

    >>> box([1056, 2, 1]), box([2**40, 1, 1]), box("x")
    ((1056, 2, 1), (-1, 1, 1), (-1, -1, -1))
    """
    if type(sides) is not list or len(sides) != 3:
        return NONE, NONE, NONE
    x, y, z = (side if type(side) is int and 0 <= side < MOST_SIDE else NONE for side in sides)
    return x, y, z
