"""Profilers around vLLM: Nsight Systems and Nsight Compute with the options that its traces need.

- `--cuda-graph-trace=node`: without it a CUDA graph is one bar, and its kernels have no names
- `--trace-fork-before-exec=true`: the engine runs in a process of its own
- `--set roofline` with a kernel filter: FLOPs and DRAM bytes of a few kernels; all of them would take hours
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from planner.errors import ToolMissing
from planner.quantities import MINUTE

TRACE = "trace"
LARGEST_KERNELS = "regex:gemm|gemv|attention|flash|marlin|moe|cutlass|nvjet|wgmma"
KERNELS = 40
PATIENCE = 30 * MINUTE


def nsys_words(folder: Path) -> list[str]:
    """What goes before a program to trace it with Nsight Systems.

    folder : gets trace.nsys-rep
    source : nsys 2024-2026, `nsys profile --help`
    """
    return [
        "nsys", "profile", "--trace=cuda,nvtx", "--cuda-graph-trace=node", "--trace-fork-before-exec=true",
        "--sample=none", "--cpuctxsw=none", "--force-overwrite=true", "--output", str(folder / TRACE),
    ]  # fmt: skip


def ncu_words(folder: Path, kernels: int = KERNELS, names: str = LARGEST_KERNELS) -> list[str]:
    """What goes before a program to count FLOPs and bytes of its kernels with Nsight Compute.

    folder : gets kernels.csv
    kernels : launches that are profiled [1]
    names : of kernels, as `--kernel-name` takes them
    source : ncu 2023-2026, `ncu --help`
    """
    return [
        "ncu", "--set", "roofline", "--target-processes", "all", "--graph-profiling", "node", "--kernel-name", names,
        "--launch-count", str(kernels), "--csv", "--page", "raw", "--log-file", str(folder / "kernels.csv"),
    ]  # fmt: skip


def present(words: Sequence[str]) -> None:
    """Refuses to go on without the tool, and shows what would have been run.

    raises : ToolMissing
    """
    if shutil.which(words[0]) is None:
        raise ToolMissing(
            f"{words[0]} is not on PATH: it comes with NVIDIA's CUDA toolkit. Where it is installed, run:\n  "
            + " ".join(words)
        )


def export_nsys(folder: Path) -> Path:
    """Turns a trace into the SQLite file that the importers read.

    raises : ToolMissing, or if there is no trace to export
    """
    report, target = folder / f"{TRACE}.nsys-rep", folder / f"{TRACE}.sqlite"
    words = ["nsys", "export", "--type", "sqlite", "--force-overwrite=true", "--output", str(target), str(report)]
    present(words)
    said = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    if said.returncode or not target.exists():
        raise ToolMissing(f"nsys export gave no {target.name}: {said.stderr.strip()[-300:] or said.stdout[-300:]}")
    return target
