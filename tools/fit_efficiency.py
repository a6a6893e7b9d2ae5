"""Writes data/efficiency.yaml from tables of measured operators: `python -m tools.fit_efficiency DIR_OF_TABLES`.

Each GPU, number format and kind of op gets the few numbers of one line,

    time = max(FLOPs / (compute · peak), bytes / (memory · bandwidth)) + latency

on a grid, so that no share can leave (0, 1]. Where one of them alone decides it is read off there: the bandwidth share
from the largest operands, the compute share from many tokens; the rest makes the logarithmic error smallest. Each row
tells its median error, and the error of the row that the GPU would get if it had never been measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from planner.catalogue import find_gpu
from planner.efficiency import Efficiency, of_rows
from planner.gpu import Gpu
from planner.ops import SAMPLER_LAUNCHES
from planner.quantities import GIGA, MICROSECOND
from tools import bert
from tools.operator_tables import ENGINES, FORMAT, left_out, operators, within_roofs

FINE_SHARES = np.round(np.arange(0.20, 1.0001, 0.01), 2)
FINE_LATENCIES = np.arange(0, 60.1, 0.5) * MICROSECOND
FEW_TOKENS, MANY_TOKENS, FEWEST = 16, 1024, 5
LARGEST = 0.25
"""Operands of at least this share of the largest: too large for a cache, and start and end no longer count."""
LARGE = 1e8
"""Bytes: where even the smallest operand is larger, nothing tells the latency."""
PARAMETERS = {
    "compute": {"unit": "1 (of the format's dense peak)", "bound": "(0, 1]"},
    "memory": {"unit": "1 (of HBM bandwidth)", "bound": "(0, 1]"},
    "link": {"unit": "1 (of the link's bandwidth in one direction)", "bound": "(0, 1]"},
    "latency_us": {"unit": "us (of one kernel)", "bound": "[0, 60]"},
    "rows": {"unit": "tokens at once, least and most measured", "bound": "[1, inf)"},
    "bytes": {"unit": "bytes moved (sent in a collective), least and most measured", "bound": "[1, inf)"},
    "median_error_percent": {"unit": "% (median of |log(fitted / measured)|)", "bound": "[0, inf)"},
    "unseen_error_percent": {"unit": "% (the same, without any row of this GPU)", "bound": "[0, inf)"},
}
HEAD = """\
# Written by `python -m tools.fit_efficiency`. Shares are of dense peak, HBM or link bandwidth; moe_gemm's of GEMM's.
# Sources: aiconfigurator-core 0.12.0 (Apache-2.0), LLMServingSim, Vidur, LLMCompass, stas00/ml-engineering.
"""
Shares = dict[str, float]


def gemm(part: pd.DataFrame, gpu: Gpu, streams: Mapping[tuple[str, str], float]) -> Shares:
    """Bandwidth share of the largest matrices, latency of few tokens, then compute share of many tokens."""
    tokens, seconds = part.rows.to_numpy(), part.seconds.to_numpy()
    few, many = tokens <= max(FEW_TOKENS, tokens.min()), tokens >= MANY_TOKENS
    if len(part) < FEWEST:
        return {"compute": float(np.median(part.flops / seconds / gpu.peaks[part.format.iloc[0]]))}
    memory = streams.get((gpu.id, part.format.iloc[0]), np.quantile((part.bytes / seconds)[few], 0.95)) / gpu.bandwidth
    stream = (part.bytes / (memory * gpu.bandwidth)).to_numpy()
    latency = best(FINE_LATENCIES, lambda value: np.mean(off(stream[few] + value, seconds[few])))
    work = (part.flops / gpu.peaks[part.format.iloc[0]]).to_numpy()
    compute = best(
        FINE_SHARES,
        lambda share: np.median(off(np.maximum(work / share, stream)[many] + latency, seconds[many])),
    )
    found = {"compute": compute, "memory": memory, "latency": latency}
    return found if tokens.min() <= FEW_TOKENS else {name: found[name] for name in ("compute", "memory")}


def stream(part: pd.DataFrame, gpu: Gpu, launches: float = 1.0) -> Shares:
    """Bandwidth share of the largest operands, then the latency of one launch that fits all."""
    moved, seconds = part.bytes.to_numpy(), part.seconds.to_numpy()
    largest = moved >= LARGEST * moved.max()
    memory = min(1.0, float(np.median((moved / seconds / gpu.bandwidth)[largest])))
    if moved.min() > LARGE:
        return {"memory": memory}
    body = moved / (memory * gpu.bandwidth)
    latency = best(FINE_LATENCIES, lambda value: np.mean(off(body + launches * value, seconds)))
    return {"memory": memory, "latency": latency}


def reading(part: pd.DataFrame, gpu: Gpu) -> Shares:
    """Bandwidth share and latency of the least mean error."""
    found = grid((part.bytes / gpu.bandwidth).to_numpy(), part.seconds.to_numpy())
    return {"memory": found[0], "latency": found[1]}


def work(part: pd.DataFrame, gpu: Gpu) -> Shares:
    """Compute share and latency of the least median error: engines differ twofold on a few shapes."""
    ideal, seconds = (part.flops / gpu.peaks["bf16"]).to_numpy(), part.seconds.to_numpy()
    found = grid(ideal, seconds, np.median)
    return {"compute": found[0], "latency": found[1]}


def link(part: pd.DataFrame, gpu: Gpu) -> Shares:
    """Link share and latency of the least mean error."""
    found = grid((part.bytes / gpu.link_bandwidth).to_numpy(), part.seconds.to_numpy())
    return {"link": found[0], "latency": found[1]}


def experts(part: pd.DataFrame, gpu: Gpu, plain: Efficiency) -> Shares:
    """Bandwidth that a further expert takes and compute that further tokens take, as shares of plain products'."""

    def slope(rows: pd.DataFrame, by: str) -> float:
        return float(np.polyfit(rows[by], rows.seconds, 1)[0])

    few, many = part[part.rows <= 1], part[part.rows >= MANY_TOKENS]
    memory = 1 / slope(few, "bytes") / gpu.bandwidth / plain.memory
    compute = 1 / slope(many, "flops") / gpu.peaks["bf16"] / plain.compute
    return {"compute": min(1.0, compute), "memory": min(1.0, memory)}


def grid(ideal: Any, seconds: Any, cost: Callable[[Any], Any] = np.mean) -> tuple[float, float]:
    """Share and latency of the least mean (or median) absolute logarithmic error."""

    def error(share: float, latency: float) -> float:
        return float(cost(off(ideal / share + latency, seconds)))

    found = min((error(share, latency), share, latency) for share in FINE_SHARES for latency in FINE_LATENCIES)
    return float(found[1]), float(found[2])


def best(values: Any, cost: Callable[[float], Any]) -> float:
    """The value of a grid at which a cost is smallest."""
    return float(min(values, key=cost))


def off(predicted: Any, seconds: Any) -> Any:
    """Absolute logarithmic errors."""
    return np.abs(np.log(predicted / seconds))


def table(tables: Path) -> dict[str, Any]:
    """All of data/efficiency.yaml: what the parameters mean, and the rows of each kind."""
    found = within_roofs(operators(tables))
    fitted: dict[str, Any] = {"parameters": PARAMETERS}
    for kind in KINDS:
        rows = one_processor(list(kind_rows(found[found.kind == kind], kind, tables, fitted)))
        if kind == "gemm":
            reference = next(row["compute"] for row in rows if row["gpu"] == bert.REFERENCE)
            rows += bert.gemm_rows(tables, reference)
        for row in rows:
            if kind != "moe_gemm" and "latency_us" in row:
                row["median_error_percent"] = told_by([row], row, kind, found)
                if unseen := [other for other in rows if other["gpu"] != row["gpu"]]:
                    row["unseen_error_percent"] = told_by(unseen, row, kind, found)
        fitted[kind] = rows
    return fitted


def one_processor(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """GPUs that differ in memory alone (H100 and H200) have one compute share, the mean of theirs."""
    chips = [(*processor(find_gpu(row["gpu"])), row.get("format")) for row in rows]
    for chip in {chip for chip, row in zip(chips, rows, strict=True) if "compute" in row}:
        alike = [row for other, row in zip(chips, rows, strict=True) if other == chip]
        mean = float(np.mean([row["compute"] for row in alike]))
        for row in alike:
            row["compute"] = round(mean, 3)
    return rows


def processor(gpu: Gpu) -> tuple[str, float, float]:
    """What GPUs with the same processor have in common: capability, power [W] and 16-bit peak [FLOP/s]."""
    return gpu.compute_capability, gpu.power, gpu.peaks.get("bf16", 0.0)


def told_by(rows: list[dict[str, Any]], row: Mapping[str, Any], kind: str, found: pd.DataFrame) -> float:
    """Error over the measurements of one row, of what other rows tell of it [%]."""
    gpu = find_gpu(row["gpu"])
    shares = of_rows(rows, kind, row.get("format", ""), gpu, row.get("gpus", 1))
    return error_percent(chosen(found, kind, row), gpu, shares, kind)


def kind_rows(found: pd.DataFrame, kind: str, tables: Path, fitted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each GPU, and for each format or group size where the kind has several."""
    keys = ["gpu", *SPLIT_BY.get(kind, ())]
    for names, part in found.groupby(keys):
        named = dict(zip(keys, names, strict=True))
        gpu = find_gpu(named["gpu"])
        shares = KINDS[kind](part, gpu, tables, fitted)
        yield {**named, **rounded(shares), **validity(part, kind), "points": len(part)}


def chosen(found: pd.DataFrame, kind: str, row: Mapping[str, Any]) -> pd.DataFrame:
    """The measurements that a row was made from."""
    part = found[found.kind == kind]
    for name in ("gpu", *SPLIT_BY.get(kind, ())):
        part = part[part[name] == row[name]]
    return part


def error_percent(part: pd.DataFrame, gpu: Gpu, shares: Efficiency, kind: str) -> float:
    """Median absolute logarithmic error of a row's figures over measurements [%]."""
    peak = gpu.peaks.get(part.format.iloc[0], np.inf)
    streamed = part.bytes / (
        shares.link * gpu.link_bandwidth if kind == "all_reduce" else shares.memory * gpu.bandwidth
    )
    if kind == "attention_prefill":
        streamed = 0 * streamed
    body = np.maximum(part.flops / (shares.compute * peak) if kind in COMPUTED else 0.0, streamed)
    launches = SAMPLER_LAUNCHES if kind == "sampling" else 1
    return round(100 * float(np.median(off(body + launches * shares.latency, part.seconds))), 1)


def rounded(shares: Shares) -> dict[str, float]:
    """Figures as the file holds them, units in the keys; what rounds above the roof is on it."""
    return {
        "latency_us" if name == "latency" else name: round(value / MICROSECOND, 1)
        if name == "latency"
        else min(1.0, round(float(value), 2))
        for name, value in shares.items()
    }


def validity(part: pd.DataFrame, kind: str) -> dict[str, list[float]]:
    """Least and most that was measured."""
    moved = [float(f"{value:.3g}") for value in (part.bytes.min(), part.bytes.max())]
    return {"bytes": moved} | (
        {} if kind == "all_reduce" else {"rows": [float(part.rows.min()), float(part.rows.max())]}
    )


def streams(tables: Path) -> dict[tuple[str, str], float]:
    """Highest bandwidth of few tokens, over matrices larger than those of the table [B/s]."""
    largest = pd.read_csv(tables / "gemm_efficiency_summary.csv")
    largest = largest[
        largest.framework.isin(ENGINES) & largest["dtype"].isin(FORMAT) & ~largest.gpu.str.contains("Arc")
    ]
    names = {name: find_gpu(name).id for name in largest.gpu.unique()}
    found = largest.groupby(["gpu", "dtype"]).small_m_max_GBs.median() * GIGA
    return {(names[gpu], FORMAT[dtype]): value for (gpu, dtype), value in found.items()}


COMPUTED = ("gemm", "attention_prefill")
SPLIT_BY = {"gemm": ("format",), "attention_decode": ("format",), "all_reduce": ("gpus",)}
KINDS: Mapping[str, Callable[[pd.DataFrame, Gpu, Path, Mapping[str, Any]], Shares]] = {
    "gemm": lambda part, gpu, tables, _: gemm(part, gpu, streams(tables)),
    "moe_gemm": lambda part, gpu, _, fitted: experts(part, gpu, of_rows(fitted["gemm"], "gemm", "bf16", gpu)),
    "attention_decode": lambda part, gpu, *_: reading(part, gpu),
    "attention_prefill": lambda part, gpu, *_: work(part, gpu),
    "elementwise": lambda part, gpu, *_: stream(part, gpu),
    "sampling": lambda part, gpu, *_: stream(part, gpu, SAMPLER_LAUNCHES),
    "all_reduce": lambda part, gpu, *_: link(part, gpu),
}


def main() -> None:
    """Fit every kind, write the file, and tell what was left out and how far unseen GPUs are off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", type=Path, help="folder of gemm_ops.parquet, decode_attention_ops.parquet, ...")
    parser.add_argument("--out", type=Path, default=Path("data/efficiency.yaml"))
    arguments = parser.parse_args()
    fitted = table(arguments.tables)
    arguments.out.write_text(HEAD + "".join(written(fitted)), encoding="utf-8")
    print("\n".join(report(fitted)), *left_out(operators(arguments.tables)), sep="\n")


def written(fitted: Mapping[str, Any]) -> Iterator[str]:
    """The file, a line a row."""
    for kind, rows in fitted.items():
        lines = (
            [f"- {_flow(row)}" for row in rows]
            if isinstance(rows, list)
            else [f"  {name}: {_flow(meaning)}" for name, meaning in rows.items()]
        )
        yield "\n".join([f"{kind}:", *lines, ""])


def report(fitted: Mapping[str, Any]) -> Iterator[str]:
    """Mean error of each kind, with and without the GPU's own rows."""
    yield f"{'kind':20} {'rows':>5} {'own error':>10} {'GPU left out':>13}"
    for kind in KINDS:
        rows = [row for row in fitted[kind] if "unseen_error_percent" in row]
        if rows:
            own, unseen = (np.mean([row[f"{name}_error_percent"] for row in rows]) for name in ("median", "unseen"))
            yield f"{kind:20} {len(rows):5} {own:9.1f}% {unseen:12.1f}%"


def _flow(row: Mapping[str, Any]) -> str:
    return yaml.safe_dump(row, sort_keys=False, default_flow_style=True, width=1000).strip()


if __name__ == "__main__":
    main()
