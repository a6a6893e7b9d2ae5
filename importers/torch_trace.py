"""Traces of the PyTorch profiler (Kineto): `*.pt.trace.json`, `.json.gz`; streamed, whatever their size.

| theirs                                      | ours                                                       | unit      |
| ------------------------------------------- | ---------------------------------------------------------- | --------- |
| kernels (importers/torch_events.py)         | table `kernels` (importers/torch_tables.py), `Run.kernels` | ns; s     |
| op that launched them, shapes of its inputs | columns op, shapes, flops; `KernelSample.flops`            | FLOP      |
| copies, sets                                | tables `copies`, `memory_sets`                             | ns, bytes |
| ranges of the engine's or profiler's steps  | table `steps` (importers/torch_steps.py)                   | ns        |
| deviceProperties, distributedInfo, versions | GPU, rank and settings (importers/torch_head.py)           |           |
| stacks, environment, host, user, paths      | never read                                                 |           |

Each rank writes a file of its own, and each is a run of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from importers.chrome_trace import EVENTS, ChromeTrace
from importers.files import content_hash, head, source_name
from importers.json_text import head_keys, unpacked_head
from importers.nsys_busy import Covered
from importers.nsys_steps import step_points, step_summary, step_table
from importers.progress import Counter
from importers.torch_events import CALL, CATEGORIES, COPY, KERNEL, OP, SET, TraceEvent
from importers.torch_flops import WITH_VALUES
from importers.torch_head import DEVICES, VERSION, WANTED, head_of, started
from importers.torch_notes import Findings, notes
from importers.torch_rows import Rows
from importers.torch_steps import steps
from importers.torch_tables import tables
from importers.torch_work import Work, samples, work
from planner.errors import MalformedFile
from planner.measured import Batches, Run
from planner.quantities import GIGA

name = "PyTorch profiler (JSON)"

_SIGNS = ({VERSION, DEVICES}, {VERSION, EVENTS})
_CATEGORY = re.compile(rb'"cat"\s*:\s*"(?:' + "|".join([*CATEGORIES, "python_function"]).encode() + rb')"')
_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")


def identify(path: Path) -> bool:
    """Whether it is JSON, gzipped or not, with the keys of Kineto or events of its categories in the head."""
    start = unpacked_head(head(path))
    if not _OPENING.match(start):
        return False
    keys = set(head_keys(start))
    if any(signs <= keys for signs in _SIGNS):
        return True
    return bool((EVENTS in keys or start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[") and _CATEGORY.search(start))


def read(path: Path) -> Run:
    """The run of one trace: kernels with the ops that launched them, copies and steps.

    path : the file; read once
    raises : MalformedFile, TooLarge; Cancelled by whoever hears of the progress
    """
    trace, rows = ChromeTrace(path, TraceEvent, WANTED), Rows(WITH_VALUES)
    counter = Counter(path.stat().st_size)
    for events in trace:
        rows.add(events)
        counter.add(trace.position - counter.done)
    if not rows.events:
        raise MalformedFile(f"{source_name(path)}: no events in the trace. Profile again.")
    used = np.unique(rows.column(KERNEL, "device")).tolist()
    told, done = head_of(trace.told, used), work(rows)
    rows.forget(CALL, OP)
    found = steps(rows, done, told.base)
    made: dict[str, Batches] = tables(rows, done, told.base)
    first, last = _span(rows)
    return Run(
        tool="PyTorch profiler",
        tool_version=told.version,
        source_name=source_name(path),
        file_hash=content_hash(path),
        started=started(None if first is None else first + told.base),
        gpu_names=told.gpu_names,
        gpu=told.gpu,
        settings={**told.settings, **({"gpus": float(len(used))} if used else {})},
        summary=_summary(rows, done, first, last) | step_summary(found),
        points=step_points(found),
        kernels=samples(rows, done),
        notes=notes(Findings(rows, done, found, told, trace.cut_off, trace.odd)),
        tables={**made, **({"steps": step_table(found)} if len(found) else {})},
    )


def _span(rows: Rows) -> tuple[int | None, int | None]:
    """Earliest start and latest end of all work of the GPUs [ns]."""
    starts = np.concatenate([rows.column(kind, "start") for kind in (KERNEL, COPY, SET)])
    lasted = np.concatenate([rows.column(kind, "ns") for kind in (KERNEL, COPY, SET)])
    return (int(starts.min()), int((starts + lasted).max())) if len(starts) else (None, None)


def _summary(rows: Rows, done: Work, first: int | None, last: int | None) -> dict[str, float]:
    known = ~np.isnan(done.flops)
    found: dict[str, float] = {
        "kernels": rows.count(KERNEL),
        "kernel_time_s": int(rows.column(KERNEL, "ns").sum()) / GIGA,
        "kernels_with_launch": int((done.links.launched >= 0).sum()),
        "kernels_with_op": int((done.links.op >= 0).sum()),
        "kernels_with_flops": int(known.sum()),
        "flops": float(done.flops[known].sum()),
        **_moved(rows, COPY, "copies"),
        **_moved(rows, SET, "memory_sets"),
        "events": rows.events,
    }
    if first is not None and last is not None and last > first:
        found["span_s"] = (last - first) / GIGA
        found |= {f"gpu_busy_share_{device}": busy / (last - first) for device, busy in _busy(rows).items()}
    return found


def _moved(rows: Rows, kind: str, name: str) -> dict[str, float]:
    moved = rows.column(kind, "bytes")
    return {
        name: rows.count(kind),
        f"{name}_bytes": int(moved[moved >= 0].sum()),
        f"{name}_time_s": int(rows.column(kind, "ns").sum()) / GIGA,
    }


def _busy(rows: Rows) -> dict[int, int]:
    device, start = rows.column(KERNEL, "device"), rows.column(KERNEL, "start")
    end, found = start + rows.column(KERNEL, "ns"), dict[int, int]()
    for one in np.unique(device).tolist():
        covered = Covered()
        covered.add(start[device == one], end[device == one])
        found[one] = covered.ns or 0
    return found
