"""What the GPU at hand reaches: bandwidth and matrix rate, beside its data sheet; with the user's own torch."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.catalogue import find_gpu
from planner.errors import PlannerError, ToolMissing
from planner.gpu import Gpu
from planner.quantities import MINUTE

PROBE = Path(__file__).parent / "gpu_probe.py"
PATIENCE = 5 * MINUTE
FORMATS: Mapping[str, str] = {"bfloat16": "bf16", "float16": "fp16"}


@dataclass(frozen=True, slots=True)
class Reached:
    """What one GPU reached.

    name : as torch gives it
    gpu : of the catalogue; None if it is not known there
    bandwidth : of a copy [B/s]
    rates : number format -> largest matrix rate [FLOP/s]
    """

    name: str
    gpu: Gpu | None
    bandwidth: float
    rates: Mapping[str, float]

    def shares(self) -> dict[str, float]:
        """Of the data sheet: bandwidth, and each format that it states [1]; empty for an unknown GPU."""
        if self.gpu is None:
            return {}
        known = {name: rate / self.gpu.peaks[name] for name, rate in self.rates.items() if name in self.gpu.peaks}
        return {"bandwidth": self.bandwidth / self.gpu.bandwidth, **known}


def reached(python: str, device: str = "cuda") -> Reached:
    """Runs the probe.

    python : a Python that has torch
    device : "cuda"; "cpu" tries the probe itself where there is no GPU
    raises : ToolMissing without torch or GPU
    """
    said = _run([python, str(PROBE), device])
    if "error" in said:
        raise ToolMissing(f"{python}: {said['error']}. Run it where the GPU is.")
    name = str(said.get("gpu", device))
    rates = {FORMATS[key]: float(rate) for key, rate in said["matrix_flop_s"].items()}
    return Reached(name, _known(name), float(said["bandwidth_b_s"]), rates)


def _run(words: list[str]) -> dict[str, Any]:
    try:
        said = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
        found = json.loads(said.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise ToolMissing(
            f"{words[0]} cannot measure a GPU: it needs torch. Name a Python that has it with --python, such as that "
            "of the environment where vLLM is."
        ) from error
    return dict(found)


def _known(name: str) -> Gpu | None:
    try:
        return find_gpu(name)
    except PlannerError:
        return None
