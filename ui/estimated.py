"""Answers of late, for all visitors: a question that did not change is not asked again."""

from __future__ import annotations

from functools import lru_cache

from planner.estimate import Estimate, estimate
from planner.scenario import Scenario


@lru_cache(maxsize=512)
def estimated(scenario: Scenario) -> Estimate:
    """`planner.estimate.estimate`, remembered by the whole scenario: GPU, model, engine, workload and correction.

    raises : what `estimate` raises, each time
    """
    return estimate(scenario)
