"""Pinned scenarios and runs against the first of them: a sentence, the figures, a chart, tables, what was set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from charts import contrasts
from planner.contrast import METRICS, Known, contrast, of_estimate, of_load, settings
from planner.errors import PlannerError, RunNotFound
from planner.overlay import format_cell
from planner.quantities import MILLISECOND
from planner.side_by_side import RATES, Word
from planner.words import digits, dollars, duration, interval_text
from store.pins import Pin
from ui.cards import cards
from ui.estimated import estimated
from ui.export import export_menu, link_here
from ui.pin_files import taken
from ui.question import question_of
from ui.show import chart, theme
from ui.workspace import known_runs, loads_of, whole_run
from words.settings import FLAG, SETTING, setting_row
from words.text import plain

NAMES = {
    "output_throughput": "Tokens/s", "tpot": "Per token", "ttft": "First token", "e2e": "End to end",
    "cost": "USD per 1M tokens",
}  # fmt: skip
AXES = {
    "output_throughput": "Output tokens/s", "tpot": "TPOT (ms)", "ttft": "TTFT (ms)", "e2e": "End to end (ms)",
    "cost": "USD per million output tokens",
}  # fmt: skip
WORDS = {
    Word.FASTER: "faster", Word.SLOWER: "slower", Word.SAME: "the same", Word.UNKNOWN: "cannot tell",
    Word.NO_INTERVAL: "no interval",
}  # fmt: skip
PAID = WORDS | {Word.FASTER: "cheaper", Word.SLOWER: "dearer"}


@dataclass(frozen=True, slots=True)
class Side:
    """One pin with what is known of it.

    figures : metric -> figure
    set : name of a setting -> its value
    why : why it has no figures; else empty
    """

    name: str
    figures: Mapping[str, Known]
    set: Mapping[str, str]
    why: str = ""


def side_of(pin: Pin) -> Side:
    """What is known of a pin; what cannot be answered says why."""
    try:
        return _run_side(pin) if pin.run is not None else _scenario_side(pin)
    except PlannerError as error:
        return Side(pin.name, {}, {}, str(error))


def contrasted(sides: Sequence[Side]) -> None:
    """All that is said of pins; the first is what the others are held against."""
    first = sides[0]
    st.markdown(f"#### {sentence(sides)}")
    for one in sides:
        if one.why:
            st.warning(plain(f"{one.name}: {one.why}"))
    _tiles(sides)
    _chart(sides)
    _values(sides)
    if len(sides) > 1:
        _differences(first, sides[1:])
    _settings(sides)


def sentence(sides: Sequence[Side]) -> str:
    """Which gives the most, and whether it really is faster than the first, as Markdown."""
    first, known = sides[0], [one for one in sides if "output_throughput" in one.figures]
    if first not in known:
        return f"**{plain(first.name)}**, to which the others are held, has no figure in common with them."
    if len(known) < 2:
        return (
            f"**{plain(first.name)}** gives {_value('output_throughput', first.figures['output_throughput'])} tokens/s."
        )
    best = max(known[1:], key=lambda one: one.figures["output_throughput"].value)
    found = contrast("output_throughput", first.figures["output_throughput"], best.figures["output_throughput"])
    said = f"{digits(found.ratio)} times its tokens/s"
    name, other = f"**{plain(best.name)}**", f"**{plain(first.name)}**"
    if found.low is None or found.high is None:
        return f"{name} gives {said} of {other}; whether that is more than noise cannot be told without intervals."
    bounds = f"{said} ({digits(found.low)}–{digits(found.high)})"
    return {
        Word.FASTER: f"Yes: {name} is faster than {other}, {bounds}.",
        Word.SLOWER: f"No: nothing here is faster than {other}; next is {name}, {bounds}.",
        Word.SAME: f"The same: {name} gives {bounds} of {other}.",
    }.get(found.word, f"Cannot tell whether {name} is faster than {other}: {bounds}, which may be more or less.")


def _scenario_side(pin: Pin) -> Side:
    scenario = question_of(pin.query)
    try:
        return Side(pin.name, of_estimate(estimated(scenario)), settings(scenario))
    except PlannerError as error:
        return Side(pin.name, {}, settings(scenario), str(error))


def _run_side(pin: Pin) -> Side:
    runs = known_runs()
    if pin.run not in runs:
        raise RunNotFound(f"Run {pin.run} is not in this store. Import its file here, or remove the pin.")
    run = whole_run(runs[pin.run])
    told = {name: format_cell(value) for name, value in run.settings.items()}
    told |= {"gpu": run.gpu or ", ".join(run.gpu_names), "model": run.model or run.model_name or ""}
    found = loads_of(run)
    if not found:
        return Side(pin.name, {}, told, "it has no figures of requests. Two traces are compared under Two runs.")
    at = 0
    if len(found) > 1:
        at = st.selectbox(
            f"Load of {pin.name}", range(len(found)), format_func=lambda place: found[place].label, key=f"load-{run.id}"
        )
    return Side(pin.name, of_load(found[at]), told | dict(found[at].conditions))


def _tiles(sides: Sequence[Side]) -> None:
    """Of each pin its tokens/s, and what that is of the first's."""
    row, first = st.container(horizontal=True), sides[0].figures.get("output_throughput")
    for one in sides:
        figure = one.figures.get("output_throughput")
        if figure is None:
            continue
        of_first = "" if one is sides[0] or first is None else f", × {digits(figure.value / first.value)}"
        row.metric(
            plain(one.name), digits(figure.value), delta=f"tokens/s{of_first}", delta_color="off", delta_arrow="off",
            border=True, width=TILE_WIDTH,
        )  # fmt: skip


TILE_WIDTH = 230
"""A name of some words fits over the figure [px]."""


def _chart(sides: Sequence[Side]) -> None:
    known = [metric for metric in METRICS if any(metric in one.figures for one in sides)]
    if not known:
        return
    row = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    metric = row.segmented_control(
        "Figure",
        known,
        key="figure",
        default=known[0],
        format_func=NAMES.get,
        required=True,
        label_visibility="collapsed",
    )
    metric = metric if metric in known else known[0]
    drawn = [
        (one.name, one.figures[metric], _value(metric, one.figures[metric]), _between(metric, one.figures[metric]))
        for one in sides
        if metric in one.figures
    ]
    said = "; ".join(f"{name} {value}" for name, _, value, _ in drawn)
    data = contrasts.rows(drawn, 1.0 if metric in (*RATES, "cost") else MILLISECOND)
    figures = [(one.name, dict(one.figures)) for one in sides]
    spec = contrasts.contrasts_spec("light", AXES[metric])
    with row:
        export_menu("side-by-side", partial(taken, sentence(sides), link_here("compare"), spec, data, figures))
    chart(contrasts.contrasts_spec(theme(), AXES[metric]), data, "contrasts", f"{AXES[metric]}: {said}")


def _values(sides: Sequence[Side]) -> None:
    rows = [
        (
            one.name,
            *(_both(metric, one.figures.get(metric)) for metric in METRICS),
            next((known.basis.label for known in one.figures.values()), "–"),
        )
        for one in sides
    ]
    cards(("Scenario", *(NAMES[metric] for metric in METRICS), "Basis"), rows)


def _differences(first: Side, others: Sequence[Side]) -> None:
    shared = [metric for metric in METRICS if metric in first.figures]
    compared = [one for one in others if any(metric in one.figures for metric in shared)]
    if not compared:
        return
    st.markdown(f"**Against {plain(first.name)}**")
    rows = [(one.name, *(_ratio(metric, first, one) for metric in shared)) for one in compared]
    cards(("Scenario", *(NAMES[metric] for metric in shared)), rows)
    st.caption(
        "Ratio: this scenario's figure over the first's. The interval holds nine times in ten if both err "
        "independently; scenarios that share GPU and model err together in part, so the truth is narrower."
    )


def _ratio(metric: str, first: Side, one: Side) -> str:
    """A figure over the first's, its interval, and what that means to who waits or pays."""
    if metric not in one.figures:
        return "–"
    found = contrast(metric, first.figures[metric], one.figures[metric])
    word = (PAID if metric == "cost" else WORDS)[found.word]
    between = f" ({digits(found.low)}–{digits(found.high)})" if found.low is not None and found.high is not None else ""
    return f"{digits(found.ratio)}{between}: {word}"


def _settings(sides: Sequence[Side]) -> None:
    names = list(dict.fromkeys(name for one in sides for name in one.set))
    rows = [setting_row(name, [one.set.get(name) for one in sides]) for name in names]
    differ = [row for row in rows if len(set(row[1:-1])) > 1]
    st.markdown("**Settings that differ**" if differ else "No setting differs.")
    if differ:
        cards((SETTING, *(one.name for one in sides), FLAG), differ)


def _both(metric: str, known: Known | None) -> str:
    if known is None:
        return "–"
    between = _between(metric, known)
    return f"{_value(metric, known)} ({between})" if between else _value(metric, known)


def _value(metric: str, known: Known) -> str:
    return _write(metric)(known.value)


def _between(metric: str, known: Known) -> str:
    if known.low is None or known.high is None:
        return ""
    if metric not in (*RATES, "cost"):
        return interval_text(known.low, known.high)
    return f"{_write(metric)(known.low)}–{_write(metric)(known.high)}"


def _write(metric: str) -> Callable[[float], str]:
    return digits if metric in RATES else dollars if metric == "cost" else duration
