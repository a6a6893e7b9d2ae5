"""Does what a table states beside its measurements agree with the data sheets and with the ops?

| check | sign |
| --- | --- |
| other_data_sheet | its own peak or bandwidth is not the catalogue's |
| other_intensity | a reported arithmetic intensity is not that of the ops |
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.checks.evidence import Case, Evidence, Finding
from planner.errors import PlannerError
from planner.estimate import Phase, phases
from planner.gpu import Gpu
from planner.measured import Severity
from planner.memory import memory
from planner.quantities import GIGA, TERA
from planner.table import number
from planner.words import digits

SHEET, INTENSITY = "other_data_sheet", "other_intensity"
SAME_SHEET, SAME_COUNT = 0.05, 0.1
"""Relative differences of rounded figures, and of counts that leave out small ops."""


def other_data_sheet(evidence: Evidence) -> Iterator[Finding]:
    """A table that states another peak or bandwidth than the catalogue.

    evidence : a table with columns peak_<format>_tflop_s or hbm_gb_s
    returns : a finding for each GPU and figure [FLOP/s], [B/s]
    source : the data sheets of data/gpus.yaml
    """
    seen = set()
    for case in evidence.cases:
        if case.scenario is None:
            continue
        gpu = case.scenario.deployment.gpu
        for column, sheet, unit, scale in _sheet(case, gpu):
            told = number(case.row[column])
            if told and abs(told * scale / sheet - 1) > SAME_SHEET and (gpu.id, column) not in seen:
                seen.add((gpu.id, column))
                yield Finding(
                    SHEET, Severity.WARNING, f"{case.row['gpu']}, {column}",
                    f"The table has {column} = {told:g}; the data sheet of {gpu.label} says {sheet / scale:g}.",
                    told * scale, sheet, unit, "a sparse peak, another variant of the GPU, or a boost clock",
                    "Read the dense peak and the bandwidth of exactly this variant in its data sheet.",
                )  # fmt: skip


def other_intensity(evidence: Evidence) -> Iterator[Finding]:
    """A reported arithmetic intensity that the operands of the ops do not give.

        intensity = FLOPs / (operands and results of every op, each once)

    evidence : a table with reported_arithmetic_intensity, by phase and context [FLOP/B]
    returns : measured: reported; limit: of the ops; whether both are on the same side of the ridge point [FLOP/B]
    valid : one decode step at exactly that context, or one prompt of it
    source : docs/model.md, "Why our arithmetic intensity is not the T4 study's"
    """
    for case in evidence.cases:
        for name in ("prefill", "decode"):
            reported = case.value(f"{name}_arithmetic_intensity")
            phase = _phase(case, name) if reported else None
            if reported and phase and abs(reported / phase.intensity - 1) > SAME_COUNT:
                yield _intensity(case, name, reported, phase)


def _intensity(case: Case, name: str, reported: float, phase: Phase) -> Finding:
    flops, moved = float(phase.time.flops), float(phase.time.moved)
    sides = ["compute" if value > phase.ridge else "memory" for value in (reported, phase.intensity)]
    same = sides[0] == sides[1]
    verdict = f"Both are bound by {sides[0]}" if same else f"The one is bound by {sides[0]}, the other by {sides[1]}"
    return Finding(
        INTENSITY, Severity.INFO if same else Severity.WARNING, case.subject,
        f"Reported are {reported:,.4g} FLOP/B for the {name}; its ops make {phase.intensity:,.4g}: "
        f"{digits(flops / GIGA)} GFLOP over {digits(moved / GIGA)} GB. {verdict}: the ridge point is at "
        f"{digits(phase.ridge)} FLOP/B.",
        reported, phase.intensity, "FLOP/B",
        f"another count of bytes or FLOPs: with these FLOPs, {digits(flops / reported / GIGA)} GB would have moved "
        f"(operands and results of every op: {digits(moved / GIGA)} GB)",
        "Count DRAM bytes with Nsight Compute (dram__bytes.sum): it tells which count the GPU follows.",
    )  # fmt: skip


def _phase(case: Case, name: str) -> Phase | None:
    if case.scenario is None:
        return None
    try:
        prefill, decode = phases(case.scenario, memory(case.scenario))
    except PlannerError:
        return None
    return prefill if name == "prefill" else decode


def _sheet(case: Case, gpu: Gpu) -> Iterator[tuple[str, float, str, float]]:
    for column in case.row:
        found = re.fullmatch(r"peak_(\w+)_tflop_s", column)
        if found and found[1] in gpu.peaks:
            yield column, gpu.peaks[found[1]], "FLOP/s", TERA
        elif column == "hbm_gb_s":
            yield column, gpu.bandwidth, "B/s", GIGA
