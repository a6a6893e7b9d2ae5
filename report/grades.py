"""Good or bad: values held against thresholds of a file that can be edited (data/thresholds.yaml says how).

good <= [from, to];  bad < bad_below or > bad_above;  everything else lies between
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from planner.catalogue import DATA
from planner.errors import BadRow
from planner.quantities import MILLISECOND

FILE = DATA / "thresholds.yaml"
UNITS: Mapping[str, float] = {"tokens/s": 1.0, "ms": MILLISECOND, "%": 0.01}
METRICS: Mapping[str, str] = {
    "output_throughput": "tokens/s", "ttft": "ms", "tpot": "ms", "itl": "ms", "e2e": "ms", "gpu_utilisation": "%",
}  # fmt: skip
"""Metric -> the unit that its thresholds have."""
STATISTICS = ("mean", "median", "p90", "p95", "p99")
FIELDS = {"name", "metric", "statistic", "unit", "good", "bad_below", "bad_above"}
LARGEST_FILE = 100_000
"""Of a file of thresholds [bytes]: it is a few lines."""


class Grade(StrEnum):
    """What a value is worth."""

    GOOD = "good"
    BETWEEN = "between"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Graded:
    """A cell with its grade; the grade is told in words as well as in colour."""

    text: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is good and what is bad of one metric; infinite where open [s], [1/s], [1]."""

    name: str
    metric: str
    statistic: str
    unit: str
    good_from: float
    good_to: float
    bad_below: float
    bad_above: float

    def grade(self, value: float) -> Grade:
        """What a value is worth; in the planner's unit."""
        if value < self.bad_below or value > self.bad_above:
            return Grade.BAD
        return Grade.GOOD if self.good_from <= value <= self.good_to else Grade.BETWEEN

    @property
    def good(self) -> str:
        """The good range, in the file's unit."""
        low, high = self.good_from / UNITS[self.unit], self.good_to / UNITS[self.unit]
        if math.isinf(low):
            return f"at most {high:g} {self.unit}"
        return f"from {low:g} {self.unit}" if math.isinf(high) else f"{low:g} to {high:g} {self.unit}"

    @property
    def bad(self) -> str:
        """The bad ranges, in the file's unit."""
        ends = (("below", self.bad_below), ("above", self.bad_above))
        told = [f"{word} {end / UNITS[self.unit]:g} {self.unit}" for word, end in ends if not math.isinf(end)]
        return " or ".join(told) or "none"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A file of thresholds with its source."""

    source: str
    each: tuple[Threshold, ...]


def thresholds(path: Path = FILE) -> Thresholds:
    """The thresholds of a file.

    raises : BadRow naming file, row and field
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadRow(f"{path.name}: {path.stat().st_size:,} bytes are too many for a file of thresholds.")
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadRow(f"{path}: {error}. Copy data/thresholds.yaml and edit it.") from error
    rows = found.get("thresholds") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not rows:
        raise BadRow(f'{path.name}: it needs a list "thresholds" with at least one row, as data/thresholds.yaml has.')
    each = tuple(_threshold(row, f"{path.name}, row {place}") for place, row in enumerate(rows, start=1))
    return Thresholds(str(found.get("source") or "not told"), each)


def _threshold(row: Any, where: str) -> Threshold:
    if not isinstance(row, dict) or set(row) - FIELDS:
        raise BadRow(f"{where}: a row has the fields {', '.join(sorted(FIELDS))} and no others.")
    metric = _one_of(row, "metric", METRICS, where)
    statistic = _one_of(row, "statistic", STATISTICS, where)
    unit = _one_of(row, "unit", (METRICS[metric],), where)
    good = row.get("good")
    if not isinstance(good, list) or len(good) != 2:
        raise BadRow(f"{where}: good must be [from, to]; write null for an open end.")
    scale = UNITS[unit]
    low, high = _end(good[0], -math.inf, where, "good"), _end(good[1], math.inf, where, "good")
    below = _end(row.get("bad_below"), -math.inf, where, "bad_below")
    above = _end(row.get("bad_above"), math.inf, where, "bad_above")
    if not below <= low <= high <= above:
        raise BadRow(f"{where}: good must lie between bad_below and bad_above, its first end below its second.")
    name, ends = str(row.get("name") or f"{metric} {statistic}"), [scale * end for end in (low, high, below, above)]
    return Threshold(name, metric, statistic, unit, ends[0], ends[1], ends[2], ends[3])


def _one_of(row: Mapping[str, Any], name: str, choices: Any, where: str) -> str:
    value = row.get(name)
    if value not in tuple(choices):
        raise BadRow(f"{where}: {name} {str(value)[:40]!r} must be one of {', '.join(choices)}.")
    return str(value)


def _end(value: Any, open_end: float, where: str, name: str) -> float:
    if value is None:
        return open_end
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadRow(f"{where}: {name} holds {str(value)[:40]!r}, which is no number.")
    return float(value)
