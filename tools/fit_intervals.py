"""Writes data/intervals.yaml from end-to-end measurements: `python -m tools.fit_intervals [DIR_OF_MEASUREMENTS]`.

A residual is log(measured / predicted). Each novelty has its way to leave cases out in turn: a configuration, a GPU
with its own operators hidden, a generation, a family. The quantiles of the rest are widened until nine of ten hold.
Two families are few: closed loops of SGLang tell how far other families lie, less that engine's own median residual.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from planner.intervals import FAMILY_NOVELTIES, GPU_NOVELTIES
from tools.residuals import METRICS, Case, cases

MEASUREMENTS = Path(__file__).parents[2] / "shared" / "measurements"
COVERAGE = 0.9
HEAD = (
    "# Written by `python -m tools.fit_intervals`. 90 % of measurements lie between value · exp(-below) and\n"
    "# value · exp(above). points, groups: what a row rests on; coverage: of groups left out of their own fit.\n"
)
LEAST = 0.02
"""No side of an interval is narrower [log]: the tables are rounded, and runs differ from day to day by as much."""


class Sides(NamedTuple):
    """An interval of log(measured / predicted): from -below to above."""

    below: float
    above: float

    def widened(self, margin: float) -> Sides:
        """Both sides longer by a margin."""
        return Sides(self.below + margin, self.above + margin)

    def outside(self, found: Sequence[Case]) -> Any:
        """How far each residual lies outside; 0 or less inside."""
        values = np.array([case.residual for case in found])
        return np.maximum(-values - self.below, values - self.above)


Key = Callable[[Case], Any]
FOLDS: Mapping[tuple[str, str], tuple[Key, ...]] = {
    ("measured", "measured"): (lambda case: (case.gpu, case.configuration),),
    ("gpu_unseen", "measured"): (lambda case: case.gpu,),
    ("generation_unseen", "measured"): (lambda case: case.generation,),
    ("measured", "family_unseen"): (lambda case: case.family,),
    ("gpu_unseen", "family_unseen"): (lambda case: case.gpu, lambda case: case.family),
    ("generation_unseen", "family_unseen"): (lambda case: case.generation, lambda case: case.family),
}
"""By (GPU, family) novelty: what a left-out case shares with none of those that its interval is made from."""


def comparable(found: Sequence[Case], metric: str, regime: str, far: tuple[str, str]) -> list[Case]:
    """Cases of one metric and regime for a novelty: other engines only where the family is unseen."""
    ours = {case.gpu for case in found if case.engine == "vllm"}
    return [
        case
        for case in found
        if (case.metric, case.regime) == (metric, regime)
        and (case.engine == "vllm" or (far[1] != "measured" and (far[0] != "measured" or case.gpu in ours)))
    ]


def fitted(found: Sequence[Case], keys: Sequence[Key]) -> Sides:
    """Quantiles of all cases, widened so that 90 % of left-out cases lie inside, by cases and with groups alike."""
    outside, weights = [], []
    for left, others in _splits(found, keys):
        outside.append(quantiles(others).outside(left))
        weights.append(np.full(len(left), 1 / len(left)))
    if not outside:
        return quantiles(found)
    far, weight = np.concatenate(outside), np.concatenate(weights)
    margin = max(_weighted_quantile(far, weight), _weighted_quantile(far, np.ones(len(far))))
    return quantiles(found).widened(max(0.0, margin))


def quantiles(found: Sequence[Case]) -> Sides:
    """5 % and 95 % of the residuals with the correction of conformal prediction: the rank is of n + 1, not of n."""
    values = np.sort([case.residual for case in found])
    rank = math.ceil((1 + COVERAGE) / 2 * (len(values) + 1))
    above, below = values[min(rank, len(values)) - 1], values[max(len(values) - rank, 0)]
    return Sides(max(LEAST, -float(below)), max(LEAST, float(above)))


def left_out_coverage(found: Sequence[Case], keys: Sequence[Key]) -> tuple[float, float]:
    """Share of cases inside intervals fitted without their own group: over cases, and mean over groups.

    With two groups the one left out has no second to fit the margin with: the margin of both is taken.
    """
    inside: list[Any] = []
    for left, others in _splits(found, keys):
        if len(_splits(others, keys)) > 1:
            sides = fitted(others, keys)
        else:
            sides = quantiles(others).widened(fitted(found, keys).above - quantiles(found).above)
        inside.append(sides.outside(left) <= 0)
    return float(np.concatenate(inside).mean()), float(np.mean([group.mean() for group in inside]))


def table(folder: Path) -> dict[str, Any]:
    """All of data/intervals.yaml: what was measured, and a row for each metric, regime and novelty."""
    found = {novelty: cases(folder, novelty) for novelty in GPU_NOVELTIES}
    ours = [case for case in found["measured"] if case.engine == "vllm"]
    known = {name: sorted({getattr(case, name[:-1]) for case in ours}) for name in ("gpus", "generations")}
    rows = [row for metric in METRICS for row in metric_rows(found, metric)]
    return {"measured": {**known, "families": sorted({case.family for case in ours})}, "intervals": rows}


def metric_rows(found: Mapping[str, list[Case]], metric: str) -> list[dict[str, Any]]:
    """Rows of a metric. Where the KV cache overflows only the nearest group has cases: the others are that much wider.

    side(overflows, far)² = side(overflows, measured)² + side(fits, far)² - side(fits, measured)²
    """
    rows: list[dict[str, Any]] = []
    sides: dict[tuple[str, str], Sides] = {}
    for far, keys in FOLDS.items():
        part = comparable(found[far[0]], metric, "fits", far)
        nearer = [side for other, side in sides.items() if is_nearer(other, far)]
        sides[far] = widest([fitted(part, keys), *nearer])
        rows.append(row(metric, "fits", far, sides[far], part, keys))
    near = ("measured", "measured")
    part, keys = comparable(found["measured"], metric, "overflows", near), FOLDS[near]
    crowded = widest([fitted(part, keys), sides[near]])
    for far in FOLDS:
        wide = [
            math.sqrt(own**2 + away**2 - close**2)
            for own, away, close in zip(crowded, sides[far], sides[near], strict=True)
        ]
        rows.append(row(metric, "overflows", far, Sides(*wide), part if far == near else [], keys))
    return rows


def row(
    metric: str, regime: str, far: tuple[str, str], sides: Sides, part: Sequence[Case], keys: Sequence[Key]
) -> dict[str, Any]:
    """One line of the file; without cases of its own it has no coverage."""
    line: dict[str, Any] = {"metric": metric, "regime": regime, "gpu": far[0], "family": far[1]}
    line |= {"below": round(sides.below, 3), "above": round(sides.above, 3), "points": len(part)}
    if part:
        by_cases, by_groups = left_out_coverage(part, keys)
        line |= {"groups": len(_splits(part, keys)), "coverage_percent": round(100 * by_cases, 1)}
        line |= {"coverage_by_group_percent": round(100 * by_groups, 1)}
    return line


def is_nearer(other: tuple[str, str], far: tuple[str, str]) -> bool:
    """Whether the other novelty is nearer to the measurements, or as near, in both GPU and family."""
    near_gpu = GPU_NOVELTIES.index(other[0]) <= GPU_NOVELTIES.index(far[0])
    return near_gpu and FAMILY_NOVELTIES.index(other[1]) <= FAMILY_NOVELTIES.index(far[1])


def widest(sides: Sequence[Sides]) -> Sides:
    """The longest of each side: what is farther from the measurements is never surer."""
    return Sides(max(side.below for side in sides), max(side.above for side in sides))


def main() -> None:
    """Fit every group, write the file, print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=MEASUREMENTS, help="of vllm_serving.csv, lab_*.csv, ..."
    )
    parser.add_argument("--out", type=Path, default=Path("data/intervals.yaml"))
    arguments = parser.parse_args()
    fitted_table = table(arguments.folder)
    text = yaml.safe_dump(fitted_table, sort_keys=False, default_flow_style=None, width=200)
    arguments.out.write_text(HEAD + text, encoding="utf-8")
    print(text)


def _weighted_quantile(values: Any, weights: Any) -> float:
    """The least value at or below which 90 % of the weight lies."""
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(share, COVERAGE - 1e-12)])


def _splits(found: Sequence[Case], keys: Sequence[Key]) -> list[tuple[list[Case], list[Case]]]:
    """Each group of cases alike in all keys, with the cases that are alike in none."""
    splits = []
    for group in dict.fromkeys(tuple(key(case) for key in keys) for case in found):
        left = [case for case in found if tuple(key(case) for key in keys) == group]
        others = [case for case in found if all(key(case) != own for key, own in zip(keys, group, strict=True))]
        if others:
            splits.append((left, others))
    return splits


if __name__ == "__main__":
    main()
