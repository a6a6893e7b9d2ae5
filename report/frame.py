"""A frame around an SVG chart: the sentence above, source, date, version and question below, and in its metadata."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape

from charts import palette

MARGIN, TITLE, LINE = 20, 19, 12
"""Around the chart, and sizes of the sentence and of what stands below it [px]."""
LEADING = 1.35
WIDE = 0.53
"""Mean width of a character of Liberation Sans [of its size]."""
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
OPENING = re.compile(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"[^>]*>')
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What XML cannot hold."""


def framed(drawing: str, about: Mapping[str, str]) -> str:
    """The drawing on a page of its own.

    drawing : SVG with its width and height in pixels
    about : Origin.about()
    """
    opening = OPENING.match(drawing)
    if opening is None:
        raise ValueError("an SVG opens with its width and height")
    wide, high = float(opening[1]), float(opening[2])
    title = _wrapped([about["title"]], wide, TITLE)
    below = _wrapped(footer(about), wide, LINE)
    top = MARGIN + _height(title, TITLE)
    foot = top + high + MARGIN / 2
    whole = (wide + 2 * MARGIN, foot + _height(below, LINE) + MARGIN)
    inner = f'<g transform="translate({MARGIN},{top:g})">{drawing[opening.end() : -len("</svg>")]}</g>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1" '
        f'width="{whole[0]:g}" height="{whole[1]:g}" viewBox="0 0 {whole[0]:g} {whole[1]:g}" role="img">'
        f"<title>{_text(about['title'])}</title><desc>{_text(' '.join(footer(about)))}</desc>"
        f"<metadata>{_metadata(about)}</metadata>"
        f'<rect width="100%" height="100%" fill="{palette.BACKGROUND["light"]}"/>'
        f"{_lines(title, MARGIN, TITLE, palette.TEXT['light'], 'bold')}{inner}"
        f"{_lines(below, foot, LINE, palette.MUTED['light'], 'normal')}</svg>"
    )


def footer(about: Mapping[str, str]) -> list[str]:
    """What stands below a chart or on a slide: the question, then the source, the date and the version."""
    made = ", ".join(about[name] for name in ("version", "date") if name in about)
    return [f"Question: {about['question']}", f"Source: {about['source']}", made]


def _wrapped(lines: Iterable[str], wide: float, size: float) -> list[str]:
    fits = max(20, int(wide / (size * WIDE)))
    return [part for line in lines for part in textwrap.wrap(line, fits)]


def _height(lines: list[str], size: float) -> float:
    return len(lines) * size * LEADING + MARGIN / 2


def _lines(lines: list[str], top: float, size: float, colour: str, weight: str) -> str:
    return "".join(
        f'<text x="{MARGIN}" y="{top + size + at * size * LEADING:g}" font-family="{FONT}" font-size="{size}" '
        f'font-weight="{weight}" fill="{colour}">{_text(line)}</text>'
        for at, line in enumerate(lines)
    )


def _metadata(about: Mapping[str, str]) -> str:
    """Dublin Core, the words that programs look for."""
    names = {"question": "description", "link": "identifier", "version": "creator"}
    told = "".join(f"<dc:{names.get(name, name)}>{_text(text)}</dc:{names.get(name, name)}>" for name, text in
                   about.items())  # fmt: skip
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<rdf:Description>{told}</rdf:Description></rdf:RDF>"
    )


def _text(text: str) -> str:
    return escape(CONTROL.sub(" ", text))
