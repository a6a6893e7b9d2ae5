"""Charts and tables of an answer of the planner, for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from charts import memory, roofline, waterfall
from planner.estimate import Estimate
from planner.marks import Mark, predicted_marks
from planner.memory import Memory
from planner.quantities import GIB, MICROSECOND, MILLISECOND, TERA
from planner.waterfall import Part
from report.answers import planned_origin
from report.images import Drawing
from report.origin import Origin
from report.tables import Row, Tables
from words.rows import founded_rows
from words.text import op_name

FOUNDATIONS = "What it rests on"


def roofline_data(found: Estimate) -> dict[str, list[dict[str, Any]]]:
    """Both steps' ops under the GPU's ceilings: the rows of the roofline chart.

    found : the answer
    """
    marks = (*predicted_marks("prefill", found.prefill), *predicted_marks("decode", found.decode))
    return roofline.datasets(found.scenario.deployment.gpu, found.scenario.quantization.matmul, marks)


def roofline_drawing(found: Estimate, origin: Origin | None) -> Drawing:
    """The roofline of an answer, on paper.

    found : the answer
    origin : what the picture says of itself
    """
    return Drawing(roofline.roofline_spec("light", measured=False), roofline_data(found), origin)


def memory_drawing(room: Memory, origin: Origin) -> Drawing:
    """Memory of one GPU by its parts [bytes], on paper."""
    return Drawing(memory.memory_spec("light"), memory.parts(room), origin)


def waterfall_drawing(parts: Sequence[Part], whole: str, origin: Origin) -> Drawing:
    """A step taken apart [s], on paper."""
    return Drawing(waterfall.waterfall_spec("light"), waterfall.rows(parts, whole), origin)


def tables_of(
    found: Estimate, name: str, rows: Sequence[Row], origin: Origin | None, inputs: Mapping[str, str]
) -> Tables:
    """A table of an answer beside what the answer rests on.

    name, rows : the table
    origin : None: that of the answer
    inputs : the question's columns
    """
    rest = [dict(zip(("input", "value", "basis"), row, strict=True)) for row in founded_rows(found)]
    return Tables(
        {name: rows, FOUNDATIONS: rest},
        origin or planned_origin(found),
        {key: text for key, text in inputs.items() if text},
    )


def op_rows(found: Estimate) -> list[Row]:
    """Every op of both steps, units in the keys."""
    return [
        {
            "phase": phase,
            "op": op_name(time.op.name),
            "runs": time.op.count,
            "bound": time.bound.label,
            "flop": float(time.op.flops),
            "bytes": float(time.op.moved),
            "time_us": float(time.total) / MICROSECOND,
            "tflop_per_s": float(time.op.flops) / float(time.total) / TERA if float(time.total) else 0.0,
            "basis": time.basis.label,
        }
        for phase, step in (("prefill", found.prefill), ("decode", found.decode))
        for time in step.time.ops
    ]


def memory_rows(room: Memory) -> list[Row]:
    """Memory of one GPU by its parts, as vLLM accounts for it."""
    names = ("total", "usable", "weights", "activations", "graphs", "outside", "kv_cache")
    return [{"part": name.replace("_", " "), "gib": getattr(room, name) / GIB} for name in names]


def part_rows(step: str, parts: Sequence[Part]) -> list[Row]:
    """A step's parts from the floor to the clock [s]."""
    return [
        {
            "step": step,
            "part": waterfall.part_name(part.name),
            "time_ms": part.seconds / MILLISECOND,
            "basis": part.basis.label,
        }
        for part in parts
    ]


def mark_rows(source: str, marks: Sequence[Mark]) -> list[Row]:
    """Marks of a roofline.

    source : "measured", "predicted"
    marks : [FLOP/B], [FLOP/s], [s]
    """
    return [
        {
            "source": source,
            "name": mark.name,
            "phase": mark.phase,
            "bound": mark.bound.label,
            "intensity_flop_per_byte": mark.intensity,
            "tflop_per_s": mark.rate / TERA,
            "time_us": mark.seconds / MICROSECOND,
            "share": mark.share,
        }
        for mark in marks
    ]
