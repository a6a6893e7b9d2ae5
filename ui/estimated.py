"""Answers of late, for all visitors: a question that did not change is not asked again."""

from __future__ import annotations

from planner.estimate import Estimate, estimate
from planner.scenario import Scenario
from planner.whose import of_own


@of_own(512)
def estimated(scenario: Scenario) -> Estimate:
    """`planner.estimate.estimate`, remembered by the whole scenario, and by the reader's own prices.

    raises : what `estimate` raises, each time
    """
    return estimate(scenario)
