"""What a PyTorch trace says beside its events: version, GPUs, ranks, clock. Named keys alone; nothing else is read.

| their key                                            | ours                                               | unit     |
| ---------------------------------------------------- | -------------------------------------------------- | -------- |
| schemaVersion                                        | `tool_version`                                     |          |
| deviceProperties: name of the devices with kernels   | `gpu_names`, `gpu`                                 |          |
| .totalGlobalMem, .numSms, .computeMajor and Minor    | gpu_memory_gib, gpu_sm_count, compute_capability   | GiB      |
| distributedInfo: rank, world_size, backend           | rank, world_size, distributed_backend              |          |
| cuda_runtime_version, ...                            | the same                                           |          |
| record_shapes, with_stack, with_flops, ...           | the same                                           |          |
| baseTimeNanoseconds                                  | added to every time; `started`                     | ISO 8601 |
| env, host, user, job, INFO, traceName, metadata, ... | never read                                         |          |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from importers.files import clean_text
from importers.gpus import catalogue_id, unnamed_amd_gpu
from importers.torch_events import MOST, NONE, whole
from planner.quantities import GIB, GIGA

VERSION, DEVICES, RANKS, BASE = "schemaVersion", "deviceProperties", "distributedInfo", "baseTimeNanoseconds"
COUNTED = (
    "cuda_runtime_version", "cuda_driver_version", "cupti_version", "hip_runtime_version", "hip_driver_version",
    "record_shapes", "with_stack", "with_flops", "with_modules", "profile_memory",
)  # fmt: skip
WANTED = frozenset({VERSION, DEVICES, RANKS, BASE, *COUNTED})
_EPOCH = (datetime(2015, 1, 1, tzinfo=UTC).timestamp() * GIGA, datetime(2100, 1, 1, tzinfo=UTC).timestamp() * GIGA)
"""Times that are dates; others count from a machine's start [ns]."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the file says of the run.

    base : what is added to every time [ns]
    inferred : whether the GPU was not named, but follows from its properties
    """

    version: str
    gpu_names: tuple[str, ...]
    gpu: str | None
    inferred: bool
    settings: Mapping[str, str | float]
    base: int


def head_of(told: Mapping[str, Any], used: Iterable[int]) -> Head:
    """What the wanted keys of a file say.

    used : devices that ran kernels
    """
    devices = [item for item in _list(told.get(DEVICES)) if isinstance(item, dict)]
    mine = [item for item in devices if whole(item.get("id")) in set(used)] or devices
    names = tuple(
        dict.fromkeys(clean_text(name) for item in mine if isinstance(name := item.get("name"), str) and name)
    )
    properties = {_properties(item) for item in mine}
    one = properties.pop() if len(properties) == 1 else ("", 0, 0)
    gpu = catalogue_id(names)
    unnamed = unnamed_amd_gpu(one[0], one[1]) if not names else None
    version, base = whole(told.get(VERSION)), told.get(BASE)
    return Head(
        version="unknown" if version == NONE else f"schema {version}",
        gpu_names=names,
        gpu=gpu or unnamed,
        inferred=unnamed is not None,
        settings={**_of_gpu(one), **_ranks(told), **_counted(told)},
        base=base if isinstance(base, int) and not isinstance(base, bool) and 0 <= base < MOST else 0,
    )


def started(first: int | None) -> str | None:
    """When a trace began, if its clock is one of dates.

    first : its earliest time [ns]

    >>> started(1730156791_000_000_000), started(4_000_000_000), started(None)
    ('2024-10-28T23:06:31+00:00', None, None)
    """
    if first is None or not _EPOCH[0] <= first < _EPOCH[1]:
        return None
    return datetime.fromtimestamp(first / GIGA, UTC).isoformat(timespec="seconds")


def _properties(item: Mapping[str, Any]) -> tuple[str, int, int]:
    major, minor = whole(item.get("computeMajor")), whole(item.get("computeMinor"))
    capability = "" if NONE in (major, minor) else f"{major}.{minor}"
    return capability, max(whole(item.get("totalGlobalMem")), 0), max(whole(item.get("numSms")), 0)


def _of_gpu(properties: tuple[str, int, int]) -> dict[str, str | float]:
    capability, memory, count = properties
    found: dict[str, str | float] = {"compute_capability": capability} if capability else {}
    found |= {"gpu_memory_gib": memory / GIB} if memory else {}
    return found | ({"gpu_sm_count": float(count)} if count else {})


def _ranks(told: Mapping[str, Any]) -> dict[str, str | float]:
    info = told.get(RANKS)
    if not isinstance(info, dict):
        return {}
    found: dict[str, str | float] = {
        name: float(number) for name in ("rank", "world_size") if (number := whole(info.get(name))) != NONE
    }
    backend = info.get("backend")
    return found | ({"distributed_backend": clean_text(backend, 40)} if isinstance(backend, str) and backend else {})


def _counted(told: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(number) for name in COUNTED if (number := whole(told.get(name))) != NONE}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
