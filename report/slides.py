"""Scenes as a PPTX: native text, a slide for each scene, before them what is shown, after them what was assumed."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image
from pptx import Presentation
from pptx.util import Inches

from charts.projected import projected, sparse
from report.frame import footer
from report.images import Drawing, images
from report.origin import product, unmarked
from report.scenes import CHARTS, Scene, Told, listed
from report.slide_text import Box, write

MIME = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
WIDTH, HEIGHT = 13.333, 7.5
"""Of a slide [in]."""
TITLE = Box(0.5, 0.35, 12.33, 1.3)
CHART = Box(0.5, 1.8, 9.2, 4.75)
FIGURES = Box(10.0, 1.8, 2.83, 4.75)
BODY = Box(0.5, 1.5, 12.33, 5.1)
FOOTER = Box(0.5, 6.65, 12.33, 0.6)
PLOT = (860, 410)
"""Of a chart's plot on a slide [px]."""
A_SLIDE = {"list": 10, "assumed": 4}
"""Scenes for which one slide has room."""
LONGEST = 255
"""Of a property of the file [characters]."""
TITLE_ONLY = 5
"""Of the layouts that python-pptx brings."""


def slides(scenes: Sequence[Scene], title: str = "What was compared") -> bytes:
    """The talk as a file.

    scenes : at least one
    title : of the first slide
    raises : NotDrawn
    """
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
    told = deck.core_properties
    told.title, told.author = title[:LONGEST], product()
    told.subject = "; ".join(one.name for one in scenes)[:LONGEST]
    named = listed(scenes)
    for part in _parts(named, A_SLIDE["list"]):
        _text_slide(deck, title, "\n".join(part), scenes[0].origin.about(), "\n".join(named))
    for one, picture in zip(scenes, _pictures(scenes), strict=True):
        _scene(deck, one, picture)
    for chunk in _parts(scenes, A_SLIDE["assumed"]):
        asked = "\n\n".join(f"{one.name}: {one.origin.question}. {one.origin.source}." for one in chunk)
        whole = "\n\n".join(f"{one.name}\n{one.assumed}" for one in chunk)
        _text_slide(deck, "What was assumed", asked, chunk[0].origin.about(), whole)
    target = io.BytesIO()
    deck.save(target)
    return target.getvalue()


def _pictures(scenes: Sequence[Scene]) -> list[bytes]:
    """Charts with large text, all drawn by one process."""
    return images([Drawing(_on_a_slide(one), sparse(one.data)) for one in scenes], "png")


def _on_a_slide(one: Scene) -> dict[str, Any]:
    high = PLOT[1] if one.chart == "roofline" else None
    return {**projected(CHARTS[one.chart]("light"), "light", high), "width": PLOT[0]}


def _scene(deck: Any, one: Scene, picture: bytes) -> None:
    slide = _slide(deck, unmarked(one.said))
    _place(slide, picture, one.alt)
    high = FIGURES.height / max(4, len(one.figures))
    for place, told in enumerate(one.figures):
        _figure(slide, told, Box(FIGURES.left, FIGURES.top + place * high, FIGURES.width, high))
    about = one.origin.about()
    write(slide.shapes.add_textbox(0, 0, 0, 0), FOOTER, "\n".join(footer(about)), 10, smallest=7, muted=True)
    told_link = f"\n{about['link']}" if "link" in about else ""
    slide.notes_slide.notes_text_frame.text = "\n".join([one.notes, "", *footer(about)]) + told_link


def _figure(slide: Any, told: Told, box: Box) -> None:
    label, value, under = told
    write(slide.shapes.add_textbox(0, 0, 0, 0), Box(box.left, box.top, box.width, 0.26), label, 12, smallest=9)
    write(slide.shapes.add_textbox(0, 0, 0, 0), Box(box.left, box.top + 0.24, box.width, 0.44), value, 24, smallest=14,
          bold=True)  # fmt: skip
    if under:
        below = Box(box.left, box.top + 0.66, box.width, 0.22)
        write(slide.shapes.add_textbox(0, 0, 0, 0), below, under, 11, smallest=8, muted=True)


def _place(slide: Any, picture: bytes, alt: str) -> None:
    """The chart as large as its place allows, its proportions kept, told in words for who cannot see it."""
    wide, high = Image.open(io.BytesIO(picture)).size
    scale = min(CHART.width / wide, CHART.height / high)
    shape = slide.shapes.add_picture(
        io.BytesIO(picture), Inches(CHART.left), Inches(CHART.top), Inches(wide * scale), Inches(high * scale)
    )
    shape._element.nvPicPr.cNvPr.set("descr", alt)  # no other way to it


def _text_slide(deck: Any, title: str, text: str, about: Mapping[str, str], notes: str) -> None:
    slide = _slide(deck, title)
    write(slide.shapes.add_textbox(0, 0, 0, 0), BODY, text, 20, smallest=11)
    made = f"{about['version']}, {about['date']}"
    write(slide.shapes.add_textbox(0, 0, 0, 0), FOOTER, made, 10, muted=True)
    slide.notes_slide.notes_text_frame.text = notes


def _slide(deck: Any, title: str) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[TITLE_ONLY])
    write(slide.shapes.title, TITLE, title, 28, smallest=18, bold=True, middle=False)
    return slide


def _parts(every: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [every[start : start + size] for start in range(0, len(every), size)]
