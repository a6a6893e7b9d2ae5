"""The requests of a result of vllm bench serve, and of SGLang's bench_serving, which has the same arrays.

| their array (a value per request)         | column                       | unit                             |
| ----------------------------------------- | ---------------------------- | -------------------------------- |
| start_times, less the first               | sent_s                       | s                                |
| ttfts (0 if it failed: null)              | ttft_s                       | s                                |
| latencies, else ttft + sum of itls (vLLM) | e2e_s                        | s                                |
| queue_times                               | queue_s                      | s                                |
| input_lens, output_lens                   | prompt_tokens, output_tokens | tokens                           |
| errors                                    | succeeded, error             | a class; the message is not kept |
| itls                                      | gap_s of the table `itl`     | s                                |
| generated_texts                           | never kept: counted          |                                  |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pyarrow as pa

from importers.arrow import Array, compute
from importers.failures import failure_class
from importers.json_parts import Part
from importers.requests_table import Floats, Requests, above_zero, failures, since_first, tokens

NUMBERS = ("ttfts", "latencies", "start_times", "queue_times", "input_lens", "output_lens")
CONVERSIONS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "start_times": ("sent_s", since_first),
    "ttfts": ("ttft_s", above_zero),
    "latencies": ("e2e_s", above_zero),
    "queue_times": ("queue_s", lambda values: values),
    "input_lens": ("prompt_tokens", tokens),
    "output_lens": ("output_tokens", tokens),
}
EMPTY_TEXT = b'""'


@dataclass(frozen=True, slots=True)
class Detail:
    """What a result lists by request.

    keys : of the result, lists and objects included
    requests : None if it lists none, or in arrays of different lengths
    answers : texts that were left out
    failures : class of each failed request
    """

    keys: frozenset[str]
    requests: Requests | None
    mismatched: bool
    answers: int
    failures: tuple[str, ...]


def detail(result: Part, *, ends_with_last_token: bool = True) -> Detail:
    """The requests of a result.

    ends_with_last_token : the client's end to end is up to the last token, so that it follows from the gaps
    raises : MalformedFile, TooLarge
    """
    arrays = {key: found for key in NUMBERS if (found := result.numbers(key)) is not None}
    gaps = result.number_lists("itls")
    messages = _messages(result)
    answers = sum(bytes(raw) != EMPTY_TEXT for raw in result.items("generated_texts"))
    lengths = {len(found) for found in (*arrays.values(), gaps, messages) if found is not None}
    summed = gaps if ends_with_last_token else None
    requests = _requests(arrays, summed, messages) if len(lengths) == 1 and lengths != {0} else None
    requests = replace(requests, gaps=gaps) if requests else None
    failed = tuple(failure_class(message) for message in messages or () if message is not None)
    return Detail(frozenset(result.raw), requests, len(lengths) > 1, answers, failed)


def effective_concurrency(requests: Requests | None, duration: float | None) -> float | None:
    """Mean number of requests in flight: the sum of all latencies over the duration.

    duration : of the result [s]
    returns : None if the latencies are not known
    """
    total = float(np.nansum(requests.floats("e2e_s"))) if requests else 0.0
    return total / duration if duration and total else None


def _requests(arrays: dict[str, Array], gaps: Array | None, messages: list[str | None] | None) -> Requests:
    columns = {CONVERSIONS[key][0]: CONVERSIONS[key][1](values) for key, values in arrays.items()}
    if "e2e_s" not in columns and gaps is not None and "ttft_s" in columns:
        columns["e2e_s"] = compute.add(columns["ttft_s"], pa.array(_sums(gaps)))
    if messages is not None:
        columns["error"] = failures(messages)
        columns["succeeded"] = pa.array([message is None for message in messages])
    return Requests(columns)


def _sums(lists: Array) -> Floats:
    """The sum of each list [s]."""
    values = np.nan_to_num(compute.list_flatten(lists).to_numpy(zero_copy_only=False))
    lengths = compute.list_value_length(lists).to_numpy(zero_copy_only=False)
    request = np.repeat(np.arange(len(lengths)), lengths)
    return np.asarray(np.bincount(request, weights=values, minlength=len(lengths)), dtype=np.float64)


def _messages(result: Part) -> list[str | None] | None:
    """Error messages, None for a request without one; None where the result lists none."""
    if "errors" not in result.raw:
        return None
    return [None if bytes(raw) in (EMPTY_TEXT, b"null") else _text(bytes(raw)) for raw in result.items("errors")]


def _text(raw: bytes) -> str:
    try:
        return str(msgspec.json.decode(raw))
    except (ValueError, RecursionError):
        return "?"
