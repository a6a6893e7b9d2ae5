"""Every real PyTorch trace imports or is refused by name; its numbers are those that the json module gives."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import importers
from importers import torch_trace
from importers.short_names import LONGEST_NAME
from planner.errors import UnknownFormat
from planner.measured import Run
from tests.importers.samples_torch import NOT_TRACES, TORCH_FILES

TRACES = [path for path in TORCH_FILES if not path.name.startswith(tuple(NOT_TRACES))]
OTHERS = [path for path in TORCH_FILES if path.name.startswith(tuple(NOT_TRACES))]
pytestmark = pytest.mark.skipif(not TORCH_FILES, reason="../shared/traces/torch is not here")
GPUS = {
    "TraceLens__e443f32f": "b200",
    "TraceLens__2bd22c87": "mi300x",
    "TraceLens__e3031dd0": "mi300x",
    "TraceLens__6f3f5884": "h100-sxm",
    "TraceLens__d1472ed2": "mi210",
    "HolisticTraceAnalysis__07019a1e": "v100-sxm",
    "HolisticTraceAnalysis__92858314": "a100-sxm-40gb",
    "kineto__29dba67d": None,
    "HolisticTraceAnalysis__3c22b415": None,
}
PRIVATE = ("host_name", "username", "traceName", "tw_job", "tw_user", "mast_job_name", "trace_id")
STEPS = {
    "TraceLens__e443f32f": ("prefill", 768),
    "TraceLens__2bd22c87": ("mixed", 413),
    "TraceLens__e3031dd0": ("prefill", 527),
}


def content(path: Path) -> Any:
    raw = path.read_bytes()
    return json.loads(gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw, parse_float=Decimal)


@lru_cache(maxsize=1)
def theirs(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    whole = content(path)
    return ({}, whole) if isinstance(whole, list) else (whole, whole["traceEvents"])


def complete(path: Path, *categories: str) -> list[dict[str, Any]]:
    return [event for event in theirs(path)[1] if event.get("ph") == "X" and event.get("cat") in categories]


def table(run: Run, name: str) -> pa.Table:
    stream = run.tables[name]
    made = pa.Table.from_batches(list(stream), stream.schema)
    made.validate(full=True)
    return made


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.name[:34])
def test_a_real_trace(path: Path) -> None:
    assert importers.identify(path) is torch_trace
    run = importers.read(path)
    check_totals(path, run)
    check_ops(path, run)
    check_privacy(path, run)


def check_totals(path: Path, run: Run) -> None:
    kernels = complete(path, "kernel", "Kernel")
    assert run.summary["kernels"] == len(kernels)
    spent = sum(Decimal(event["dur"]) for event in kernels)
    assert round(run.summary["kernel_time_s"] * 1e9) == round(spent * 1000)
    assert sum(kernel.launches for kernel in run.kernels) == len(kernels)
    copies = complete(path, "gpu_memcpy", "Memcpy")
    assert run.summary["copies"] == len(copies)
    assert run.summary["copies_bytes"] == sum(event["args"].get("bytes", 0) for event in copies)
    assert run.summary["memory_sets"] == len(complete(path, "gpu_memset", "Memset"))
    assert run.summary["events"] == len(theirs(path)[1])
    if kernels:
        rows = table(run, "kernels")
        base = theirs(path)[0].get("baseTimeNanoseconds", 0)
        starts = sorted(round(Decimal(event["ts"]) * 1000) + base for event in kernels)
        assert rows["start_ns"].to_pylist() == starts
        assert set(rows["name"].unique().to_pylist()) == {event["name"][:LONGEST_NAME].strip() for event in kernels}
    devices = theirs(path)[0].get("deviceProperties") or []
    assert set(run.gpu_names) <= {device["name"] for device in devices if device["name"]}
    for prefix, gpu in GPUS.items():
        assert not path.name.startswith(prefix) or run.gpu == gpu


def check_ops(path: Path, run: Run) -> None:
    """Where External ids are usable, the op of a kernel is the one with its id, and products have their FLOPs."""
    kernels = [
        (event, event["args"].get("External id", event["args"].get("external id")))
        for event in complete(path, "kernel", "Kernel")
    ]
    if all(external in (None, event["args"].get("correlation")) for event, external in kernels):
        return
    ops = {}
    for event in complete(path, "cpu_op", "Operator"):
        ops.setdefault(event["args"].get("External id"), event)
    expected = sorted(
        (round(Decimal(event["ts"]) * 1000), ops[external]["name"]) for event, external in kernels if external in ops
    )
    base = theirs(path)[0].get("baseTimeNanoseconds", 0)
    rows = table(run, "kernels").select(["start_ns", "op", "shapes", "flops"]).to_pylist()
    found = sorted((row["start_ns"] - base, row["op"]) for row in rows if row["op"])
    assert set(expected) <= set(found)
    for row in rows:
        if row["flops"] is not None and row["op"] == "aten::mm":
            left, right = (json.loads(part[part.index("[") :]) for part in row["shapes"].split()[:2])
            assert row["flops"] == 2 * left[0] * left[1] * right[1]


def check_privacy(path: Path, run: Run) -> None:
    texts = [
        column.unique().to_pylist()
        for name in run.tables
        for column in table(run, name).columns
        if pa.types.is_dictionary(column.type)
    ]
    told = f"{run!r} {texts}".replace(run.source_name, "")
    for key in PRIVATE:
        value = str(theirs(path)[0].get(key, ""))
        assert len(value) < 5 or value not in told, key


@pytest.mark.parametrize(
    "path", [path for path in TRACES if path.name.startswith(tuple(STEPS))], ids=lambda path: path.name[:20]
)
def test_steps_of_engines(path: Path) -> None:
    kind, kernels = STEPS[path.name.partition("__")[0] + "__" + path.name.partition("__")[2][:8]]
    steps = table(importers.read(path), "steps").to_pylist()
    assert sum(step["kernels"] for step in steps) >= kernels - 5
    assert {step["kind"] for step in steps} == {kind}
    assert all(0 < step["busy_ns"] <= step["end_ns"] - step["start_ns"] for step in steps)


def test_a_step_spans_what_was_launched_in_it() -> None:
    path = next(path for path in TRACES if path.name.startswith("TraceLens__e443f32f"))
    marked = next(event for event in complete(path, "user_annotation") if event["name"].startswith("execute"))
    calls = {event["args"].get("correlation"): event["ts"] for event in complete(path, "cuda_runtime", "cuda_driver")}
    inside = [
        (event["ts"], event["ts"] + event["dur"])
        for event in complete(path, "kernel")
        if marked["ts"] <= calls.get(event["args"]["correlation"], 0) < marked["ts"] + marked["dur"]
    ]
    step = table(importers.read(path), "steps").to_pylist()[0]
    base = theirs(path)[0]["baseTimeNanoseconds"]
    assert step["kernels"] == len(inside)
    assert step["start_ns"] == round(min(start for start, _ in inside) * 1000) + base
    assert step["end_ns"] == round(max(end for _, end in inside) * 1000) + base


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name[:20])
def test_what_is_no_trace_is_named(path: Path) -> None:
    words = next(words for prefix, words in NOT_TRACES.items() if path.name.startswith(prefix))
    with pytest.raises(UnknownFormat, match=words):
        importers.read(path)


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_cut_real_trace_gives_what_is_before_the_cut(tmp_path: Path, kept: float) -> None:
    path = next(path for path in TRACES if path.name.startswith("TraceLens__6f3f5884"))
    raw = gzip.decompress(path.read_bytes())
    cut = tmp_path / "cut.json"
    cut.write_bytes(raw[: int(len(raw) * kept)])
    run = importers.read(cut)
    assert 0 < run.summary["events"] < len(theirs(path)[1])
    assert "end of the file is missing" in run.notes[0].text
