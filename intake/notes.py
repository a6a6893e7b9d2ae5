"""What is told of imports to who runs the server: a line of the log and figures for Prometheus, without user data."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from intake.imports import Outcome, Refused
from planner.quantities import MINUTE

IMPORTS = Counter("headroom_imports", "Files by what became of them: imported, known, or the error's name", ["outcome"])
SECONDS = Histogram(
    "headroom_import_seconds", "Time in which a file was read [s]", buckets=(0.5, 1, 2, 5, 10, 30, MINUTE, 300, 1200)
)
log = logging.getLogger(__name__)


def note(seconds: float, outcomes: Sequence[Outcome]) -> None:
    """Notes an import that is over.

    seconds : that it took [s]
    """
    told = [kind(outcome) for outcome in outcomes]
    for one in told:
        IMPORTS.labels(one).inc()
    SECONDS.observe(seconds)
    counts = {one: told.count(one) for one in dict.fromkeys(told)}
    log.info("import", extra={"told": {"seconds": round(seconds, 3), "outcomes": counts}})


def kind(outcome: Outcome) -> str:
    """What became of a file, in a word."""
    return outcome.error if isinstance(outcome, Refused) else type(outcome).__name__.lower()
