"""`measure gpu`, `forward`, `profile`: the GPU alone, bare steps, and profilers around vLLM."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import importers
from measure.binary import find
from measure.forward import StepShape, measured
from measure.gpu import reached
from measure.profiling import export_nsys, ncu_words, nsys_words, present
from planner.catalogue_models import known_model
from planner.errors import PlannerError
from planner.latency import step_time
from planner.predict import question
from planner.quantities import GIGA, MILLISECOND, TERA
from planner.step import Step
from store.runs import Store, default_root
from verbs.status import BAD_QUESTION, DONE

PROFILERS = {"nsys": nsys_words, "ncu": ncu_words}


def arguments(kinds: Any) -> None:
    """Adds each kind to the parsers of `measure`."""
    gpu = kinds.add_parser("gpu", help="bandwidth and matrix rate of the GPU at hand, with torch")
    gpu.add_argument("--python", default=sys.executable, help="a Python that has torch, such as vLLM's")
    gpu.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu tries the probe itself")
    gpu.set_defaults(measure=measure_gpu)
    forward = kinds.add_parser("forward", help="vLLM's own time of bare steps (from 0.33 on)")
    forward.add_argument("--model", required=True)
    forward.add_argument("--gpu", help="of the catalogue: the prediction stands beside each step")
    forward.add_argument("--vllm")
    forward.add_argument("--out", type=Path, required=True, help="the result's file")
    forward.set_defaults(measure=measure_forward)
    profile = kinds.add_parser("profile", help="a program under Nsight Systems or Nsight Compute")
    profile.add_argument("tool", choices=tuple(PROFILERS))
    profile.add_argument("--out", type=Path, required=True, help="folder of the trace")
    profile.add_argument(
        "program", nargs=argparse.REMAINDER, help="-- program and its words, such as vllm bench latency"
    )
    profile.set_defaults(measure=measure_profile)


def measure_gpu(given: argparse.Namespace) -> int:
    """Prints what the GPU reaches, beside its data sheet."""
    found = reached(given.python, given.device)
    shares = found.shares()
    print(f"{found.name}" + (f" = {found.gpu.label}" if found.gpu else ": not in the catalogue"))
    print(f"  bandwidth {found.bandwidth / GIGA:10.1f} GB/s   {_share(shares.get('bandwidth'))}")
    for name, rate in found.rates.items():
        print(f"  {name:<9} {rate / TERA:10.3f} TFLOP/s {_share(shares.get(name))}")
    return DONE


def measure_forward(given: argparse.Namespace) -> int:
    """Prints the time of each bare step beside the predicted one."""
    for shape in measured(find(given.vllm), given.model, given.out):
        load = f"{shape.sequences:g} x decode at {shape.context_tokens:g}" if shape.sequences else ""
        load = load or f"prefill of {shape.prefill_tokens:g}"
        print(f"{load:<28} {shape.seconds / MILLISECOND:9.3f} ms  {_predicted(given, shape)}")
    return DONE


def measure_profile(given: argparse.Namespace) -> int:
    """Runs a program under a profiler and imports what comes out; prints the line where the profiler is missing."""
    program = given.program[1:] if given.program[:1] == ["--"] else given.program
    given.out.mkdir(parents=True, exist_ok=True)
    words = [*PROFILERS[given.tool](given.out), *(program or ["vllm", "bench", "latency", "--help"])]
    present(words)
    print(shlex.join(words), flush=True)
    if subprocess.run(words, check=False).returncode:  # noqa: S603 - what the user asked to run
        return BAD_QUESTION
    trace = export_nsys(given.out) if given.tool == "nsys" else given.out / "kernels.csv"
    print(f"Imported as run {Store(default_root()).save(importers.read(trace))}.")
    return DONE


def _predicted(given: argparse.Namespace, shape: StepShape) -> str:
    if given.gpu is None:
        return ""
    try:
        asked = question({"gpu": given.gpu}, known_model(given.model))
    except PlannerError as no:
        return f"no prediction: {no}"
    step = Step(
        float(shape.prefill_tokens > 0), shape.prefill_tokens, 0.0, shape.sequences, shape.context_tokens,
        shape.sequences + float(shape.prefill_tokens > 0),
    )  # fmt: skip
    seconds = float(step_time(asked, step).gpu)
    return f"predicted {seconds / MILLISECOND:9.3f} ms, ratio {shape.seconds / seconds:.2f}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} % of the data sheet"
