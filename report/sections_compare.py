"""Before and after: figures of several runs side by side, what changed, and what the planner says would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from planner.estimate import Estimate
from planner.overlay import PREDICTED
from planner.quantities import MILLISECOND
from planner.words import digits
from report.case import Case
from report.sections import Section, Table
from words.rows import METRICS
from words.text import plain

STUDIES: Mapping[str, tuple[str, ...]] = {
    "Batch 1 against 8 at 20 requests/s": ("b1", "b8"),
    "Batch 1 against 8 at 50 requests/s": ("high_b1", "high_b8"),
    "Baseline, easy wins, chunked prefill": ("easy_wins_before", "easy_wins_after", "chunked_prefill"),
}
"""The T4 study's own comparisons: title -> load tests of data/reference/t4_awq_load_tests.csv, the first is before."""
RATES = ("output_throughput", "request_throughput")
NAMES = {"output_throughput": "Output tokens/s", "request_throughput": "Requests/s"}


def before_and_after(title: str, cases: Sequence[Case]) -> Section:
    """Cases against the first of them.

    cases : at least two, each with a load
    """
    first, *later = cases
    rows = tuple(_rows(first, later))
    columns = ("Figure", _short(first), *(word for case in later for word in (_short(case), "change", "predicted")))
    note = "Change: measured, against the first column. Predicted: what the planner says of the same change."
    return Section(title, _sentence(rows, cases), (Table("", columns, rows, note),))


def _rows(first: Case, later: Sequence[Case]) -> Iterator[tuple[str, ...]]:
    for metric, statistic in _figures(first):
        values = [case.load.value(metric, statistic) if case.load else None for case in (first, *later)]
        if values[0] is None or not any(values[1:]):
            continue
        promised = [_promised(metric, first.answer, case.answer) for case in later]
        cells = [
            cell
            for value, said in zip(values[1:], promised, strict=True)
            for cell in (_text(metric, value), _change(value / values[0] if value else None), _change(said))
        ]
        yield (f"{NAMES.get(metric) or METRICS.get(metric, metric)}{_statistic(metric, statistic)}",
               _text(metric, values[0]), *cells)  # fmt: skip


def _figures(case: Case) -> list[tuple[str, str]]:
    points = case.load.run.points if case.load else ()
    order = list(dict.fromkeys((point.metric, point.statistic) for point in points))
    return sorted(order, key=lambda each: RATES.index(each[0]) if each[0] in RATES else len(RATES))


def _promised(metric: str, before: Estimate | None, after: Estimate | None) -> float | None:
    if before is None or after is None or metric not in PREDICTED:
        return None
    old, new = PREDICTED[metric](before), PREDICTED[metric](after)
    return new / old if old and new else None


def _sentence(rows: Sequence[tuple[str, ...]], cases: Sequence[Case]) -> str:
    if not rows:
        return "These runs have no figure in common."
    names = [_short(case) for case in cases]
    told = [f"{name} {change}" for name, change in zip(names[1:], rows[0][3::3], strict=True)]
    return plain(f"{rows[0][0]} against {names[0]}: {'; '.join(told)}.")


def _text(metric: str, value: float | None) -> str:
    if value is None:
        return "–"
    return digits(value) if metric in RATES else f"{digits(value / MILLISECOND)} ms"


def _change(ratio: float | None) -> str:
    if ratio is None:
        return "–"
    percents = round(100 * (ratio - 1))
    return f"{'+' if percents > 0 else '−' if percents < 0 else ''}{abs(percents):,} %"


def _statistic(metric: str, statistic: str) -> str:
    return "" if metric in RATES else f", {statistic}"


def _short(case: Case) -> str:
    return case.name.rsplit(": ", 1)[-1].removeprefix("load test ").split(", ")[0]
