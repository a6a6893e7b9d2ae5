"""What was measured: a Run, its points, and its tables. Units are the planner's own (seconds, bytes, FLOP).

A run is small: who measured what, under which settings. Its tables (kernels, copies, requests) can hold ten million
rows and stay streams of Arrow record batches until the store writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Batches(Protocol):
    """A table as a stream: anything with a schema that yields record batches (pyarrow.RecordBatchReader does)."""

    @property
    def schema(self) -> Any:
        """The columns, their types and units."""

    def __iter__(self) -> Iterator[Any]:
        """Record batches, each read once."""


class Severity(StrEnum):
    """How much a note matters to who reads the run."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Note:
    """What an importer found worth saying: a missing table, a trap of the tool, what was left out for privacy."""

    severity: Severity
    text: str


def sorted_notes(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes once each, gravest first, else in their order.

    >>> info, error = Note(Severity.INFO, "a"), Note(Severity.ERROR, "b")
    >>> [note.text for note in sorted_notes([info, error, info])]
    ['b', 'a']
    """
    order = list(Severity)
    return tuple(sorted(dict.fromkeys(notes), key=lambda note: -order.index(note.severity)))


@dataclass(frozen=True, slots=True)
class KernelSample:
    """All launches of one kernel on one device, added up.

    kind : what the kernel does, from its name (importers/kernels.py)
    launches : how many times it ran
    seconds : time on the GPU, all launches [s]
    flops : counted by the profiler or told by the launching op's shapes, all launches [FLOP]; None if any lacks it
    bytes : traffic between HBM and the chip, all launches [bytes]; None if any lacks it
    """

    name: str
    kind: str
    device: int
    launches: int
    seconds: float
    flops: float | None = None
    bytes: float | None = None


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """One measured value with the conditions under which it holds. What the tool does not tell is None, never guessed.

    metric : "ttft", "tpot", "itl", "e2e", "request_throughput", "output_throughput", ...; of a trace's steps on the GPU
        "decode_step_time", "prefill_step_gap", ..., and "step_time", "step_gap" where their kind is not told
    statistic : "mean", "median", "p99", "total", ...
    value : in SI units [s, or 1/s for throughputs]
    low, high : bounds of its own uncertainty, where the tool gives them (same unit)
    concurrency : requests in flight
    prompt_tokens, output_tokens : means over the requests [tokens]
    """

    metric: str
    statistic: str
    value: float
    concurrency: float | None = None
    request_rate: float | None = None
    prompt_tokens: float | None = None
    output_tokens: float | None = None
    prefix_cached_tokens: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement session, as one file told it.

    tool, tool_version : what wrote the file
    source_name : the file's name, without its folder
    file_hash : sha256 of the file's content, in hex; the run's identity
    started : when it was measured, ISO 8601, as far as the file tells
    gpu_names : GPUs as the file names them
    gpu, model : our catalogue's ids, where they follow from the file
    model_name : the model as the file names it
    settings : what the tool recorded of the scenario, under our names ("tensor_parallel", "concurrency", ...)
    summary : totals worth showing, each key with its unit ("kernel_time_s", "kernels", "span_s")
    tables : name -> stream of rows; written by the store, empty when the run is read back without them
    """

    tool: str
    tool_version: str
    source_name: str
    file_hash: str
    started: str | None = None
    gpu_names: tuple[str, ...] = ()
    gpu: str | None = None
    model: str | None = None
    model_name: str | None = None
    settings: Mapping[str, str | float] = field(default_factory=dict)
    summary: Mapping[str, float] = field(default_factory=dict)
    points: tuple[MeasuredPoint, ...] = ()
    kernels: tuple[KernelSample, ...] = ()
    notes: tuple[Note, ...] = ()
    tables: Mapping[str, Batches] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Twelve hex digits of the file's hash: the same file is the same run."""
        return self.file_hash[:12]
