"""Predictions against measurements, as one table: `python -m tools.accuracy [DIR_OF_MEASUREMENTS]`.

Tables are read where they lie; without the folder, those of data/reference alone. Each row becomes a question in the
columns of planner.predict, asked as the measurement was really made (docs/model.md).
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from planner.catalogue import DATA
from planner.errors import PlannerError
from planner.kv_cache import block_layout
from planner.memory import memory
from planner.predict import predict, question
from planner.quantities import GIB

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
WORST = 10

Row = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """One measured value beside its prediction, in the table's own unit.

    predicted : None where the planner refuses, and `refusal` says why
    """

    table: str
    gpu: str
    model: str
    conditions: str
    measured: float
    predicted: float | None
    refusal: str = ""

    @property
    def ratio(self) -> float:
        """Predicted over measured; not of a refusal."""
        return self.predicted / self.measured if self.predicted is not None else math.nan

    @property
    def error(self) -> float:
        """Absolute relative error."""
        return abs(self.ratio - 1)


def serving_cases(folder: Path) -> Iterator[Case]:
    """Mean TTFT and TPOT of a closed loop; rows that their own table doubts come under a name of their own."""
    rows = _rows(folder / "vllm_serving.csv")
    for answer in predict(rows):
        doubt = "suspect " if answer["suspect"] else ""
        for metric in ("tpot_ms", "ttft_ms"):
            yield _case(f"{doubt}serving {metric}", answer, answer[f"measured_{metric}"], answer[metric])


def lab_cases(folder: Path) -> Iterator[Case]:
    """The Week 3 lab's two sweeps: one batch, all of a prompt but its last block in the prefix cache, vLLM 0.9."""
    sweeps = {
        "lab_decode": ("latency_per_output_token_ms", "latency_per_output_token_ms"),
        "lab_prefill": ("latency_ms", "ttft_ms"),
    }
    for name, (measured, metric) in sweeps.items():
        rows = _rows(folder / f"{name}_sweep.csv")
        for row, answer in zip(rows, predict(_lab(row) for row in rows), strict=True):
            yield _case(name, answer, row[measured], answer[metric])


def memory_cases(folder: Path) -> Iterator[Case]:
    """KV cache that vLLM logged: its bytes, and its tokens from the logged bytes."""
    for row in _rows(folder / "kv_cache_logs.csv"):
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


READERS: tuple[Callable[[Path], Iterator[Case]], ...] = (serving_cases, lab_cases, memory_cases)


def cases(folder: Path) -> list[Case]:
    """Every case of every table; of the lab's tables alone where only data/reference is there."""
    readers = READERS if (folder / "vllm_serving.csv").is_file() else (lab_cases,)
    return [case for read in readers for case in read(folder)]


def summary(found: Iterable[Case]) -> str:
    """Cases, predicted, refused; median and mean absolute error; bias: geometric mean of predicted over measured."""
    listed = list(found)
    told = [case for case in listed if case.predicted is not None and case.predicted > 0]
    counts = f"{len(listed):5} {len(told):9} {len(listed) - len(told):7}"
    if not told:
        return f"{counts} {'-':>8} {'-':>8} {'-':>8}"
    errors = [100 * case.error for case in told]
    bias = 100 * (math.exp(statistics.mean(math.log(case.ratio) for case in told)) - 1)
    return f"{counts} {statistics.median(errors):7.1f}% {statistics.mean(errors):7.1f}% {bias:+7.1f}%"


def report(found: list[Case]) -> Iterator[str]:
    """The table: each kind of measurement in all, then by GPU and model; then the worst rows."""
    head = f"{'cases':>5} {'predicted':>9} {'refused':>7} {'median':>8} {'mean':>8} {'bias':>8}"
    for table in dict.fromkeys(case.table for case in found):
        part = [case for case in found if case.table == table]
        yield f"\n{table:70} {head}"
        yield f"{'all':70} {summary(part)}"
        for gpu, model in sorted({(case.gpu, case.model) for case in part}):
            alike = [case for case in part if (case.gpu, case.model) == (gpu, model)]
            yield f"  {f'{gpu} x {model}'[:68]:68} {summary(alike)}"
    worst = sorted((case for case in found if case.predicted), key=lambda case: -abs(math.log(case.ratio)))[:WORST]
    yield f"\nThe {len(worst)} worst, as predicted over measured:"
    for case in worst:
        told = f"{case.predicted:.4g} / {case.measured:.4g} = {case.ratio:.2f}"
        yield f"  {told:28} {case.table:24} {case.gpu} x {case.model}  {case.conditions}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=MEASUREMENTS, help="of vllm_serving.csv, lab_*.csv, ..."
    )
    folder = parser.parse_args().folder
    if not (folder / "vllm_serving.csv").is_file():
        print(f"{folder} holds no vllm_serving.csv: only the reference tables of data/reference are scored.")
        folder = REFERENCE
    print("\n".join(report(cases(folder))))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _case(table: str, answer: Mapping[str, str], measured: str, predicted: str) -> Case:
    conditions = f"TP {answer.get('tensor_parallel') or 1}, {answer['concurrency']} x {answer['input_tokens']}"
    conditions += f" -> {answer['output_tokens']} tokens"
    value = float(predicted) if predicted != "" else None
    return Case(table, answer["gpu"], answer["model"], conditions, float(measured), value, answer["error"])


def _lab(row: Row) -> Row:
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


if __name__ == "__main__":
    main()
