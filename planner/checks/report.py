"""Findings as JSON, as lines for a terminal, and in groups for whoever reads them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from planner.checks.evidence import Finding
from planner.measured import Severity
from planner.words import digits

WORDS = {Severity.ERROR: "Impossible", Severity.WARNING: "Doubtful", Severity.INFO: "To know"}


def as_json(finding: Finding, source: str = "") -> dict[str, Any]:
    """A finding as an object; measured and limit are in `unit`.

    source : put before the subject, where findings of several runs stand in one list
    """
    return {
        "check": finding.check,
        "severity": str(finding.severity),
        "subject": f"{source}: {finding.subject}" if source else finding.subject,
        "measured": finding.measured,
        "limit": finding.limit,
        "ratio": finding.ratio,
        "unit": finding.unit,
        "finding": finding.sentence,
        "cause": finding.cause,
        "experiment": finding.experiment,
    }


def as_text(source: str, found: Sequence[Finding]) -> Iterator[str]:
    """A run's findings as lines.

    source : the file's or the run's name
    """
    yield f"{source}: {f'{len(found)} found' if found else 'nothing found'}"
    for finding in found:
        yield f"  {finding.severity}  {finding.check}  {finding.subject}"
        yield f"      {finding.sentence}"
        figures = f"measured {finding.measured:.4g}, limit {finding.limit:.4g} {finding.unit}"
        yield f"      {figures}: {digits(finding.ratio)} times"
        yield f"      likely: {finding.cause}."
        yield f"      to settle it: {finding.experiment}"


def grouped(found: Iterable[Finding]) -> list[list[Finding]]:
    """Findings of one check together, gravest check first, each led by the one farthest from its limit."""
    groups: dict[str, list[Finding]] = {}
    for finding in found:
        groups.setdefault(finding.check, []).append(finding)
    return [sorted(group, key=_distance, reverse=True) for group in groups.values()]


def _distance(finding: Finding) -> float:
    return max(finding.ratio, 1 / finding.ratio) if finding.ratio > 0 else math.inf
