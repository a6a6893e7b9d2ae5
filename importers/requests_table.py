"""The requests of a load test as one table, and the gaps between their tokens as another: one shape for every tool.

| table `requests` | unit   |                                                         |
| ---------------- | ------ | ------------------------------------------------------- |
| result           |        | which result of the file, from 0                        |
| sent_s           | s      | since the first request of its result was sent          |
| ttft_s           | s      | time to the first token                                 |
| e2e_s            | s      | to the end of the answer                                |
| queue_s          | s      | waited in the client before it was sent                 |
| prompt_tokens    | tokens |                                                         |
| output_tokens    | tokens | by the server's count where the tool has it             |
| succeeded        |        | null: the tool does not say                             |
| error            |        | a word (importers/failures.py); the message is not kept |

| table `itl`     | unit |                                                   |
| --------------- | ---- | ------------------------------------------------- |
| result, request |      | which row of `requests` within its result, from 0 |
| gap_s           | s    | between two chunks of the answer                  |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from importers.arrow import Array, Stream, compute
from importers.arrow import field as column
from importers.failures import failure_class
from planner.measured import Batches

REQUESTS = pa.schema(
    [
        column("result", pa.int32()),
        column("sent_s", pa.float64(), "s"),
        column("ttft_s", pa.float64(), "s"),
        column("e2e_s", pa.float64(), "s"),
        column("queue_s", pa.float64(), "s"),
        column("prompt_tokens", pa.int64(), "tokens"),
        column("output_tokens", pa.int64(), "tokens"),
        column("succeeded", pa.bool_()),
        column("error", pa.string()),
    ]
)
GAPS = pa.schema([column("result", pa.int32()), column("request", pa.int32()), column("gap_s", pa.float64(), "s")])
MOST_TOKENS = float(2**53)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One request, as far as a tool tells of it.

    sent_s : a moment of any clock [s]
    error : the message; only its class is kept
    """

    sent_s: float | None = None
    ttft_s: float | None = None
    e2e_s: float | None = None
    prompt_tokens: float | None = None
    output_tokens: float | None = None
    succeeded: bool | None = None
    error: str | None = None
    gaps_s: Floats | None = None


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of one result.

    columns : arrays of one length, by the names of REQUESTS; a missing one is not known [s], [tokens]
    gaps : of each request its gaps between chunks, as lists [s]
    """

    columns: Mapping[str, Array] = field(default_factory=dict)
    gaps: Array | None = None

    def __len__(self) -> int:
        """How many requests."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def floats(self, name: str) -> Floats:
        """A column as floats, nan where it is not known."""
        found = self.columns.get(name)
        if found is None:
            return np.full(len(self), np.nan)
        return np.asarray(found.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)

    @property
    def succeeded(self) -> int:
        """How many are known to have succeeded."""
        found = self.columns.get("succeeded")
        return int(compute.sum(found).as_py() or 0) if found is not None else 0

    def words(self, name: str) -> list[str | None]:
        """A column of texts, None where it is empty."""
        found = self.columns.get(name)
        return [None] * len(self) if found is None else found.to_pylist()

    def span(self) -> float | None:
        """From the first request sent to the last answer's end [s]; None if it is not known."""
        ends = self.floats("sent_s") + self.floats("e2e_s")
        return float(np.nanmax(ends)) if np.isfinite(ends).any() else None

    def tpot(self) -> Floats:
        """Time per output token of each request, nan where it has none: (e2e - ttft) / (output_tokens - 1) [s]."""
        tokens = self.floats("output_tokens")
        later = np.where(tokens > 1, tokens - 1, np.nan)
        return np.asarray((self.floats("e2e_s") - self.floats("ttft_s")) / later, dtype=np.float64)


def tables(results: Sequence[Requests | None]) -> dict[str, Batches]:
    """The tables of a run: `requests`, and `itl` where gaps are known; none if no result lists its requests.

    results : in the file's order; None where a result lists none
    """
    listed = [(place, found) for place, found in enumerate(results) if found]
    rows = [_batch(place, found) for place, found in listed]
    gaps = [_gap_batch(place, found.gaps) for place, found in listed if found.gaps is not None]
    found: dict[str, Batches] = {"requests": Stream(REQUESTS, lambda: iter(rows))} if rows else {}
    if sum(batch.num_rows for batch in gaps):
        found["itl"] = Stream(GAPS, lambda: iter(gaps))
    return found


def of_rows(rows: Iterable[Row]) -> Requests | None:
    """Requests told one by one as columns; None if there are none."""
    listed = list(rows)
    if not listed:
        return None
    floats = {
        name: pa.array([getattr(row, name) for row in listed], pa.float64())
        for name in ("sent_s", "ttft_s", "e2e_s", "prompt_tokens", "output_tokens")
    }
    columns = {
        "sent_s": since_first(floats["sent_s"]),
        "ttft_s": above_zero(floats["ttft_s"]),
        "e2e_s": above_zero(floats["e2e_s"]),
        "prompt_tokens": tokens(floats["prompt_tokens"]),
        "output_tokens": tokens(floats["output_tokens"]),
        "succeeded": pa.array([row.succeeded for row in listed], pa.bool_()),
        "error": failures([row.error for row in listed]),
    }
    return Requests(columns, _gap_lists(listed))


def above_zero(values: Array) -> Array:
    """Numbers above 0, null for the rest: tools write 0 for what they did not see."""
    found: Array = compute.if_else(compute.greater(values, 0.0), values, None)
    return found


def since_first(values: Array) -> Array:
    """Moments as time since the first of them [s]."""
    first = compute.min(values)
    found: Array = compute.subtract(values, first) if first.is_valid else values
    return found


def tokens(values: Array) -> Array:
    """Counts of tokens as whole numbers, null for what cannot be one [tokens]."""
    possible = compute.and_(compute.greater_equal(values, 0.0), compute.less(values, MOST_TOKENS))
    whole: Array = compute.floor(compute.if_else(possible, values, None)).cast(pa.int64())
    return whole


def failures(messages: Sequence[str | None]) -> Array:
    """Classes of error messages; null for a request without one."""
    return pa.array([failure_class(message) if message else None for message in messages], pa.string())


def _gap_lists(rows: Sequence[Row]) -> Array | None:
    known = [row.gaps_s if row.gaps_s is not None else np.empty(0) for row in rows]
    ends = np.cumsum([0, *(len(gaps) for gaps in known)])
    if not ends[-1]:
        return None
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(np.concatenate(known)))


def _batch(place: int, found: Requests) -> pa.RecordBatch:
    count = len(found)
    known = {**found.columns, "result": pa.array(np.full(count, place, np.int32))}
    arrays = [
        pa.nulls(count, item.type) if known.get(item.name) is None else known[item.name].cast(item.type)
        for item in REQUESTS
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=REQUESTS)


def _gap_batch(place: int, gaps: Array) -> pa.RecordBatch:
    request = compute.list_parent_indices(gaps).cast(pa.int32())
    values = compute.list_flatten(gaps)
    return pa.RecordBatch.from_arrays([pa.array(np.full(len(values), place, np.int32)), request, values], schema=GAPS)
