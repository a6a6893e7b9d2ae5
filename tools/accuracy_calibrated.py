"""What a calibration is worth on what it was not fitted to: two pairs of sets, before and after.

| set | fitted to | predicted |
| --- | --- | --- |
| lab decode 64-512 | batches 1-16 of the same GPU | TPOT of batches 64-512 |
| serving tpot_ms, other model | every fourth row of one model of a GPU in vllm_serving.csv | its other models |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from planner.errors import PlannerError
from planner.fit import fit
from planner.observation import Observation, predicted, usable
from planner.predict import question
from planner.quantities import MILLISECOND
from tools.accuracy_cases import REFERENCE, Case, lab_question, rows
from tools.launched import as_launched

SMALL, LARGE = 16, 64
EACH = 4
"""Every fourth row of a serving table is fitted to: loads of one configuration say much the same, a fit takes time."""


def calibrated_cases(folder: Path) -> Iterator[Case]:
    """Both pairs of sets; the lab's alone where the serving table is not there.

    folder : of the measurements
    """
    sweep = rows(REFERENCE / "lab_decode_sweep.csv")
    for gpu, alike in groupby(sweep, key=lambda row: row["gpu"]):
        measured = [_lab(row) for row in alike]
        small = [one for one in measured if one.scenario.workload.concurrency <= SMALL]
        large = [one for one in measured if one.scenario.workload.concurrency >= LARGE]
        yield from _pair("lab decode 64-512", f"calibrated on 1-{SMALL}", gpu, small, large)
    if (folder / "vllm_serving.csv").is_file():
        yield from _other_models(folder)


def _other_models(folder: Path) -> Iterator[Case]:
    found: dict[tuple[str, str], list[Observation]] = {}
    for row in rows(folder / "vllm_serving.csv"):
        if not row["suspect"]:
            found.setdefault((row["gpu"], row["model"]), []).extend(_serving(row))
    for (gpu, model), measured in found.items():
        for (there, other), left_out in found.items():
            if there == gpu and other != model:
                yield from _pair("serving tpot_ms, other model", "calibrated on one", gpu, measured[::EACH], left_out)


def _lab(row: dict[str, str]) -> Observation:
    seconds = float(row["latency_per_output_token_ms"]) * MILLISECOND
    return Observation(question(lab_question(row)), "latency_per_output_token", seconds)


def _serving(row: dict[str, str]) -> Iterator[Observation]:
    try:
        yield Observation(question(as_launched(row)), "tpot", float(row["measured_tpot_ms"]) * MILLISECOND)
    except PlannerError:
        return


def _pair(
    table: str, how: str, gpu: str, measured: Sequence[Observation], left_out: Iterable[Observation]
) -> Iterator[Case]:
    """Cases of what was left out, before and after."""
    asked = usable(left_out)
    own = fit(measured, "accuracy").correction
    for name, values in ((f"{table}, as it is", predicted(asked, None)), (f"{table}, {how}", predicted(asked, own))):
        for one, value in zip(asked, values, strict=True):
            load = one.scenario.workload
            conditions = f"{load.concurrency:g} x {load.prompt_tokens:g} -> {load.output_tokens:g} tokens"
            yield Case(
                name, gpu, one.scenario.model.name, conditions, one.measured / MILLISECOND, float(value) / MILLISECOND
            )
