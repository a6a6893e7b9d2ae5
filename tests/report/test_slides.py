"""A talk as PPTX, opened again: native text, notes, pictures told in words, and nothing beyond a slide's edge."""

import io
from dataclasses import replace

import pytest
from pptx import Presentation
from pptx.util import Emu

from planner.predict import question
from report.origin import product, unmarked
from report.scenes import scene
from report.slide_text import Box, fitted, height
from report.slides import slides

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
SCENES = (
    scene("One L4", question({"gpu": "l4", "model": MODEL}), "plan?gpu=l4", "Begin with the price."),
    scene("Too large", question({"gpu": "l4", "model": "meta-llama/Llama-3.3-70B-Instruct"})),
)


@pytest.fixture(scope="module")
def deck():
    return Presentation(io.BytesIO(slides(SCENES)))


def texts(slide):
    return [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]


def test_first_the_list_last_what_was_assumed(deck):
    first, *middle, last = deck.slides
    assert len(middle) == len(SCENES)
    assert "1. One L4\n2. Too large" in texts(first)
    assert last.shapes.title.text_frame.text == "What was assumed"
    assert any(SCENES[0].origin.question in text for text in texts(last))
    assert "driver == any" in last.notes_slide.notes_text_frame.text


def test_a_scene_is_native_text_with_a_chart_in_words_and_notes(deck):
    slide, told = deck.slides[1], SCENES[0]
    assert slide.shapes.title.text_frame.text == unmarked(told.said)
    for part in [part for figure in told.figures for part in figure]:
        assert part in texts(slide), part
    (picture,) = [shape for shape in slide.shapes if shape.shape_type is not None and hasattr(shape, "image")]
    assert picture.image.content_type == "image/png"
    assert picture._element.nvPicPr.cNvPr.get("descr") == told.alt
    footer = texts(slide)[-1]
    for text in (told.origin.question, told.origin.source[:60], product()):
        assert text in footer
    notes = slide.notes_slide.notes_text_frame.text
    assert notes.startswith("Begin with the price.")
    assert "plan?gpu=l4" in notes


def test_nothing_overflows_a_slide_nor_its_box(deck):
    for number, slide in enumerate(deck.slides, start=1):
        for shape in slide.shapes:
            where = f"slide {number}: {shape.name}"
            assert shape.left >= 0, where
            assert shape.top >= 0, where
            assert shape.left + shape.width <= deck.slide_width, where
            assert shape.top + shape.height <= deck.slide_height, where
            if shape.has_text_frame and shape.text_frame.text:
                size = shape.text_frame.paragraphs[0].runs[0].font.size.pt
                taken = height(shape.text_frame.text, Emu(shape.width).inches, size)
                assert taken <= Emu(shape.height).inches + 1e-3, where


def test_many_scenes_and_long_words_stay_on_their_slides():
    many = tuple(replace(SCENES[1], name=f"Scene {at} " + "very long name " * 6) for at in range(23))
    deck = Presentation(io.BytesIO(slides(many, "T" * 300)))
    assert len(deck.slides) == 3 + 23 + 6
    test_nothing_overflows_a_slide_nor_its_box(deck)
    assert len(deck.core_properties.title) <= 255


def test_text_gets_smaller_before_it_gets_shorter():
    box = Box(0, 0, 4, 1)
    assert fitted("short", box, 24, 10) == (24, "short")
    size, text = fitted("word " * 40, box, 24, 10)
    assert 10 <= size < 24
    assert text == "word " * 40
    size, text = fitted("word " * 400, box, 24, 10)
    assert size == 10
    assert text.endswith("…")
    assert height(text, 4, size) <= 1
