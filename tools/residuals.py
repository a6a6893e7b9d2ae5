"""What the planner was wrong by, case by case: log(measured / predicted) of TTFT and TPOT.

| table | what | as |
| --- | --- | --- |
| vllm_serving.csv without `suspect` | closed loops | the planner's own columns, as launched |
| lab_decode_sweep.csv, lab_prefill_sweep.csv | one batch | vLLM 0.9, all of a prompt but its last block cached |
| end_to_end.csv, SGLang | closed loops | families that vLLM's tables lack, less SGLang's own median on that GPU |
"""

from __future__ import annotations

import contextlib
import csv
import math
import re
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from importers.reference import LAB_BLOCK, LAB_SETTINGS
from planner import catalogue, efficiency
from planner.errors import InsufficientMemory
from planner.estimate import estimate
from planner.gpu import Gpu
from planner.intervals import family, overflows
from planner.memory import memory
from planner.predict import question
from planner.quantities import MILLISECOND
from planner.scenario import Scenario
from tools.launched import as_launched

Asked = tuple[dict[str, str], dict[str, float]]
"""A row in the planner's columns, and what was measured of it by metric [ms]."""
METRICS, REGIMES = ("ttft", "tpot"), ("fits", "overflows")
SGLANG = ("inferencex_silicon_agg", "sglang")
NOMINAL = 0.9
"""Mean length over the nominal one."""
ALIKE = "0.12.0"
"""vLLM's version whose host times stand for SGLang's of the same months."""
HIDDEN: Mapping[str, Callable[[Gpu, Gpu], bool]] = {
    "measured": lambda _gpu, _other: False,
    "gpu_unseen": lambda gpu, other: gpu.id == other.id,
    "generation_unseen": lambda gpu, other: gpu.generation == other.generation,
}
"""By GPU novelty: whose measured operators the prediction for a GPU must do without."""


@dataclass(frozen=True)
class Case:
    """One residual: log(measured / predicted), and what it was measured on."""

    metric: str
    regime: str
    gpu: str
    generation: str
    family: str
    configuration: str
    engine: str
    residual: float


def questions(folder: Path) -> Iterator[Asked]:
    """Rows in the planner's columns as they were really run, each with what was measured, by metric [ms]."""
    for row in _rows(folder / "vllm_serving.csv"):
        if not row["suspect"]:
            yield as_launched(row), {metric: float(row[f"measured_{metric}_ms"]) for metric in METRICS}
    for name, column in (("decode", "latency_per_output_token_ms"), ("prefill", "latency_ms")):
        for row in _rows(folder / f"lab_{name}_sweep.csv"):
            cached = str(int(row["input_tokens"]) - LAB_BLOCK)
            asked = {**row, **LAB_SETTINGS, "concurrency": row["batch"], "prefix_cached_tokens": cached}
            yield asked, {"tpot" if name == "decode" else "ttft": float(row[column])}


def sglang_questions(folder: Path) -> Iterator[Asked]:
    """The same of SGLang's closed loops; of InferenceX lengths are uniform between 0.8 and 1 of the nominal one."""
    for row in _rows(folder / "end_to_end.csv"):
        metric, notes = row["metric"].removeprefix("mean_"), row["notes"]
        if (row["dataset"], row["engine"]) != SGLANG or metric not in METRICS or "spec=none" not in notes:
            continue
        concurrency, fixed = round(float(row["batch_or_concurrency"])), notes.startswith("nvidia-internal")
        share = 1.0 if fixed else NOMINAL
        yield (
            {
                "gpu": row["gpu"],
                "model": row["model"].split(" ")[0],
                "quantization": "nvfp4" if "nvfp4" in row["dtype_weights"] else "fp8",
                "kv_cache": "fp8" if "fp8" in row["dtype_kv"] else "auto",
                "tensor_parallel": row["n_gpus"],
                "expert_parallel": (re.search(r" ep(\d+)", notes) or ["", "1"])[1],
                "concurrency": str(concurrency),
                "input_tokens": str(share * float(row["input_len"])),
                "output_tokens": str(share * float(row["output_len"])),
                "random_range_ratio": "1" if fixed else "0.8",
                "requests": "" if fixed else str(10 * concurrency),
                "engine": "sglang",
                "engine_version": ALIKE,
            },
            {metric: float(row["value"])},
        )


def cases(folder: Path, novelty: str = "measured") -> list[Case]:
    """Residuals of every row, predicted as if nothing were known of its GPU (or generation) that the novelty hides."""
    listed = []
    for row, measured in [*questions(folder), *sglang_questions(folder)]:
        with contextlib.suppress(InsufficientMemory):
            asked = question(row)
            memory(asked).require(asked)
            listed.append((asked, row, measured))
    found: list[Case] = []
    for gpu in {asked.deployment.gpu.id: asked.deployment.gpu for asked, _, _ in listed}.values():
        with hidden(other.id for other in catalogue.gpus().values() if HIDDEN[novelty](gpu, other)):
            for asked, row, measured in listed:
                if asked.deployment.gpu.id == gpu.id:
                    found += _residuals(asked, row, measured)
    return [*(case for case in found if case.engine == "vllm"), *_other_families(found)]


@contextlib.contextmanager
def hidden(gpus: Iterable[str]) -> Iterator[None]:
    """While it lasts the planner knows no operators measured on these GPUs."""
    away = set(gpus)
    if not away:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        for path in catalogue.DATA.iterdir():
            if path.name != "efficiency.yaml":
                (Path(folder) / path.name).symlink_to(path)
        table = catalogue.read_yaml("efficiency.yaml")
        kept = {kind: _without(rows, away) for kind, rows in table.items()}
        (Path(folder) / "efficiency.yaml").write_text(yaml.safe_dump(kept))
        try:
            with mock.patch.object(catalogue, "DATA", Path(folder)):
                _forget()
                yield
        finally:
            _forget()


def _without(rows: Any, away: set[str]) -> Any:
    if not isinstance(rows, list):
        return rows
    return [row for row in rows if row.get("gpu") not in away] or rows


def _forget() -> None:
    for remembered in vars(efficiency).values():
        if callable(clear := getattr(remembered, "cache_clear", None)):
            clear()


def _other_families(found: Sequence[Case]) -> Iterator[Case]:
    """SGLang's cases of families that vLLM's lack, less its median residual of the others on the same GPU."""
    known = {case.family for case in found if case.engine == "vllm"}
    theirs = [case for case in found if case.engine != "vllm"]
    for case in theirs:
        near = [other.residual for other in theirs if other.family in known and _beside(other) == _beside(case)]
        if case.family not in known and near:
            yield replace(case, residual=case.residual - statistics.median(near))


def _beside(case: Case) -> tuple[str, str]:
    return case.metric, case.gpu


def _residuals(asked: Scenario, row: Mapping[str, str], measured: Mapping[str, float]) -> Iterator[Case]:
    found, gpu = estimate(asked), asked.deployment.gpu
    batch = asked.workload.mode == "batch"
    for metric, value in measured.items():
        tpot = found.latency_per_output_token if batch else found.tpot.value if found.tpot else math.nan
        predicted = found.ttft.value if metric == "ttft" else tpot
        regime = "overflows" if overflows(asked, found.memory) else "fits"
        configuration = f"{asked.model.name} {row['quantization']} {asked.deployment.tensor_parallel}"
        known = (gpu.id, gpu.generation, family(asked.model), configuration, asked.engine.name)
        yield Case(metric, regime, *known, math.log(value * MILLISECOND / predicted))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
