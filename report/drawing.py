"""The process that draws: `python -m report.drawing`, a request on its standard input, the files on its output.

The renderer takes 130 MB and most of a second to load. In a process of its own the server never has either.
The request is JSON: {"form": "png", "drawings": [{"spec": .., "about": ..}]}; the answer a list of base64 texts.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import vl_convert
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfWriter

from report.frame import framed

VEGA_LITE = "6.4"
WIDTH = 960
"""Of a chart's plot [px]."""
SCALE = 2
"""Pixels of a PNG for each of the drawing's [1]."""
NOWHERE: list[str] = []
"""Addresses that a drawing may load from."""
FONT = "Liberation Sans"
"""It comes with the renderer, so that every machine draws the same."""
CONFIG: Mapping[str, Mapping[str, Any]] = {
    "axis": {"labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal"},
    "legend": {"labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal"},
    "view": {"stroke": None},
}
"""What a specification does not say itself."""


def svg(spec: Mapping[str, Any], about: Mapping[str, str]) -> str:
    """A chart with its sentence above and its origin below.

    spec : Vega-Lite with its data
    about : Origin.about(); empty: the bare chart
    """
    own = spec.get("config", {})
    config = {**own, **{part: {**usual, **own.get(part, {})} for part, usual in CONFIG.items()}, "font": FONT}
    sized = {"width": WIDTH, **spec, "config": config}
    drawn = vl_convert.vegalite_to_svg(sized, vl_version=VEGA_LITE, allowed_base_urls=NOWHERE)
    return framed(drawn, about) if about else drawn


def _svg(drawn: str, _: Mapping[str, str]) -> bytes:
    return drawn.encode()


def _png(drawn: str, about: Mapping[str, str]) -> bytes:
    told, target = PngInfo(), io.BytesIO()
    for name, text in about.items():
        told.add_text(name.capitalize(), text)
    picture = Image.open(io.BytesIO(vl_convert.svg_to_png(drawn, scale=SCALE)))
    picture.convert("RGB").save(target, "PNG", pnginfo=told, optimize=True)
    return target.getvalue()


def _pdf(drawn: str, about: Mapping[str, str]) -> bytes:
    target = io.BytesIO()
    writer = PdfWriter(clone_from=io.BytesIO(vl_convert.svg_to_pdf(drawn)))
    named = {"Title": "title", "Subject": "question", "Author": "source", "Creator": "version"}
    writer.add_metadata({f"/{key}": about[name] for key, name in named.items() if name in about})
    writer.add_metadata({f"/Headroom{name.capitalize()}": text for name, text in about.items()})
    writer.write(target)
    return target.getvalue()


FORMS: Mapping[str, Callable[[str, Mapping[str, str]], bytes]] = {"png": _png, "svg": _svg, "pdf": _pdf}


def main() -> int:
    """Draws what is asked for."""
    request = json.load(sys.stdin)
    form = FORMS[request["form"]]
    files = [form(svg(one["spec"], one["about"]), one["about"]) for one in request["drawings"]]
    json.dump([base64.b64encode(file).decode() for file in files], sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
