"""Present: a link opens its slide, an empty list shows an example, and what cannot be shown says why."""

import io

import pytest
from pptx import Presentation

from importers.reference import reference_runs
from planner.errors import RunNotFound
from store.pins import Pin
from tests.ui.test_pages import opened, text
from ui import pins
from ui.packed import pack
from ui.talk import scene_of, talk_file

RUN = reference_runs()[0]
TALK = (
    Pin("Small", "v=1&gpu=l4&concurrency=4", "Say the price first."),
    Pin("Too large", "v=1&gpu=l4&model=meta-llama/Llama-3.3-70B-Instruct"),
    Pin("Measured", f"v=1&run={RUN.id}"),
    Pin("Gone", "v=1&run=0123456789ab"),
)


def slide(at, **more):
    app = opened("present", pins=pack(TALK), slide=str(at), **more)
    assert not app.exception
    return app


def test_an_empty_list_shows_the_example():
    app = opened("present", notes="True")
    assert not app.exception
    assert "first token after" in app.title[0].value
    assert "this is an example" in text(app)


def test_a_link_opens_its_slide_with_one_sentence_and_one_chart():
    app = slide(1)
    assert "first token after" in app.title[0].value
    assert "1 × L4" in app.title[0].value
    assert len(app.title) == 1
    assert len(app.get("vega_lite_chart")) == 1
    assert "basis" in app.caption[0].value
    assert "does not run" in slide(2).title[0].value
    assert RUN.source_name in slide(3).title[0].value.replace("\\", "")


def test_a_pin_that_cannot_be_shown_says_why_and_the_talk_goes_on():
    app = slide(4)
    assert "Gone" in app.title[0].value
    assert "not in this store" in app.error[0].value


def test_a_slide_beyond_the_last_is_the_last():
    app = slide(50)
    assert "Gone" in app.title[0].value
    assert app.query_params["slide"] == "4"


def test_the_first_slide_alone_tells_the_keys():
    told = [any("notes and PPTX" in line.value for line in slide(at).caption) for at in (1, 2)]
    assert told == [True, False]


def test_notes_are_there_when_asked_for():
    assert not slide(1).text
    app = slide(1, notes="True")
    assert app.text[0].value.startswith("Say the price first.")
    assert [button.label for button in app.get("download_button")] == ["PPTX of 3 of 4"]


def test_the_talk_leaves_out_what_cannot_be_shown():
    def lost():
        raise RunNotFound("gone")

    deck = Presentation(io.BytesIO(talk_file([*map(scene_of, TALK[:3]), lost])))
    first, *middle, _ = deck.slides
    assert [shape.text_frame.text for shape in first.shapes][1] == "1. Small\n2. Too large\n3. Measured"
    assert len(middle) == 3
    with pytest.raises(RunNotFound, match="gone"):
        talk_file([lost])


def test_the_example_can_be_shown_whole():
    assert all(scene_of(pin)().said for pin in pins.EXAMPLE)
