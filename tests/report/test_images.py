"""Charts as pictures: opened again, they hold their text, and where they come from."""

import io
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest
from PIL import Image
from pypdf import PdfReader

from charts import waterfall
from planner.errors import NotDrawn
from report import images as pictures
from report.drawing import svg
from report.images import FORMS, ROOT, Drawing, image, images
from report.origin import Origin, product, unmarked

SPEC = waterfall.waterfall_spec("light")
DATA = waterfall.rows([], "Decode step")
ORIGIN = Origin(
    "A token every 9.69 ms — <script>alert(1)</script> & \x07 more",
    "Llama-3.1-8B-Instruct, 32 requests at once",
    "Headroom's planner, basis calibrated",
    "plan?gpu=h100-sxm",
    datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def files():
    return {form: image(Drawing(SPEC, DATA, ORIGIN), form) for form in FORMS}


def test_what_a_file_says_of_itself():
    assert list(ORIGIN.about()) == ["title", "question", "link", "source", "date", "version"]
    assert ORIGIN.about()["date"] == "2026-11-21 09:30 UTC"
    assert product() in ORIGIN.about()["version"]
    assert "link" not in Origin("a", "b", "c").about()


def test_a_sentence_loses_its_markdown():
    assert unmarked(r"#### **a\_b** in *c* \*d") == "a_b in c *d"


def test_the_svg_is_sound_and_shows_and_holds_its_origin(files):
    root = ET.fromstring(files["svg"])  # noqa: S314 - written just above
    shown = " ".join(text.text or "" for text in root.iter(f"{SVG}text"))
    for text in ("Decode step", "Time (ms)", "32 requests at once", "basis calibrated", "2026-11-21", "<script>"):
        assert text in shown, text
    assert root.find(f"{SVG}script") is None
    told = "".join(root.find(f"{SVG}metadata").itertext())
    for text in (ORIGIN.question, ORIGIN.source, ORIGIN.link, product()):
        assert text in told, text


def test_the_png_has_two_pixels_for_one_and_holds_its_origin(files):
    width = float(ET.fromstring(files["svg"]).get("width"))  # noqa: S314 - written just above
    picture = Image.open(io.BytesIO(files["png"]))
    assert abs(picture.width - 2 * width) <= 2
    assert {name.lower(): text for name, text in picture.text.items()} == ORIGIN.about()


def test_text_is_drawn_and_not_missing(files):
    """The sentence stands in the first lines: dark pixels, far more than a row of empty boxes would leave out."""
    picture = Image.open(io.BytesIO(files["png"])).convert("L")
    dark = sum(value < 90 for value in picture.crop((0, 0, picture.width, 100)).tobytes())
    assert 4_000 < dark < 40_000


def test_the_pdf_has_text_and_properties(files):
    document = PdfReader(io.BytesIO(files["pdf"]))
    text = document.pages[0].extract_text()
    for part in ("Decode step", "Time (ms)", "32 requests at once", "2026-11-21 09:30 UTC"):
        assert part in text, part
    assert document.metadata.subject == ORIGIN.question
    assert document.metadata["/HeadroomSource"] == ORIGIN.source
    assert document.metadata["/HeadroomDate"] == "2026-11-21 09:30 UTC"


def test_two_processes_draw_the_same_bytes(files):
    assert images([Drawing(SPEC, DATA, ORIGIN)] * 2, "svg") == [files["svg"]] * 2


def test_without_an_origin_it_is_the_bare_chart():
    assert svg({**SPEC, "datasets": DATA}, {}).count("Headroom") == 0


def test_nothing_is_loaded_from_elsewhere():
    away = {"data": {"url": "http://127.0.0.1:9/rows.json"}, "mark": "bar", "encoding": {"x": {"field": "a"}}}
    with pytest.raises(NotDrawn, match="could not be drawn"):
        image(Drawing(away, {}), "svg")


def test_a_drawing_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(pictures, "PATIENCE", 0.01)
    with pytest.raises(NotDrawn, match="Try again"):
        image(Drawing(SPEC, DATA), "svg")


def test_the_server_never_loads_the_renderer():
    probe = "import sys, report.images, report.origin; sys.exit('vl_convert' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT, check=False).returncode == 0
