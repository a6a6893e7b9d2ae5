"""Text on a slide that stays inside its box: native, in a size at which it fits, shortened where none does."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Inches, Pt

from charts import palette

FONT = "Arial"
WIDE, LEADING = 0.54, 1.2
"""Of a character of it, and of a line [of its size]."""
POINTS = 72
"""To an inch."""


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a slide [in]."""

    left: float
    top: float
    width: float
    height: float


def write(shape: Any, box: Box, text: str, size: float, *, smallest: float = 0, bold: bool = False,
          muted: bool = False, middle: bool = False) -> None:  # fmt: skip
    """Puts text into a shape of a slide.

    shape : title or text box
    text : a paragraph a line
    size : largest that it may have [pt]
    smallest : below it the text is shortened; 0: it stays at `size` [pt]
    """
    shape.left, shape.top, shape.width, shape.height = (
        Inches(each) for each in (box.left, box.top, box.width, box.height)
    )
    points, told = fitted(text, box, size, smallest or size)
    frame = shape.text_frame
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    frame.vertical_anchor = MSO_ANCHOR.MIDDLE if middle else MSO_ANCHOR.TOP
    for place, line in enumerate(told.split("\n")):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        paragraph.alignment, paragraph.line_spacing = PP_ALIGN.LEFT, 1.0
        run = paragraph.add_run()
        run.text, run.font.name, run.font.size, run.font.bold = line, FONT, Pt(points), bold
        run.font.color.rgb = _colour((palette.MUTED if muted else palette.TEXT)["light"])


def fitted(text: str, box: Box, largest: float, smallest: float) -> tuple[float, str]:
    """The largest size at which the text fits, and the text, shortened if it does not fit at the smallest either.

    largest, smallest : [pt]
    """
    size = largest
    while size > smallest and height(text, box.width, size) > box.height:
        size -= 1
    size = max(size, smallest)
    while height(text, box.width, size) > box.height and " " in text:
        text = f"{text.rstrip('…').rsplit(None, 1)[0]}…"
    return size, text


def height(text: str, width: float, size: float) -> float:
    """What text takes in a box of that width [in], at that size [pt]."""
    across = max(1, int(width * POINTS / (size * WIDE)))
    lines = sum(max(1, len(textwrap.wrap(line, across))) for line in text.split("\n"))
    return lines * size * LEADING / POINTS


def _colour(text: str) -> RGBColor:
    return RGBColor(*bytes.fromhex(text[1:]))  # type: ignore[no-untyped-call]
