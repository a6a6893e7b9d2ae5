"""What AIPerf and its predecessor GenAI-Perf measure, as points: the same metrics in their JSON and their CSV.

| their metric                                       | ours                                         | unit      |
| -------------------------------------------------- | -------------------------------------------- | --------- |
| request_latency                                    | e2e                                          | ms        |
| time_to_first_token                                | ttft                                         | ms        |
| inter_token_latency: (e2e - ttft) / (tokens - 1)   | tpot, where client and server count the same | ms        |
|                                                    | tpot_client_tokens, where they do not        | ms        |
| inter_chunk_latency                                | itl                                          | ms        |
| request_throughput, goodput, request_goodput       | request_throughput, request_goodput          | 1/s       |
| total_usage_completion_tokens / benchmark_duration | output_throughput                            | tokens, s |
| output_token_throughput, total_token_throughput    | output_throughput, total_throughput, with    | 1/s       |
|                                                    | _client_tokens where the counts differ       | 1/s       |
| usage_prompt_tokens, else input_sequence_length    | prompt_tokens of each point                  | tokens    |
| usage_completion_tokens, else output_sequence_...  | output_tokens of each point                  | tokens    |

The client counts tokens by its own tokenizer; the server's count stands in `usage`, where the server sends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from importers.json_text import number, positive
from importers.load_points import Conditions
from planner.measured import MeasuredPoint, Note, Severity
from planner.quantities import MILLISECOND

UNITS = {"ms": MILLISECOND, "s": 1.0, "sec": 1.0, "seconds": 1.0, "us": 1e-3 * MILLISECOND, "ns": 1e-6 * MILLISECOND}
SAME_COUNT = 0.005
"""Counts of tokens that differ by less are the same."""
DEFINITIONS: dict[str, str | float] = {
    "tpot_definition": "(e2e - ttft) / (output tokens - 1), a value for each request; tokens by the client's tokenizer",
    "itl_definition": "gap between two chunks of an answer",
    "throughput_definition": "of requests without error, from the first request sent to the last answer",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """Metrics of one run.

    metrics : name -> statistics, with their "unit"
    load : concurrency [1] and request_rate [1/s], as far as they were set
    """

    metrics: Mapping[str, Mapping[str, Any]]
    load: Conditions

    @property
    def conditions(self) -> Conditions:
        """Load and lengths under which the values hold."""
        return replace(
            self.load,
            prompt_tokens=self.mean("usage_prompt_tokens") or self.mean("input_sequence_length"),
            output_tokens=self.mean("usage_completion_tokens") or self.mean("output_sequence_length"),
        )

    @property
    def counts_differ(self) -> bool:
        """Whether the server's count of output tokens is another than the client's."""
        server, client = self.mean("usage_completion_tokens"), self.mean("output_sequence_length")
        return bool(server and client) and abs((client or 0.0) / (server or 1.0) - 1.0) > SAME_COUNT

    def mean(self, metric: str) -> float | None:
        """The mean of a metric in its own unit; None if it is not above 0."""
        return positive(self.metrics.get(metric, {}).get("avg"))

    def points(self) -> Iterator[MeasuredPoint]:
        """Every value that we know."""
        where, tokens = self.conditions, "_client_tokens" if self.counts_differ else ""
        for theirs, ours in {
            "request_latency": "e2e",
            "time_to_first_token": "ttft",
            "inter_token_latency": f"tpot{tokens}",
            "inter_chunk_latency": "itl",
        }.items():
            yield from where.points(ours, self.metrics.get(theirs, {}), self._unit(theirs))
        duration, completion = self.mean("benchmark_duration"), self.mean("total_usage_completion_tokens")
        if tokens and duration and completion:
            yield where.point("output_throughput", "total", completion / (duration * self._unit("benchmark_duration")))
        for theirs, ours in {
            "request_throughput": "request_throughput",
            "goodput": "request_goodput",
            "request_goodput": "request_goodput",
            "output_token_throughput": f"output{tokens}_throughput",
            "total_token_throughput": f"total{tokens}_throughput",
        }.items():
            value = self.mean(theirs)
            if value is not None:
                yield where.point(ours, "total", value)

    def totals(self) -> dict[str, float]:
        """Counts and duration for the run's summary [1], [s], [tokens]."""
        names = {
            "request_count": "requests",
            "error_request_count": "failed",
            "total_usage_prompt_tokens": "prompt_tokens",
            "total_usage_completion_tokens": "output_tokens",
        }
        found = {ours: value for theirs, ours in names.items() if (value := self._average(theirs)) is not None}
        duration = self._average("benchmark_duration")
        return found | ({"duration_s": duration * self._unit("benchmark_duration")} if duration is not None else {})

    def notes(self) -> Iterator[Note]:
        """What to know of the counts of tokens and of failures."""
        if self.counts_differ:
            yield Note(
                Severity.WARNING,
                f"AIPerf counted {self.mean('output_sequence_length'):.4g} output tokens a request with its own "
                f"tokenizer, the server {self.mean('usage_completion_tokens'):.4g}. Its time per token and throughput "
                "stand as ..._client_tokens; output_throughput is by the server's count.",
            )
        failed = self._average("error_request_count")
        if failed:
            yield Note(Severity.WARNING, f"{failed:.0f} requests failed. Latencies are of those that succeeded.")

    def _average(self, metric: str) -> float | None:
        return number(self.metrics.get(metric, {}).get("avg"))

    def _unit(self, metric: str) -> float:
        return UNITS.get(str(self.metrics.get(metric, {}).get("unit", "")).lower(), MILLISECOND)
