"""Predictions against measurements, as one table: `python -m tools.accuracy [DIR_OF_MEASUREMENTS]`.

Tables are read where they lie; without the folder, those of data/reference alone. `--html FILE` writes a page,
`--accept` makes this table the one that later runs are held against.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tools import accuracy_history as history
from tools.accuracy_calibrated import calibrated_cases
from tools.accuracy_cases import MEASUREMENTS, REFERENCE, Case, lab_cases, memory_cases, serving_cases
from tools.accuracy_html import page
from tools.bert import bert_cases
from tools.capacity_check import capacity_cases, ranks_agree
from tools.end_to_end import end_to_end_cases
from tools.t4_loads import t4_cases

__all__ = ["REFERENCE", "Case", "cases", "lab_cases", "main", "memory_cases", "report", "serving_cases", "summary"]

WORST = 10
MLPERF = "mlperf offline output_tokens_per_s"
SHOWN = 90
OWN_READERS: tuple[Callable[[Path], Iterator[Case]], ...] = (
    serving_cases, lab_cases, memory_cases, t4_cases, capacity_cases, calibrated_cases,
)  # fmt: skip
HEAD = f"{'cases':>6} {'predicted':>9} {'refused':>7} {'median':>8} {'mean':>8} {'bias':>8} {'inside':>7} {'width':>6}"


def cases(folder: Path) -> list[Case]:
    """Every case of vLLM's own tables; of the lab's alone where only data/reference is there."""
    readers = OWN_READERS if (folder / "vllm_serving.csv").is_file() else (lab_cases,)
    return [case for read in readers for case in read(folder)]


def other_cases(folder: Path) -> list[Case]:
    """Every case of other engines and studies; none where end_to_end.csv is not there."""
    return [*end_to_end_cases(folder), *bert_cases(folder)] if (folder / "end_to_end.csv").is_file() else []


def told(found: Iterable[Case]) -> list[Case]:
    """Those that have a prediction."""
    return [case for case in found if case.predicted is not None and case.predicted > 0]


def figures(found: list[Case]) -> history.Figures:
    """Cases; median and mean absolute error; bias: geometric mean of predicted over measured, less one; share of the
    measurements inside the 90 % interval and its median width over the prediction, NaN where it has none [%].
    """
    errors = [100 * case.error for case in found]
    bias = 100 * (math.exp(statistics.mean(math.log(case.ratio) for case in found)) - 1)
    return len(found), statistics.median(errors), statistics.mean(errors), bias, *intervals(found)


def intervals(found: Iterable[Case]) -> tuple[float, float]:
    """Share of measurements inside their interval, and the median of (high - low) / predicted [%]."""
    kept = [(case, *case.interval) for case in found if case.interval is not None]
    if not kept:
        return math.nan, math.nan
    inside = statistics.mean(low <= case.measured <= high for case, low, high in kept)
    width = statistics.median((high - low) / (case.predicted or math.nan) for case, low, high in kept)
    return 100 * inside, 100 * width


def summary(found: Iterable[Case]) -> str:
    """Cases, predicted, refused; median and mean absolute error; bias; share inside the interval, and its width."""
    listed = list(found)
    kept = told(listed)
    counts = f"{len(listed):6} {len(kept):9} {len(listed) - len(kept):7}"
    if not kept:
        return f"{counts} {'-':>8} {'-':>8} {'-':>8}"
    _, middle, mean, bias, inside, width = figures(kept)
    sure = "" if math.isnan(inside) else f" {inside:6.0f}% {width:5.0f}%"
    return f"{counts} {middle:7.1f}% {mean:7.1f}% {bias:+7.1f}%{sure}"


def coarse(case: Case) -> str:
    """Group of vLLM's own tables."""
    return f"{case.gpu} x {case.model}"


def fine(case: Case) -> str:
    """Group of the other engines' tables."""
    return " x ".join((case.gpu, case.model.rsplit("/", 1)[-1], case.quantization, case.engine[:24], case.regime))


def report(found: list[Case], group: Callable[[Case], str] = coarse) -> Iterator[str]:
    """The table: each kind of measurement in all, then by group; then the worst rows.

    found : of one family of tables
    group : what rows share
    """
    for table in dict.fromkeys(case.table for case in told(found)):
        part = [case for case in found if case.table == table]
        yield f"\n{table:{SHOWN}} {HEAD}"
        yield f"{'all':{SHOWN}} {summary(part)}"
        for name, alike in sorted(grouped(part, group).items()):
            yield f"  {name[: SHOWN - 2]:{SHOWN - 2}} {summary(alike)}"
    worst = sorted(told(found), key=lambda case: -abs(math.log(case.ratio)))[:WORST]
    yield f"\nThe {len(worst)} worst, as predicted over measured:"
    for case in worst:
        pair = f"{case.predicted:.4g} / {case.measured:.4g} = {case.ratio:.2f}"
        yield f"  {pair:28} {case.table:24} {case.gpu} x {case.model}  {case.conditions}"


def refusals(found: list[Case]) -> Iterator[str]:
    """Reasons for which rows are not predicted, the commonest first."""
    reasons = Counter(case.refusal.split(". ")[0][:SHOWN] for case in found if case.predicted is None)
    yield f"\nNot predicted: {sum(reasons.values())} of {len(found)} rows"
    for reason, count in reasons.most_common():
        yield f"  {count:6}  {reason}"


def grouped(found: Iterable[Case], group: Callable[[Case], str]) -> dict[str, list[Case]]:
    """Cases by group."""
    groups: dict[str, list[Case]] = {}
    for case in found:
        groups.setdefault(group(case), []).append(case)
    return groups


def table(own: list[Case], others: list[Case]) -> dict[history.Key, history.Figures]:
    """What is accepted and compared: every set in all, and by group."""
    rows: dict[history.Key, history.Figures] = {}
    for found, group in ((told(own), coarse), (told(others), fine)):
        for kind, part in grouped(found, lambda case: case.table).items():
            rows[kind, "all"] = figures(part)
            rows |= {(kind, name): figures(alike) for name, alike in sorted(grouped(part, group).items())}
    return rows


def main() -> None:
    """Print the tables, and what moved since the accepted ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=MEASUREMENTS, help="of vllm_serving.csv, lab_*.csv, end_to_end.csv, ..."
    )
    parser.add_argument("--html", type=Path, help="write the page to this file")
    parser.add_argument("--accept", action="store_true", help=f"rewrite {history.ACCEPTED.name}")
    asked = parser.parse_args()
    folder, whole = asked.folder, (asked.folder / "vllm_serving.csv").is_file()
    if not whole:
        print(f"{folder} holds no vllm_serving.csv: only the reference tables of data/reference are scored.")
        folder = REFERENCE
    own, others = cases(folder), other_cases(folder)
    print("\n".join(report(own)))
    if others:
        print("\n\nOther engines and studies, predicted as vLLM", *report(others, fine), *refusals(others), sep="\n")
        print("\nWhich system is faster, by throughput of a GPU", *ranks_agree(others, MLPERF), sep="\n")
    new, old = table(own, others), history.read(history.ACCEPTED)
    if old and whole:
        print("\nMoved since the accepted table:", *(list(history.moved(old, new)) or ["  nothing"]), sep="\n")
    if asked.accept and whole:
        history.accept(history.ACCEPTED, new)
    if asked.html:
        asked.html.write_text(page(told(own), told(others), new), encoding="utf-8")


if __name__ == "__main__":
    main()
