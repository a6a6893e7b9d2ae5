"""data/*.yaml -> GPUs. Refuses a bad row by name; a name that fits several GPUs says which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from planner.errors import AmbiguousName, BadRow, UnknownGpu, nearest
from planner.gpu import GENERATIONS, REPORTED_SHARE, Gpu, reported_memory
from planner.quantities import GIB, GIGA, TERA, Source
from planner.whose import of_own, own

DATA = Path(__file__).parent.parent / "data"
FILE = "gpus.yaml"
READERS = 64
"""Readers with own entries whose catalogue is remembered."""
OWN = "own-"
"""How the id of a GPU begins that is not of the catalogue, but a reader's own."""
NOISE = frozenset(
    {"nvidia", "amd", "instinct", "tesla", "geforce", "gpu", "graphics", "generation", "edition", "accelerator"}
    | {"hbm2", "hbm2e", "hbm3", "hbm3e"}
)


@of_own(READERS)
def gpus() -> Mapping[str, Gpu]:
    """Every GPU of the catalogue under its id, then the reader's own.

    raises : BadRow naming the row and field
    """
    return MappingProxyType(_rows() | {gpu.id: gpu for gpu in own().gpus})


@cache
def _rows() -> dict[str, Gpu]:
    rows = read_yaml(FILE)["gpus"]
    found = {row.get("id", "?"): read_gpu(row) for row in rows}
    if len(found) != len(rows):
        raise BadRow("data/gpus.yaml: two rows have the same id. Each GPU needs an id of its own.")
    return found


def find_gpu(name: str) -> Gpu:
    """The GPU that a person or a tool means by a name: an id, a name or an alias, whatever its case and punctuation.

    name : "h100-sxm", "H100", "NVIDIA H100 80GB HBM3", ...
    raises : UnknownGpu with the nearest ids; AmbiguousName with the candidates

    >>> find_gpu("NVIDIA H100 80GB HBM3").id
    'h100-sxm'
    """
    words = _words(name)
    exact = _exact_names().get(words) or _named_with_memory(words)
    if exact is not None:
        return gpus()[exact]
    candidates = sorted({gpu for known, gpu in _all_names() if words and words <= known})
    if len(candidates) == 1:
        return gpus()[candidates[0]]
    if candidates:
        raise AmbiguousName(
            f'"{name[:100]}" means several GPUs that differ in memory or speed. Say which: {", ".join(candidates)}.'
        )
    if name.startswith(OWN):
        raise UnknownGpu(f'No own GPU "{name[:100]}" in this store. Ask who named it for its row; add it on Catalogue.')
    raise UnknownGpu(f'No GPU "{name[:100]}" in the catalogue. Nearest: {nearest(name[:100], gpus())}.')


def read_yaml(name: str) -> Any:
    """A catalogue file, parsed by the C loader where PyYAML has it."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((DATA / name).read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both loaders are safe


def read_gpu(row: Mapping[str, Any], place: str = f"data/{FILE}") -> Gpu:
    """One row of gpus.yaml, its units converted once.

    row : keys as in the file's head comment
    place : where the row is from, for messages
    raises : BadRow naming the row and the field
    """
    name = f'{place}, GPU "{row.get("id", "?")}"'
    try:
        _check(row, name)
        nominal = row["memory_nominal_gib"]
        reported = row.get("memory_reported_gib")
        return Gpu(
            id=row["id"],
            name=row["name"],
            variant=row["variant"],
            vendor=row["vendor"],
            aliases=tuple(row["aliases"]),
            compute_capability=row["compute_capability"],
            launch_year=row["launch_year"],
            peaks=MappingProxyType({key: value * TERA for key, value in row["peak_dense_tflop_s"].items()}),
            bandwidth=row["hbm_bandwidth_gb_s"] * GIGA,
            memory_nominal=nominal * GIB,
            memory=reported * GIB if reported else reported_memory(nominal, row["memory_type"]),
            memory_is_reported=reported is not None,
            link=row["link"],
            link_bandwidth=row["link_bandwidth_gb_s"] * GIGA,
            power=float(row["power_w"]),
            unchecked=tuple(row["unchecked"]),
            source=Source(row["source"], checked=not row["unchecked"]),
            note=row.get("note", ""),
            terms=row.get("terms", ""),
        )
    except KeyError as missing:
        raise BadRow(
            f"{name}: field {missing} is missing. Add it; an unknown peak is left out, other fields are needed."
        ) from missing


def _check(row: Mapping[str, Any], name: str) -> None:
    numbers = {key: row[key] for key in ("hbm_bandwidth_gb_s", "memory_nominal_gib", "link_bandwidth_gb_s", "power_w")}
    numbers |= {key: row[key] for key in ("launch_year", "memory_reported_gib") if row.get(key) is not None}
    for key, value in (*numbers.items(), *row["peak_dense_tflop_s"].items()):
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
            raise BadRow(f"{name}: {key} is {value!r}. It must be a positive number.")
    if row["compute_capability"] not in GENERATIONS:
        raise BadRow(f"{name}: compute_capability {row['compute_capability']!r} is none of {', '.join(GENERATIONS)}.")
    if row["memory_type"] not in REPORTED_SHARE:
        raise BadRow(f"{name}: memory_type {row['memory_type']!r} is none of {', '.join(REPORTED_SHARE)}.")


def _named_with_memory(words: frozenset[str]) -> str | None:
    """A name with the memory of its GPU put behind it: "RTX 3090 24GB"."""
    sizes = {word for word in words if re.fullmatch(r"\d+gb", word)}
    found = _exact_names().get(words - sizes)
    nominal = f"{gpus()[found].memory_nominal / GIB:g}gb" if found else ""
    return found if sizes == {nominal} else None


@of_own(READERS)
def _exact_names() -> Mapping[frozenset[str], str]:
    known: dict[frozenset[str], str] = {}
    for words, gpu in _all_names():
        known.setdefault(words, gpu)
    unnamed = {words for words in known if len({gpu for other, gpu in _all_names() if other == words}) > 1}
    return {words: gpu for words, gpu in known.items() if words not in unnamed}


@of_own(READERS)
def _all_names() -> tuple[tuple[frozenset[str], str], ...]:
    return tuple(
        (_words(name), gpu.id)
        for gpu in gpus().values()
        for name in (gpu.id, f"{gpu.name} {gpu.variant}", *gpu.aliases)
    )


def _words(name: str) -> frozenset[str]:
    spaced = re.sub(r"(rtx|sxm)\s*(\d)", r"\1 \2", name.lower())
    words = re.findall(r"[a-z0-9]+", re.sub(r"(\d)\s+gb\b", r"\1gb", spaced))
    return frozenset(words) - NOISE - {"2", "4", "5", "6"}
