"""Do the numbers of one load agree with each other? Nothing here needs a GPU or a model.

| check | law |
| --- | --- |
| token_accounting | output tokens/s = requests/s · output tokens of a request |
| littles_law | requests in flight = requests/s · end-to-end latency |
| busy_slots | requests decoding at once = output tokens/s · TPOT |
| latency_sum | end-to-end = TTFT + TPOT · (output tokens - 1) |
| percentile_order | min <= p1 <= ... <= p99 <= max |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from planner.checks.evidence import Case, Evidence, Finding
from planner.measured import Severity
from planner.words import digits, duration

TOKENS, LITTLE, BUSY, SUM, ORDER = "token_accounting", "littles_law", "busy_slots", "latency_sum", "percentile_order"
ROUNDED, EXACT, LOOSE, EDGES = 0.02, 0.05, 0.15, 0.2
"""Relative differences: of percentiles that a tool rounds (Locust's have two digits), of totals, of products of means
over unlike lengths, of rates over a window that cuts requests off at its ends."""
ALIKE, FACTOR = 1.5, 2.0
"""Between runs of one load, and between figures made of medians."""
COUNTED = "requests and tokens are not counted over the same time or the same requests"
COUNT_AGAIN = (
    "Count completed requests and their completion_tokens, as the server reports them, over one and the same interval "
    "(vllm bench serve --save-detailed does)."
)
PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d+)?)")


def token_accounting(evidence: Evidence) -> Iterator[Finding]:
    """Rates that do not fit the output of a request.

        output = output tokens/s / requests/s

    evidence : cases with both rates [1/s]
    returns : where that is below one; below the two that a TPOT needs; not what the load or its latencies say
    valid : steady state, or a run counted as a whole; latencies' medians give the output within a factor of two
    source : conservation of requests and tokens
    """
    for case in evidence.cases:
        rate, tokens = case.value("request_throughput"), case.value("output_throughput")
        if not rate or not tokens:
            continue
        each = tokens / rate
        limit, severity, why = _expected(case, each, _most(evidence, case))
        if why:
            yield Finding(
                TOKENS, severity, case.subject,
                f"{tokens:.4g} output tokens/s over {rate:.4g} requests/s are {digits(each)} output tokens a request; "
                f"{why}.",
                each, limit, "tokens", _sent(case, rate, tokens / limit), COUNT_AGAIN,
            )  # fmt: skip


def littles_law(evidence: Evidence) -> Iterator[Finding]:
    """More requests in flight than there are slots or places.

        in flight = requests/s · latency > limit of the client (concurrency), else of the server (max_num_seqs)

    evidence : cases with a rate and a latency [1/s], [s]
    returns : over the client's limit: impossible; over the server's: they wait, and latency is mostly queue
    valid : means in steady state; where end-to-end is not told, TTFT bounds it from below
    source : Little, Operations Research 9(3), 1961
    """
    for case in evidence.cases:
        rate, (name, latency) = case.value("request_throughput"), _latency(case)
        if not rate or not latency:
            continue
        flying, allowed, slots = rate * latency, case.told("concurrency"), _slots(case)
        said = f"{rate:.4g} requests/s of {duration(latency)} ({name}) each are {digits(flying)} in flight"
        if allowed and case.value("e2e", "mean") and flying > (1 + EXACT) * allowed:
            yield Finding(
                LITTLE, Severity.ERROR, case.subject, f"{said}, but the client allows {allowed:g}.", flying, allowed,
                "requests", COUNTED, COUNT_AGAIN,
            )  # fmt: skip
        elif slots and flying > FACTOR * slots:
            yield Finding(
                LITTLE, Severity.WARNING, case.subject,
                f"{said}, of which {slots:g} run (--max-num-seqs) and {digits(flying - slots)} wait.",
                flying, slots, "requests",
                f"the load is above what a batch limit of {slots:g} serves: latency is time in the queue, and grows "
                "with the test",
                f"Offer a rate that is served, or keep at most {slots:g} at once (--max-concurrency {slots:g}).",
            )  # fmt: skip


def busy_slots(evidence: Evidence) -> Iterator[Finding]:
    """More requests decoding at once than are allowed to.

        decoding = output tokens/s · TPOT > concurrency or max_num_seqs

    evidence : cases with both [1/s], [s]
    valid : TPOT as a mean, or a median within a factor of two
    source : Little's law over decode steps
    """
    for case in evidence.cases:
        tokens, tpot = case.value("output_throughput"), case.value("tpot")
        limits = [limit for name in ("concurrency", "max_num_seqs") if (limit := case.told(name))]
        if not tokens or not tpot or not limits:
            continue
        decoding, margin = tokens * tpot, 1 + LOOSE if case.value("tpot", "mean") else FACTOR
        if decoding > margin * min(limits):
            yield Finding(
                BUSY, Severity.ERROR, case.subject,
                f"{digits(tokens)} output tokens/s with {duration(tpot)} for each are {digits(decoding)} requests "
                f"decoding at once, but at most {min(limits):g} may.",
                decoding, min(limits), "requests", COUNTED, COUNT_AGAIN,
            )  # fmt: skip


def latency_sum(evidence: Evidence) -> Iterator[Finding]:
    """TTFT and TPOT do not add up to the end-to-end latency.

        end-to-end = TTFT + TPOT · (output - 1)

    evidence : cases with the three means and the output's length [s], [tokens]
    returns : with the definition of TPOT that would add up, if one does
    valid : within 15 %: over requests of unlike lengths a product of means is not the mean of products
    source : the house's definition of TPOT; GuideLLM divides end-to-end by all tokens
    """
    for case in evidence.cases:
        ttft, tpot, whole = (case.value(name, "mean") for name in ("ttft", "tpot", "e2e"))
        output = case.told("output_tokens")
        if not ttft or not tpot or not whole or not output or output <= 1:
            continue
        added = ttft + tpot * (output - 1)
        if abs(added / whole - 1) <= LOOSE:
            continue
        gaps = (whole - ttft) / tpot
        includes_first = abs(tpot * output / whole - 1) <= EXACT
        yield Finding(
            SUM, Severity.WARNING, case.subject,
            f"TTFT {duration(ttft)} + {output - 1:.4g} gaps of {duration(tpot)} make {duration(added)}, but end to end "
            f"takes {duration(whole)}.",
            added, whole, "s",
            "this TPOT is end-to-end over all tokens, the first included (GuideLLM's definition), not the time between "
            "tokens" if includes_first else
            f"TPOT is not the time between tokens: end to end leaves {digits(gaps / (output - 1))} gaps of that length "
            "for each of them, so chunks or empty messages are counted as tokens",
            f"Take TPOT as (end-to-end - TTFT) / (output tokens - 1): {duration((whole - ttft) / (output - 1))} here.",
        )  # fmt: skip


def percentile_order(evidence: Evidence) -> Iterator[Finding]:
    """A higher percentile that is smaller.

    evidence : cases with several statistics of a metric [s]
    returns : a finding for each neighbouring pair out of order
    valid : of one metric over the same requests; some tools round to two digits
    source : definition of a percentile
    """
    for case in evidence.cases:
        for metric in dict.fromkeys(point.metric for point in case.run.points):
            ranked = sorted(
                (rank, point.statistic, point.value)
                for point in case.run.points
                if point.metric == metric and (rank := _rank(point.statistic)) is not None
            )
            for (_, low, smaller), (_, high, larger) in pairwise(ranked):
                if larger < (1 - ROUNDED) * smaller:
                    yield Finding(
                        ORDER, Severity.ERROR, case.subject,
                        f"{metric}: {high} is {digits(larger)}, below {low} of {digits(smaller)}.", larger, smaller,
                        "s", "columns or units were mixed up when the values were copied",
                        "Read the percentiles from the tool's own output again.",
                    )  # fmt: skip


def _expected(case: Case, each: float, most: float) -> tuple[float, Severity, str]:
    """What the output of a request should be, how grave it is that it is not, and why; no why: it is."""
    told, implied, tpot = case.told("output_tokens"), _implied(case), case.value("tpot")
    if each < 1:
        return 1.0, Severity.ERROR, "a completed request has at least one"
    if told and not 1 - EDGES <= each / told <= 1 + EDGES:
        grave = Severity.WARNING if 1 / FACTOR <= each / told <= FACTOR else Severity.ERROR
        return told, grave, f"the load says {digits(told)}"
    if implied and not told and not 1 / FACTOR <= each / implied <= FACTOR:
        return implied, Severity.ERROR, f"its latencies say {digits(implied)} = 1 + (end-to-end - TTFT) / TPOT"
    if tpot and each < FACTOR:
        return FACTOR, Severity.WARNING, f"a TPOT of {duration(tpot)} needs at least two"
    if each < most / ALIKE:
        return most, Severity.WARNING, f"the same load had {digits(most)} elsewhere"
    return each, Severity.INFO, ""


def _most(evidence: Evidence, case: Case) -> float:
    """Most output tokens of a request under the same offered rate, where lengths are not told [tokens]."""
    if case.told("output_tokens") or not case.told("request_rate"):
        return 0.0
    alike = (other for other in evidence.cases if other.told("request_rate") == case.told("request_rate"))
    pairs = ((other.value("output_throughput"), other.value("request_throughput")) for other in alike)
    return max((tokens / rate for tokens, rate in pairs if tokens and rate), default=0.0)


def _slots(case: Case) -> float | None:
    return case.told("max_num_seqs") or (case.scenario.engine.max_num_seqs if case.scenario else None)


def _implied(case: Case) -> float | None:
    for statistic in ("mean", "median"):
        ttft, tpot, whole = (case.value(name, statistic) for name in ("ttft", "tpot", "e2e"))
        if ttft and tpot and whole and whole > ttft:
            return 1 + (whole - ttft) / tpot
    return None


def _sent(case: Case, rate: float, served: float) -> str:
    offered = case.told("request_rate")
    if offered and abs(rate / offered - 1) <= 2 * EXACT:
        return (
            f"the request rate counts requests sent ({rate:.4g} of {offered:.4g} asked for), not completed: "
            f"these tokens make at most {digits(served)} completed requests/s"
        )
    return f"{COUNTED}: these tokens make at most {digits(served)} completed requests/s"


def _latency(case: Case) -> tuple[str, float | None]:
    names = (("e2e", "end to end"), ("ttft", "TTFT"))
    return next(((said, value) for metric, said in names if (value := case.value(metric))), ("", None))


def _rank(statistic: str) -> float | None:
    known = {"min": 0.0, "median": 50.0, "max": 100.0}
    found = PERCENTILE.fullmatch(statistic)
    return float(found[1]) if found else known.get(statistic)
