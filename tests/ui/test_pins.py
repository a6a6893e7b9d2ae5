"""Pins of a session: pinned on Plan, renamed, moved and told; carried in a link that is short and cannot be forged."""

import base64
import json
import zlib
from random import Random

import pytest
import streamlit as st

from planner.errors import BadPins
from store.pins import MOST, Pin
from tests.ui.test_pages import opened
from ui import pins
from ui.packed import DICTIONARIES, LONGEST, pack, unpack
from ui.question import PRESETS, question_of
from words.text import plain

CHAT = "v=1&gpus=4&model=meta-llama/Llama-3.3-70B-Instruct&quantization=fp8&concurrency=64&prompt=1024&output=512"
THREE = (Pin("A", "v=1&gpu=l4"), Pin("B", "v=1&gpu=t4", "why"), Pin("C", "v=1&run=0123456789ab"))


@pytest.fixture(autouse=True)
def fresh_session():
    st.session_state.clear()
    yield
    st.session_state.clear()


def test_plan_pins_its_question():
    app = opened(gpu="l4", concurrency="8")
    app.button(key="pin").click().run()
    held = app.session_state["pins"]
    assert not app.exception
    assert app.button(key="pin").disabled
    assert held == (Pin("1 × L4 PCIe, 8 at once, Llama-3.1-8B-Instruct bf16", "v=1&gpu=l4&concurrency=8"),)
    assert question_of(held[0].query).deployment.gpu.id == "l4"
    app.selectbox(key="gpu").set_value("h100-sxm").run()
    app.button(key="pin").click().run()
    assert [pin.query for pin in app.session_state["pins"]] == ["v=1&gpu=l4&concurrency=8", "v=1&concurrency=8"]


def test_what_is_no_question_cannot_be_pinned():
    assert opened(gpu="t4", quantization="fp8").button(key="pin").disabled


def test_pins_are_renamed_moved_told_and_removed():
    pins.put(THREE)
    pins.move(2, 0)
    pins.rename(1, " B ")
    pins.annotate(0, "measured")
    assert pins.pinned() == (
        Pin("C", "v=1&run=0123456789ab", "measured"),
        Pin("B (2)", "v=1&gpu=l4"),
        Pin("B", "v=1&gpu=t4", "why"),
    )
    pins.unpin(1)
    assert [one.name for one in pins.pinned()] == ["C", "B"]
    with pytest.raises(BadPins, match="needs a name"):
        pins.rename(0, " ")


def test_the_same_question_is_pinned_once_and_never_too_many():
    for count in range(MOST):
        assert pins.pin("A", f"v=1&concurrency={count + 1}")
    assert pins.pin("again", "v=1&concurrency=1").name == "A"
    with pytest.raises(BadPins, match="More than 24"):
        pins.pin("one more", "v=1")
    assert len(pins.pinned()) == MOST


def test_a_link_of_pins_is_short_and_comes_back():
    many = tuple(Pin(f"{name} ({at})", f"{CHAT}&seqs={at}") for at, name in enumerate(PRESETS))
    assert unpack(pack(many)) == many
    assert unpack(pack(())) == ()
    assert len(pack(many)) < 300


def test_a_link_of_today_opens_for_ever():
    """Packed with dictionary 1 in the first version that had pins."""
    word = "1i45Wwmoy9qjWUTA2giURiKEwc7C7XwGYouFJAGQSwiVAF0JdTzAUUHMSKJOgpl4cuQPmNGg0gdwBSp9IgQFKNFBHYIlSImwBscHWxAIA"
    assert [(pin.name, pin.query) for pin in unpack(word)] == [
        ("Llama-3.1-8B-Instruct on 1 × H100 SXM 80GB, 32 at once", "v=1"),
        ("Llama-3.3-70B-Instruct fp8 on 4 × H100", CHAT),
        ("gpt-oss on B200", "v=1&gpu=b200&model=openai/gpt-oss-120b&concurrency=64&prompt=1024&output=1024"),
    ]


def packed(text):
    deflate = zlib.compressobj(9, wbits=-15, zdict=DICTIONARIES["1"])
    return "1" + base64.urlsafe_b64encode(deflate.compress(text) + deflate.flush()).decode().rstrip("=")


@pytest.mark.parametrize(
    "word",
    [
        "1", "x", "2abc", "1!!!", pack(THREE)[:-4], "1" + "A" * (2 * LONGEST), packed(b"{}"), packed(b"[[1,2,3]]"),
        packed(b"[" * 100_000), packed(b"[" + b'["a","b",""],' * 50_000 + b'["a","b",""]]'), packed(b"NaN"), "é",
    ],
)  # fmt: skip
def test_a_cut_or_forged_link_is_told(word):
    with pytest.raises(BadPins):
        unpack(word)


def test_notes_that_no_link_holds_are_told():
    noise = Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=4 * 4000)  # noqa: S311 - no secret
    with pytest.raises(BadPins, match="too long for a link"):
        pack([Pin(f"{at}", "v=1", "".join(noise[at::4])) for at in range(4)])


def test_half_a_character_breaks_no_page():
    """JSON may hold one; a page that is sent one ends in a traceback."""
    deflate = zlib.compressobj(9, wbits=-15, zdict=DICTIONARIES["1"])
    packed = deflate.compress(json.dumps([["\ud800", "v=1", ""]]).encode()) + deflate.flush()
    word = "1" + base64.urlsafe_b64encode(packed).decode().rstrip("=")
    with pytest.raises(BadPins, match="each a text"):
        unpack(word)
    app = opened("compare", pins=word)
    assert not app.exception
    assert plain("a\ud800*") == "a?\\*"
