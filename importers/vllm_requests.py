"""The requests of vllm bench serve's results, as one table. Texts (prompts, answers, errors) never enter it.

| their array (a value per request)    | column          | unit                                              |
| ------------------------------------ | --------------- | ------------------------------------------------- |
| place of the result in the file      | result          |                                                   |
| start_times, less the result's first | start_s         | s                                                 |
| ttfts (0 if it failed: null)         | ttft_s          | s                                                 |
| latencies, else ttft + sum of itls   | latency_s       | s                                                 |
| queue_times                          | queue_s         | s                                                 |
| input_lens, output_lens              | prompt_tokens, output_tokens                                        |
| errors: not empty                    | error           | true or false; the text is not kept               |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from importers.arrow import Stream, field
from importers.json_text import number
from importers.vllm_points import Result, positive

SCHEMA = pa.schema(
    [
        field("result", pa.int32()),
        field("start_s", pa.float64(), "s"),
        field("ttft_s", pa.float64(), "s"),
        field("latency_s", pa.float64(), "s"),
        field("queue_s", pa.float64(), "s"),
        field("prompt_tokens", pa.int64(), "tokens"),
        field("output_tokens", pa.int64(), "tokens"),
        field("error", pa.bool_()),
    ]
)
MOST_TOKENS = 2**53
ARRAYS = ("ttfts", "latencies", "start_times", "queue_times", "input_lens", "output_lens", "errors", "itls")


def requests_table(results: Sequence[Result]) -> tuple[Stream | None, int]:
    """The requests of all results, and how many results were left out because their arrays differ in length.

    returns : None if no result lists its requests
    """
    mismatched = sum(request_count(result) is None for result in results)
    batches = [_batch(place, result) for place, result in enumerate(results) if request_count(result)]
    return (Stream(SCHEMA, lambda: iter(batches)) if batches else None), mismatched


def request_count(result: Result) -> int | None:
    """How many requests a result lists; 0 if it lists none; None if its arrays differ in length."""
    lengths = {len(result[key]) for key in ARRAYS if isinstance(result.get(key), list)}
    return lengths.pop() if len(lengths) == 1 else (None if lengths else 0)


def effective_concurrency(result: Result) -> float | None:
    """Mean number of requests in flight: the sum of all latencies over the duration.

    returns : None if the result does not list its latencies
    """
    duration = positive(result.get("duration"))
    total = sum(value for value in latencies(result) if value is not None) if request_count(result) else 0.0
    return total / duration if duration and total else None


def latencies(result: Result) -> list[float | None]:
    """End-to-end latency of each request [s]; None where it failed or is not known."""
    if isinstance(result.get("latencies"), list):
        return _column(result, "latencies", positive)
    gaps = _column(result, "itls", _sum)
    firsts = _column(result, "ttfts", positive)
    return [None if first is None or rest is None else first + rest for first, rest in zip(firsts, gaps, strict=True)]


def _batch(place: int, result: Result) -> pa.RecordBatch:
    count = request_count(result) or 0
    columns: dict[str, list[Any]] = {
        "result": [place] * count,
        "start_s": _since_first(_column(result, "start_times", number)),
        "ttft_s": _column(result, "ttfts", positive),
        "latency_s": latencies(result),
        "queue_s": _column(result, "queue_times", number),
        "prompt_tokens": _column(result, "input_lens", _tokens),
        "output_tokens": _column(result, "output_lens", _tokens),
        "error": _column(result, "errors", lambda text: bool(text) if isinstance(text, str) else None),
    }
    return pa.RecordBatch.from_arrays([pa.array(columns[item.name], item.type) for item in SCHEMA], schema=SCHEMA)


def _column(result: Result, key: str, convert: Callable[[Any], Any]) -> list[Any]:
    values = result.get(key)
    return [convert(value) for value in values] if isinstance(values, list) else [None] * (request_count(result) or 0)


def _since_first(starts: list[float | None]) -> list[float | None]:
    first = min((start for start in starts if start is not None), default=0.0)
    return [None if start is None else start - first for start in starts]


def _tokens(value: Any) -> int | None:
    found = number(value)
    return int(found) if found is not None and 0 <= found < MOST_TOKENS else None


def _sum(gaps: Any) -> float | None:
    values = [number(gap) for gap in gaps] if isinstance(gaps, list) else [None]
    return None if None in values else sum(value for value in values if value is not None)
