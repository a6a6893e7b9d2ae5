"""Was the load steady, and was it the server that was measured?

| check | sign |
| --- | --- |
| growing_queue | TTFT's p99 ten times its median at an offered rate; later requests wait ever longer |
| warm_up | the first requests of a result take several times as long as the later ones |
| not_served | an offered rate that was not reached |
| idle_client | a closed loop whose slots stand empty |
| clock | a last token before the first one |
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from planner.checks.columns import Requests
from planner.checks.evidence import Evidence, Finding
from planner.checks.work import whole_time
from planner.measured import Run, Severity
from planner.quantities import FloatArray
from planner.words import digits, duration, percent

QUEUE, WARM_UP, SERVED, IDLE, CLOCK = "growing_queue", "warm_up", "not_served", "idle_client", "clock"
TAIL, SLOWER, SLOWER_END = 10.0, 3.0, 5.0
"""p99 over median; how many times slower first requests are, by TTFT and by the whole latency."""
ENOUGH, TURNS, SHORTFALL = 12, 5, 0.1
GROWTH = 0.1
"""Seconds that TTFT grows in a second: a tenth of the requests is not served."""


def growing_queue(evidence: Evidence) -> Iterator[Finding]:
    """Requests that wait the longer the later they come.

        p99 of TTFT > 10 · median at an offered rate; where requests are listed, TTFT grows by over 0.1 s in a second

    evidence : cases with both percentiles, or a table of requests [s]
    returns : measured and limit: p99 and median of TTFT, or its growth [s]
    valid : open loops; in a closed loop the queue cannot grow
    source : a queue with arrivals beyond its service rate has no steady state
    """
    told = evidence.run.settings
    if listed := evidence.requests:
        if _number(told.get("request_rate")) and not told.get("concurrency") and not told.get("ramp_up_strategy"):
            yield from (finding for sent in listed if (finding := _growing(sent)))
        return
    for case in evidence.cases:
        tail, middle = case.value("ttft", "p99"), case.value("ttft", "median")
        if tail and middle and case.told("request_rate") and not case.told("concurrency") and tail > TAIL * middle:
            yield Finding(
                QUEUE, Severity.WARNING, case.subject,
                f"TTFT has a p99 of {duration(tail)} and a median of {duration(middle)}, {digits(tail / middle)} times "
                "less: later requests waited, and the load never was steady.",
                tail, middle, "s",
                f"{case.told('request_rate'):g} requests/s are more than the server completes: its queue grows as long "
                "as the test lasts, so that each percentile depends on how long that was",
                "Repeat it twice as long: percentiles that grow are of the test, not of the server. Then lower the "
                "rate until they stand still.",
            )  # fmt: skip


def warm_up(evidence: Evidence) -> Iterator[Finding]:
    """First requests that pay for what is done once.

        fastest of the first round > 3 · median of the rest (TTFT), or 5 times (latency)

    evidence : with a table of requests [s]
    returns : measured: the fastest of the first round, as many as are sent at once; limit: the median of the rest [s]
    valid : the fastest of a first round waits for no other, so a burst is no warm-up; from 12 requests on
    source : compilation, graph capture and memory allocation happen once
    """
    for sent in evidence.requests:
        first = _first_round(evidence.run, sent)
        by_ttft = bool(np.isfinite(sent.ttft).sum() >= ENOUGH)
        values, times = (sent.ttft, SLOWER) if by_ttft else (sent.latency, SLOWER_END)
        early, late = _finite(values[:first]), _finite(values[first:])
        if len(early) + len(late) < ENOUGH or not len(early) or len(late) < ENOUGH // 2:
            continue
        fastest, usual = float(early.min()), float(np.median(late))
        if fastest > times * usual:
            what = "first token" if by_ttft else "last token"
            yield Finding(
                WARM_UP, Severity.WARNING, f"{len(values)} requests, {first} at once",
                f"The first {len(early)} took at least {duration(fastest)} to their {what}, the others "
                f"{duration(usual)} (median): {digits(fastest / usual)} times less.",
                fastest, usual, "s",
                "the server was still compiling, capturing graphs or filling caches: its warm-up is in the sample",
                f"Send {first} requests before the measurement starts (--num-warmups {first}), or leave them out.",
            )  # fmt: skip


def not_served(evidence: Evidence) -> Iterator[Finding]:
    """An offered rate that was not reached.

        expected = requests / (requests / rate + latency); served < (1 - max(0.1, 3 / sqrt(requests))) · expected

    evidence : open loops with both rates and the number of requests [1/s]
    valid : Poisson arrivals scatter by 1 / sqrt(requests); the tail of the last request is allowed for
    source : conservation of requests
    """
    for case in evidence.cases:
        served, offered = case.value("request_throughput"), case.told("request_rate")
        count = case.told("requests") or (evidence.run.summary.get("requests") if len(evidence.cases) == 1 else None)
        if not served or not offered or not count or case.told("concurrency"):
            continue
        expected = count / (count / offered + (whole_time(case) or 0.0))
        if served < (1 - max(SHORTFALL, 3 / np.sqrt(count))) * expected:
            yield Finding(
                SERVED, Severity.WARNING, case.subject,
                f"{offered:.4g} requests/s were asked for and {served:.4g} served, although {count:,.0f} requests "
                f"at that rate would have made {expected:.4g}.",
                served, expected, "1/s",
                "the server completes no more, or the client could not send faster (its own limit of open requests, or "
                "its processor)",
                "Watch vllm:num_requests_waiting on the server: if it stays at 0, the client is the limit; then send "
                "from a second machine.",
            )  # fmt: skip


def idle_client(evidence: Evidence) -> Iterator[Finding]:
    """A closed loop that is not kept full.

        in flight = sum of latencies / duration < 0.8 · concurrency, with over five requests a slot

    evidence : a closed loop that lists its latencies [s]
    returns : measured: requests in flight; limit: the concurrency [1]
    valid : fewer requests a slot leave slots empty while the test fills and drains
    source : Little's law
    """
    told = evidence.run.settings
    flying, slots, count = (_number(told.get(name)) for name in ("effective_concurrency", "concurrency", "requests"))
    open_loop = _number(told.get("request_rate"))
    if flying and slots and count and not open_loop and count >= TURNS * slots and flying < (1 - 2 * SHORTFALL) * slots:
        yield Finding(
            IDLE, Severity.WARNING, f"{slots:g} at once",
            f"{digits(flying)} of {slots:g} requests were in flight on average: {percent(1 - flying / slots)} of the "
            "slots stood empty.",
            flying, slots, "requests",
            "the client is slow to send the next request (its processor, or one thread for many streams), so the "
            "server had less to do than was asked for",
            "Watch the client's processor; split the load over two clients of half the concurrency.",
        )  # fmt: skip


def clock(evidence: Evidence) -> Iterator[Finding]:
    """A last token before the first one.

        latency < TTFT, or a time below 0

    evidence : with a table of requests [s]
    returns : measured: requests with such times; limit: all of them [1]
    source : time does not run backwards; a clock that is set does
    """
    for sent in evidence.requests:
        wrong = int(np.sum((sent.latency < sent.ttft * (1 - 1e-6)) | (sent.latency < 0) | (sent.ttft < 0)))
        if wrong:
            yield Finding(
                CLOCK, Severity.ERROR, f"{len(sent.ttft)} requests",
                f"{wrong} of {len(sent.ttft)} requests end before their first token.",
                float(wrong), float(len(sent.ttft)), "requests",
                "the client's clock was set while it measured (wall clock instead of a monotonic one)",
                "Stop time synchronisation of the client for the test, or use a client with a monotonic clock.",
            )  # fmt: skip


def _growing(sent: Requests) -> Finding | None:
    what, waits = ("TTFT", sent.ttft) if np.isfinite(sent.ttft).any() else ("Latency", sent.latency)
    waits = _finite(waits)
    third, span = len(waits) // 3, float(np.nan_to_num(np.ptp(sent.start)))
    if third < ENOUGH // 3 or span <= 0:
        return None
    early, late = float(np.median(waits[:third])), float(np.median(waits[-third:]))
    if late - early < GROWTH * span * 2 / 3 or late < SLOWER * early:
        return None
    return Finding(
        QUEUE, Severity.WARNING, f"{len(waits)} requests in {duration(span)}",
        f"{what} is {duration(early)} in the first third of the test and {duration(late)} in the last (medians).",
        late, early, "s",
        f"the queue grows by {digits((late - early) / span * 1.5)} s in each second: more is offered than served",
        "Repeat it twice as long: a time that doubles is of the test, not of the server. Then lower the rate.",
    )  # fmt: skip


def _first_round(run: Run, sent: Requests) -> int:
    """Requests that do not wait for an earlier one to end: as many as the client keeps open, one at an offered rate."""
    told = _number(run.settings.get("concurrency"))
    if told or _number(run.settings.get("request_rate")):
        return max(1, int(told or 1))
    ended = np.nan_to_num(sent.start[:1] + sent.latency[:1])
    return max(1, int(np.sum(sent.start < ended))) if len(ended) else 1


def _finite(values: FloatArray) -> FloatArray:
    return values[np.isfinite(values)]


def _number(value: str | float | None) -> float | None:
    return value if isinstance(value, float | int) else None
