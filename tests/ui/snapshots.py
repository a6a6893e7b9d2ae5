"""The main charts drawn from fixed numbers: `python -m tests.ui.snapshots` (make snapshots) writes them anew.

Nothing of them comes from the planner's answers: a better prediction changes no picture, a changed chart does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from charts import contrasts, curves, memory, palette, pareto, ratios, roofline, tornado, waterfall
from charts.projected import projected
from planner.catalogue import gpus
from planner.contrast import Known
from planner.curves import Dot, Line
from planner.marks import Mark
from planner.memory import Memory
from planner.quantities import GIB, MILLISECOND, TERA, Basis
from planner.roofline import Bound
from planner.sensitivity import Swing
from planner.side_by_side import Change, Word
from planner.waterfall import FLOOR, HOST, KV_READS, Part
from report.images import Drawing, images

FOLDER = Path(__file__).parent / "charts"
PREDICTED = (
    Mark("ffn.up", "prefill", Bound.COMPUTE, 450, 700 * TERA, 0.9 * MILLISECOND, 0.5),
    Mark("ffn.up", "decode", Bound.MEMORY, 31, 88 * TERA, 0.05 * MILLISECOND, 0.6),
    Mark("attention.decode", "decode", Bound.MEMORY, 4, 8 * TERA, 0.02 * MILLISECOND, 0.2),
    Mark("sampling", "decode", Bound.OVERHEAD, 0.25, 0.02 * TERA, 0.01 * MILLISECOND, 0.05),
)
MEASURED = (Mark("gemm_kernel", "decode", Bound.MEMORY, 31, 70 * TERA, 0.06 * MILLISECOND, 0.7),)
PARTS = (
    Part(FLOOR, 4.8 * MILLISECOND, Basis.DATASHEET),
    Part(KV_READS, 0.7 * MILLISECOND, Basis.MEASURED),
    Part("kernels: gemm", -0.2 * MILLISECOND, Basis.MEASURED),
    Part(HOST, 1.2 * MILLISECOND, Basis.ASSUMED),
)
ROOM = Memory(80 * GIB, 73.6 * GIB, 15 * GIB, 2 * GIB, GIB, GIB, 54.6 * GIB, 447_283, 27_955, 582, longest_fits=True)
SWINGS = (
    Swing("request_rate", 0.5, 2.0, 4000, 16000, None, None),
    Swing("price", 0.8, 1.2, 6400, 9600, None, None),
)
CHANGES = (
    ("TPOT, mean", Change("tpot", "mean", 0.02, 0.012, 0.55, 0.66, Word.FASTER, 0.63)),
    ("Output tokens", Change("output_throughput", "total", 900, 950, None, None, Word.NO_INTERVAL, None)),
)
LINE = Line(
    "tpot", np.array([1.0, 8.0, 64.0]), np.array([0.008, 0.01, 0.02]), np.array([0.007, 0.009, 0.017]),
    np.array([0.009, 0.012, 0.025]), (Dot(1.0, 0.0085), Dot(64.0, 0.022, 0.021, 0.024)),
)  # fmt: skip
SIDES = (
    ("8B on an H100", Known(3200, 2600, 3600, Basis.CALIBRATED), "3,200", "2,600–3,600"),
    ("Measured", Known(3050, None, None, Basis.MEASURED), "3,050", ""),
)


def _roofline() -> Drawing:
    rows = roofline.datasets(gpus()["h100-sxm"], "bf16", PREDICTED, MEASURED)
    return Drawing(roofline.roofline_spec("light"), rows)


def _on_a_phone() -> Drawing:
    """As narrow as a phone's plot: labels stand where they have room."""
    return Drawing({**roofline.roofline_spec("light"), "width": 280}, _roofline().data)


def _projected(theme: str) -> Drawing:
    spec = projected(roofline.roofline_spec(theme), theme, 410)
    return Drawing({**spec, "background": palette.BACKGROUND[theme]}, _roofline().data)


def _pareto() -> Drawing:
    told = [("2 L4", 900, 45, "not beaten"), ("1 H100", 1900, 9, "not beaten"), ("", 3800, 9.5, "beaten in both")]
    rows = [{"label": label, "cost": cost, "value": value, "kind": kind} for label, cost, value, kind in told]
    return Drawing(pareto.pareto_spec("light", "p95 TPOT (ms)", False), {"options": rows})


SNAPSHOTS: Mapping[str, Callable[[], Drawing]] = {
    "roofline": _roofline,
    "roofline-phone": _on_a_phone,
    "roofline-projected": lambda: _projected("light"),
    "roofline-projected-dark": lambda: _projected("dark"),
    "waterfall": lambda: Drawing(waterfall.waterfall_spec("light"), waterfall.rows(PARTS, "Decode step")),
    "memory": lambda: Drawing(memory.memory_spec("light"), memory.parts(ROOM)),
    "pareto": _pareto,
    "tornado": lambda: Drawing(tornado.tornado_spec("light", "USD a month"), tornado.rows(SWINGS, 8000)),
    "ratios": lambda: Drawing(ratios.ratios_spec("light"), ratios.rows(CHANGES)),
    "curves": lambda: Drawing(
        curves.curves_spec("light", "Requests at once", "TPOT (ms)"), curves.datasets(LINE, [("measured elbow", 24)])
    ),
    "contrasts": lambda: Drawing(contrasts.contrasts_spec("light", "Output tokens/s"), contrasts.rows(SIDES, 1.0)),
}
"""Name of the file -> the chart."""


def drawn() -> dict[str, bytes]:
    """Every snapshot as SVG, a tag on each line so that a difference can be read."""
    files = images([make() for make in SNAPSHOTS.values()], "svg")
    return {name: file.replace(b"><", b">\n<") + b"\n" for name, file in zip(SNAPSHOTS, files, strict=True)}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for kept in FOLDER.glob("*.svg"):
        kept.unlink()
    for name, content in drawn().items():
        (FOLDER / f"{name}.svg").write_bytes(content)
