"""How well a figure is founded, in words, and the tile that shows one."""

from __future__ import annotations

from planner.quantities import Basis

TILE_WIDTH = 168
"""Two tiles stand side by side on a phone [px]."""
BASIS_HELP = {
    Basis.MEASURED: "measured on this GPU",
    Basis.CALIBRATED: "fitted to measurements of alike GPUs or engines",
    Basis.DATASHEET: "its weakest input is a checked figure of a data sheet",
    Basis.ASSUMED: "not measured and not confirmed: a bounded assumption",
}
