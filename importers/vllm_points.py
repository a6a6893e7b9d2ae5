"""The points of one result of vllm bench serve: each statistic of each metric, with the conditions of the result.

| their key                                    | metric, statistic                                   | unit |
| -------------------------------------------- | --------------------------------------------------- | ---- |
| {mean,median,std,pNN}_{ttft,tpot,itl}_ms     | ttft, tpot, itl; mean, median, std, pNN             | s    |
| ..._e2el_ms                                  | e2e                                                 | s    |
| ..._client_queue_time_ms                     | client_queue                                        | s    |
| ..._e2el_including_client_queue_ms           | e2e_with_client_queue                               | s    |
| request_throughput, request_goodput          | the same, total; also under the key with a colon    | 1/s  |
| input_, output_, total_token_throughput      | input_, output_, total_throughput; total            | 1/s  |
| a metric whose mean is 0                     | missing: no request gave it a value                 |      |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from importers.json_text import number, positive
from planner.measured import MeasuredPoint
from planner.quantities import MILLISECOND

Result = Mapping[str, Any]
METRICS = {
    "ttft": "ttft",
    "tpot": "tpot",
    "itl": "itl",
    "e2el": "e2e",
    "client_queue_time": "client_queue",
    "e2el_including_client_queue": "e2e_with_client_queue",
}
THROUGHPUTS = {
    "request_throughput": "request_throughput",
    "request_goodput": "request_goodput",
    "request_goodput:": "request_goodput",
    "input_throughput": "input_throughput",
    "output_throughput": "output_throughput",
    "total_token_throughput": "total_throughput",
}
STATISTIC = re.compile(rf"(mean|median|std|p\d{{1,3}}(?:\.\d{{1,4}})?)_({'|'.join(METRICS)})_ms")


def points(result: Result) -> list[MeasuredPoint]:
    """Every measured value of a result; none if no request completed.

    result : the JSON object; latencies in it are in ms, in the points in s
    """
    if not completed(result):
        return []
    point = partial(
        MeasuredPoint,
        concurrency=positive(result.get("max_concurrency")),
        request_rate=positive(result.get("request_rate")),
        prompt_tokens=mean_tokens(result, "total_input_tokens"),
        output_tokens=mean_tokens(result, "total_output_tokens"),
    )
    latencies = [point(metric, statistic, value) for metric, statistic, value in _latencies(result)]
    throughputs = {
        ours: value for theirs, ours in THROUGHPUTS.items() if (value := positive(result.get(theirs))) is not None
    }
    return latencies + [point(metric, "total", value) for metric, value in throughputs.items()]


def zero_metrics(result: Result) -> list[str]:
    """Metrics that the result gives as 0 throughout: it has no value of them."""
    return [ours for theirs, ours in METRICS.items() if number(result.get(f"mean_{theirs}_ms")) == 0]


def completed(result: Result) -> float:
    """Requests that ended well."""
    return number(result.get("completed")) or 0.0


def mean_tokens(result: Result, key: str) -> float | None:
    """A total of tokens over the completed requests [tokens]."""
    total, count = positive(result.get(key)), completed(result)
    return total / count if total and count > 0 else None


def _latencies(result: Result) -> Iterator[tuple[str, str, float]]:
    empty = set(zero_metrics(result))
    for key, value in result.items():
        match = STATISTIC.fullmatch(key)
        found = number(value)
        if match and found is not None and found >= 0 and METRICS[match[2]] not in empty:
            yield METRICS[match[2]], match[1], found * MILLISECOND
