"""One measured value beside its prediction, and the readers of vLLM's own tables.

Each row becomes a question in the columns of planner.predict, asked as the measurement was really made (docs/model.md).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from planner.catalogue import DATA
from planner.errors import PlannerError
from planner.kv_cache import block_layout
from planner.memory import memory
from planner.predict import predict, question
from planner.quantities import GIB
from tools.launched import as_launched, suspected

MEASUREMENTS = Path(__file__).parents[2] / "shared" / "measurements"
REFERENCE = DATA / "reference"
LAB = {"mode": "batch", "engine_version": "0.9.0", "quantization": "bf16"}
LAB_BLOCK = 16
GPU_NAMES = {
    "A100 80GB": "a100-sxm-80gb",
    "A100 40GB (2 nodes, ray)": "a100-sxm-40gb",
    "RTX 3090 24GB": "rtx-3090",
    "RTX 5090 32GB": "rtx-5090",
    "8xH200 or H20 (doc names both)": "h200-sxm",
}
"""Names of the memory logs that the catalogue does not know or that mean several GPUs, alike in memory."""

PUBLISHED_WITH = "0.11.0"
"""Version of the memory logs that state none: their source gives it for one of them."""
SCHEMES = {"fp16": "fp16", "bf16": "bf16", "mxfp4": "", "fp8": "fp8", "bnb-4bit": "int4", "int8 w8a8": "int8"}
REGIMES = ((1, "batch 1"), (8, "batch 2-8"), (64, "batch 9-64"), (256, "batch 65-256"), (math.inf, "batch > 256"))

Row = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """One measured value beside its prediction, in the table's own unit.

    predicted : None where the planner refuses, and `refusal` says why
    cells : the question that was asked, in predict.INPUTS; empty for memory
    engine : that was measured, as its source names it
    """

    table: str
    gpu: str
    model: str
    conditions: str
    measured: float
    predicted: float | None
    refusal: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)
    engine: str = "vllm"

    @property
    def ratio(self) -> float:
        """Predicted over measured; not of a refusal."""
        return self.predicted / self.measured if self.predicted is not None else math.nan

    @property
    def error(self) -> float:
        """Absolute relative error."""
        return abs(self.ratio - 1)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The planner's 90 % interval of the predicted metric; None where it gives none."""
        metric = next((name for name in ("tpot_ms", "ttft_ms") if self.table.endswith(name)), "ttft_ms")
        if not self.table.endswith((metric, "lab_prefill")) or not self.cells.get(f"{metric}_high"):
            return None
        return float(self.cells[f"{metric}_low"]), float(self.cells[f"{metric}_high"])

    @property
    def regime(self) -> str:
        """Class of the decode batch."""
        asked = float(self.cells.get("concurrency") or 1)
        return next(name for limit, name in REGIMES if asked <= limit)

    @property
    def quantization(self) -> str:
        """That was asked for; "own" for the checkpoint's."""
        return self.cells.get("quantization") or "own"


def serving_cases(folder: Path) -> Iterator[Case]:
    """Mean TTFT and TPOT of a closed loop, asked as it was launched; rows that their own table doubts apart."""
    for answer in predict(as_launched(row) for row in rows(folder / "vllm_serving.csv")):
        doubt = suspected(answer)
        for metric in ("tpot_ms", "ttft_ms"):
            yield answered(f"{doubt}serving {metric}", answer, answer[f"measured_{metric}"], answer[metric])


def lab_cases(folder: Path) -> Iterator[Case]:
    """The Week 3 lab's two sweeps: one batch, all of a prompt but its last block in the prefix cache, vLLM 0.9."""
    sweeps = {
        "lab_decode": ("latency_per_output_token_ms", "latency_per_output_token_ms"),
        "lab_prefill": ("latency_ms", "ttft_ms"),
    }
    for name, (measured, metric) in sweeps.items():
        sweep = rows(folder / f"{name}_sweep.csv")
        for row, answer in zip(sweep, predict(lab_question(row) for row in sweep), strict=True):
            yield answered(name, answer, row[measured], answer[metric])


def memory_cases(folder: Path) -> Iterator[Case]:
    """KV cache that vLLM logged: its bytes, and its tokens from the logged bytes."""
    for row in rows(folder / "kv_cache_logs.csv"):
        measured = _number(row["kv_gib_per_gpu"])
        if measured is None or (row["pp"], row["dcp"]) != ("1", "1"):
            continue
        v0 = "V0 " if row["engine"] == "V0" else ""
        try:
            asked = question(_memory_columns(row))
        except PlannerError as refusal:
            yield Case(f"{v0}KV GiB", row["gpu"], row["model"], "", measured, None, str(refusal))
            continue
        if row["gpu_mem_util"]:
            gib = memory(asked).kv_cache / GIB
            yield Case(f"{v0}KV GiB", row["gpu"], row["model"], f"TP {row['tp']}", measured, gib)
        tokens = _number(row["kv_cache_tokens"])
        if tokens is not None and asked.engine.max_model_len:
            layout = block_layout(asked)
            found = layout.reported_tokens(
                measured * GIB // layout.block_bytes, asked.engine.max_model_len, asked.engine
            )
            yield Case("KV tokens of logged GiB", row["gpu"], row["model"], f"TP {row['tp']}", tokens, found)


def rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def answered(table: str, answer: Row, measured: str | float, predicted: str, engine: str = "vllm") -> Case:
    """The case of one answered row of planner.predict."""
    conditions = f"TP {answer.get('tensor_parallel') or 1}, {float(answer['concurrency']):g}"
    conditions += f" x {answer['input_tokens']} -> {answer['output_tokens']} tokens"
    value = float(predicted) if predicted != "" else None
    return Case(
        table, answer["gpu"], answer["model"], conditions, float(measured), value, answer["error"], answer, engine
    )


def lab_question(row: Row) -> Row:
    """A row of the lab's sweeps as it was run: all of a prompt but its last block in the prefix cache, vLLM 0.9."""
    cached = str(int(row["input_tokens"]) - LAB_BLOCK)
    return {**row, **LAB, "concurrency": row["batch"], "prefix_cached_tokens": cached}


def _memory_columns(row: Row) -> dict[str, str]:
    limits = {name: _setting(row[name]) for name in ("max_num_seqs", "max_num_batched_tokens", "max_model_len")}
    return {
        "gpu": GPU_NAMES.get(row["gpu"], row["gpu"]),
        "model": row["model"],
        "quantization": SCHEMES.get(row["weights_format"], ""),
        "kv_cache": row["kv_cache_dtype"] or "auto",
        "tensor_parallel": row["tp"],
        "engine_version": row["vllm_version"] or PUBLISHED_WITH,
        "gpu_memory_utilization": row["gpu_mem_util"].replace("default", ""),
        "input_tokens": "16",
        "output_tokens": "1",
        **limits,
    }


def _setting(text: str) -> str:
    """What is in "default(1024)" or "2048.0"."""
    return text.removeprefix("default(").removesuffix(")")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
