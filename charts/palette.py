"""Colours and shapes. Each bound has one colour and one word everywhere; nothing is told by colour alone.

The four hues are told apart with every common colour blindness and reach a
contrast of 3 : 1 on both our backgrounds: chosen by search for the largest smallest distance; tests/ui/test_theme.py.
"""

from __future__ import annotations

from planner.roofline import Bound

BOUND = {
    Bound.COMPUTE: "#298BEE",
    Bound.MEMORY: "#C73C04",
    Bound.LINK: "#207360",
    Bound.OVERHEAD: "#D264A2",
}
BACKGROUND = {"light": "#FFFFFF", "dark": "#10151C"}
TEXT = {"light": "#10161F", "dark": "#E6EBF2"}
MUTED = {"light": "#5B6675", "dark": "#A3AFBF"}
LINE = {"light": "#C3CAD4", "dark": "#3A4656"}
MEASURED = {"light": "#111827", "dark": "#F8FAFC"}
SHAPE = {"prefill": "triangle-up", "decode": "circle", "measured": "diamond"}
