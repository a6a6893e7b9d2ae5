"""Is this measurement possible, and does it agree with itself? START HERE: findings(evidence(run, ...)).

| family | asks |
| --- | --- |
| roof.py | is there room in a measured time for its FLOPs and bytes, end to end? |
| kernels.py | and kernel by kernel? |
| jumps.py | does a larger batch jump where no roof explains it? |
| slopes.py | does a time grow with the prompt and the batch as the GPU's work does? |
| accounting.py | do rates, latencies, tokens and percentiles of one load agree? |
| steadiness.py | was the load steady, warm, and limited by the server? |
| device.py | did the GPU keep its clock, and was it alone? |
| choice.py | does the file contradict what the reader chose? |
| reported.py | do a table's own peaks and intensities agree with data sheets and ops? |

A check is a function from evidence to findings. What it needs and does not have, it leaves alone: it never guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from planner.checks.accounting import busy_slots, latency_sum, littles_law, percentile_order, token_accounting
from planner.checks.choice import other_gpu, other_model, other_quantization
from planner.checks.columns import NEEDED
from planner.checks.device import clock_drift, shared_gpu
from planner.checks.evidence import Evidence, Finding, evidence, told_model
from planner.checks.jumps import waves
from planner.checks.kernels import kernel_roof, op_roof
from planner.checks.reported import other_data_sheet, other_intensity
from planner.checks.roof import compute_roof, decode_floor
from planner.checks.slopes import flat_tpot, marginal_cost
from planner.checks.steadiness import clock, growing_queue, idle_client, not_served, warm_up
from planner.measured import Severity

__all__ = ["CHECKS", "NEEDED", "Evidence", "Finding", "evidence", "findings", "title", "told_model"]

Check = Callable[[Evidence], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    other_gpu, other_model, other_quantization, compute_roof, decode_floor, kernel_roof, op_roof, marginal_cost, waves,
    flat_tpot, token_accounting, littles_law, busy_slots, latency_sum, percentile_order, growing_queue, warm_up,
    not_served, idle_client, clock, clock_drift, shared_gpu, other_data_sheet, other_intensity,
)  # fmt: skip
"""Every check, in the order in which findings alike in severity are shown: what invalidates the others first."""
GRAVEST: Mapping[Severity, int] = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def title(check: str) -> str:
    """What a check looks for, in words: the first line of its docstring.

    check : a finding's

    >>> title("decode_floor")
    'A decode step shorter than reading its weights'
    """
    known = next((one for one in CHECKS if one.__name__ == check), None)
    return (known.__doc__ or "").splitlines()[0].rstrip(".") if known else check.replace("_", " ").capitalize()


def findings(found: Evidence) -> tuple[Finding, ...]:
    """What every check finds in a run, gravest first.

    found : the run as evidence
    """
    each = [finding for check in CHECKS for finding in check(found)]
    return tuple(sorted(each, key=lambda finding: GRAVEST[finding.severity]))
