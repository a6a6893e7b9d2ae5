"""A talk: the pins as scenes, one at a time, stepped through with keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st

from charts.projected import on_any_screen, sparse
from planner.errors import PlannerError, RunNotFound
from planner.measured import Run
from report.scenes import CHARTS, Scene, measured_scene, scene
from report.slides import MIME, slides
from store.pins import Pin
from store.runs import Store
from ui import link, pins
from ui.bar import link_box
from ui.link import Parameter
from ui.own import later
from ui.question import question_of
from ui.show import chart, theme
from ui.workspace import known_runs, store, whole_run
from words.text import plain

ASSETS = Path(__file__).parent / "assets"
SLIDE, NOTES = "slide", "notes"
KEYS = "→ or space: next · ←: back · N: notes and PPTX · F: full screen · Esc: leave"
EXAMPLE = "Nothing is pinned yet: this is an example. **Pin** on Plan puts a question here."
LINK: dict[str, Parameter] = {
    pins.KEY: pins.PARAMETER,
    SLIDE: link.whole(1, 99, 1),
    NOTES: link.choice((False, True), default=False),
}
"""What a link of a talk says."""
_stage = st.components.v2.component(
    "headroom_stage",
    **{kind: (ASSETS / f"stage.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")},
)


@st.fragment
def talk() -> None:
    """The slide that the link names, and what listens to keys."""
    if st.session_state.pop("leave", False):
        st.switch_page(str(Path(__file__).parent / "pages" / "plan.py"))
    shown = pins.pinned() or pins.EXAMPLE
    at = min(max(1, st.session_state[SLIDE]), len(shown))
    st.session_state[SLIDE] = at
    link.write_link(LINK)
    data = {"slide": at, "slides": len(shown)}
    _stage(data=data, key="stage", on_slide_change=_turned, on_act_change=_acted)
    try:
        show_scene(scene_of(shown[at - 1])(), shown)
    except PlannerError as error:
        with st.container(key="said"):
            st.title(plain(shown[at - 1].name), anchor=False)
        st.error(plain(str(error)))


def show_scene(one: Scene, shown: Sequence[Pin]) -> None:
    """One sentence, one chart, a line on where both come from; with N the notes."""
    with st.container(key="said"):
        st.title(one.said, anchor=False)
    with st.container(key="chart"):
        spec = on_any_screen(CHARTS[one.chart](theme()), theme())
        chart(spec, sparse(one.data), key=f"chart-{one.chart}", alt=one.alt, height="stretch")
    about, basis = one.origin.about(), one.origin.source.partition(";")[0]
    keys = f" · {KEYS}" if st.session_state[SLIDE] == 1 else ""
    st.caption(plain(f"{one.name} · {about['question']} · {basis} · {about['version']}, {about['date']}{keys}"))
    if st.session_state[NOTES]:
        with st.container(key="notes", border=True):
            st.text(one.notes)
            st.caption(KEYS if pins.pinned() else f"{EXAMPLE} {KEYS}")
            with st.container(horizontal=True):
                known = _scenes(shown)
                label = "PPTX" if len(known) == len(shown) else f"PPTX of {len(known)} of {len(shown)}"
                make = later(talk_file, known)
                st.download_button(label, make, "headroom-talk.pptx", MIME, key="pptx", on_click="ignore")
                link_box(LINK)


def scene_of(pin: Pin) -> Callable[[], Scene]:
    """What makes the scene of a pin, later and without this session: a file is made outside of it.

    raises : PlannerError
    """
    if pin.run is None:
        return later(scene, pin.name, question_of(pin.query), f"plan?{pin.query}", pin.note)
    runs = known_runs()
    if pin.run not in runs:
        raise RunNotFound(f"The run {pin.run[:12]} is not in this store. Import its file on Evidence, or unpin it.")
    return later(_of_run, pin, runs[pin.run], store())


def talk_file(scenes: Sequence[Callable[[], Scene]]) -> bytes:
    """The talk as a PPTX, without what cannot be shown.

    raises : PlannerError of the first, where none can be shown
    """
    found, why = [], None
    for make in scenes:
        try:
            found.append(make())
        except PlannerError as error:
            why = why or error
    if why is not None and not found:
        raise why
    return slides(found)


def _scenes(shown: Sequence[Pin]) -> list[Callable[[], Scene]]:
    """Of the pins whose question can be asked here."""
    found = []
    for pin in shown:
        with suppress(PlannerError):
            found.append(scene_of(pin))
    return found


def _of_run(pin: Pin, run: Run, kept: Store) -> Scene:
    return measured_scene(pin.name, whole_run(run, kept), f"explain?{pin.query}", pin.note)


def _turned() -> None:
    st.session_state[SLIDE] = int(st.session_state["stage"]["slide"])


def _acted() -> None:
    act = st.session_state["stage"]["act"]
    if act == "notes":
        st.session_state[NOTES] = not st.session_state[NOTES]
    st.session_state["leave"] = act == "leave"
