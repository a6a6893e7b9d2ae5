"""A benchmark of GuideLLM as points, from its JSON as from its CSV. Its definitions are its own and change with age.

| theirs (of successful requests)        | ours                                         | unit   |
| -------------------------------------- | -------------------------------------------- | ------ |
| request_latency                        | e2e                                          | s      |
| time_to_first_token_ms                 | ttft                                         | ms     |
| inter_token_latency_ms                 | tpot, where all answers are of one length    | ms     |
|                                        | tpot_by_token, where not: weighted by tokens | ms     |
| time_per_output_token_ms, since 0.4    | latency_per_output_token (the first token    | ms     |
|                                        | is in it); ..._by_token where lengths differ |        |
| time_per_output_token_ms, 0.2 and 0.3  | decode_time_per_output_token; ..._by_token   | ms     |
| requests_per_second: mean              | request_throughput                           | 1/s    |
| output_tokens_per_second: mean         | output_throughput                            | 1/s    |
| tokens_per_second: mean, since 0.4     | total_throughput (0.2 counted prompts twice) | 1/s    |
| prompt_token_count, output_token_count | prompt_tokens, output_tokens of each point   | tokens |
| strategy: concurrent, synchronous      | concurrency of each point                    |        |
| strategy: constant, poisson            | request_rate of each point                   | 1/s    |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from importers.json_text import number, positive
from importers.load_points import Conditions
from planner.measured import MeasuredPoint, Note, Severity
from planner.quantities import MILLISECOND

Statistics = Mapping[str, Any]
TPOT = {
    True: "(e2e to the last token) / output tokens: the first token is in it",
    False: "(last token - first token) / output tokens",
}
DEFINITIONS = {
    "itl_definition": "(last token - first token) / (output tokens - 1), a value for each request, weighted by tokens",
    "throughput_definition": "mean rate over the measured time, of successful requests",
}
BY_TOKEN = Note(
    Severity.INFO,
    "GuideLLM weighs each request's time between tokens with its tokens. Answers differ in length here, so these "
    "values are kept apart as ..._by_token.",
)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark of a report.

    strategy : "concurrent", "constant", ...
    load : its streams [1] or rate [1/s]
    metrics : their name -> statistics in their unit
    modern : version 0.4 or later
    """

    strategy: str
    load: float | None
    metrics: Mapping[str, Statistics]
    modern: bool

    @property
    def conditions(self) -> Conditions:
        """The load under which its values hold."""
        closed, steady = self.strategy == "concurrent", self.strategy in ("constant", "poisson")
        return Conditions(
            concurrency=1.0 if self.strategy == "synchronous" else (self.load if closed else None),
            request_rate=self.load if steady else None,
            prompt_tokens=positive(self._of("prompt_token_count").get("mean")),
            output_tokens=positive(self._of("output_token_count").get("mean")),
        )

    @property
    def one_length(self) -> bool:
        """Whether all answers are of one length: weights are equal then."""
        found = self._of("output_token_count")
        least, most = number(found.get("min")), number(found.get("max"))
        return least is not None and least == most

    def points(self) -> Iterator[MeasuredPoint]:
        """Every value that we know."""
        where, suffix = self.conditions, "" if self.one_length else "_by_token"
        per_token = "latency_per_output_token" if self.modern else "decode_time_per_output_token"
        yield from where.points("e2e", self._of("request_latency"))
        yield from where.points("ttft", self._of("time_to_first_token_ms"), MILLISECOND)
        yield from where.points(f"tpot{suffix}", self._of("inter_token_latency_ms"), MILLISECOND)
        yield from where.points(f"{per_token}{suffix}", self._of("time_per_output_token_ms"), MILLISECOND)
        rates = {"requests_per_second": "request_throughput", "output_tokens_per_second": "output_throughput"}
        for theirs, ours in {**rates, **({"tokens_per_second": "total_throughput"} if self.modern else {})}.items():
            yield from where.points(ours, {"mean": self._of(theirs).get("mean")})

    def _of(self, metric: str) -> Statistics:
        found = self.metrics.get(metric)
        return found if isinstance(found, Mapping) else {}


def definitions(*, modern: bool) -> dict[str, str | float]:
    """What GuideLLM means by its metrics."""
    return {"tpot_definition": TPOT[modern], **DEFINITIONS}
