"""Buy: traffic, promises and prices in; how many of which GPU, what it costs and how sure that is, out."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from planner.asking import DEFAULTS, asked_for
from planner.demand import Demand
from planner.errors import PlannerError, UnknownModel
from planner.offer import refusal_row, row
from planner.option import Option, Refusal
from planner.ranking import best_of_each, nearest, ranked
from planner.sensitivity import Swing
from planner.slo import NAMES, Key
from ui.bar import link_box
from ui.buy_question import PARAMETERS, controls
from ui.buying import Result, bought, hinges
from ui.charts import pareto, tornado
from ui.history import history_buttons, remember
from ui.offers import headline, refused, table, tiles, told_keys
from ui.question import named_model, offer_fetch
from ui.recordings import recording, told
from ui.sheets import csv_bytes, xlsx_bytes
from ui.show import chart, theme
from ui.words import duration, plain
from ui.worth import worth

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def page() -> None:
    """Controls, then the answer or a clear no. No fragment: only a whole rerun ends a search that is under way."""
    top, bar = st.container(), st.container(horizontal=True)
    values = controls()
    remember("buy", PARAMETERS)
    with bar:
        history_buttons("buy")
        link_box(PARAMETERS)
    try:
        asked = asked_for(values, named_model(values.get("model", "")), recording())
    except UnknownModel as error:
        top.error(plain(str(error)))
        offer_fetch(values.get("model", ""))
        return
    except PlannerError as error:
        top.error(plain(str(error)))
        return
    answer(asked, values, top)


def answer(asked: Demand, values: dict[str, str], top: DeltaGenerator) -> None:
    """Runs the search, drawing as it goes, then everything that is said of its result."""
    sentence, under = top.empty(), st.container()
    so_far = st.empty()

    def draw(found: Sequence[Result]) -> None:
        options = _options(found)
        if options:
            sentence.markdown(f"{headline(options[0], asked)} *Still searching.*")
            with so_far.container():
                table(best_of_each(options), asked, values)

    with under:
        found, whole = bought(asked, draw)
    so_far.empty()
    options, refusals = _options(found), [one for one in found if isinstance(one, Refusal)]
    if not options:
        sentence.markdown(_no(refusals))
        refused(refusals)
        return
    sentence.markdown(headline(options[0], asked) + ("" if whole else " *Search stopped: not all were looked at.*"))
    if told():
        st.caption(f"With {told()}.")
    tiles(options[0], asked)
    show_options(options, asked, values)
    refused(refusals)
    show_hinges(asked, options)
    worth(asked, options[0])
    downloads(values, options, refusals)


def show_options(options: list[Option], asked: Demand, values: dict[str, str]) -> None:
    """The ranked table and both charts."""
    every = st.toggle("Every configuration, not only the best of each GPU", key="every")
    shown = options if every else best_of_each(options)
    table(shown, asked, values)
    priced = [one for one in options if one.per_month is not None]
    if not priced:
        st.caption("Nothing has a price: nothing to draw against cost. Type prices in under More → Prices.")
        return
    key = _latency(asked)
    left, right = st.columns(2)
    with left:
        st.markdown("**Cost against latency**: left and low is better.")
        rows = pareto.latency_rows(priced, key)
        title = pareto.latency_title(key)
        chart(pareto.pareto_spec(theme(), title, False), rows, "buy-latency", pareto.described(rows["options"]))
    with right:
        st.markdown("**Cost against throughput**: left and low is better.")
        rows = pareto.throughput_rows(priced)
        title = "Output tokens/s while the promises hold"
        chart(pareto.pareto_spec(theme(), title, True), rows, "buy-throughput", pareto.described(rows["options"]))
    left_out = len(options) - len(priced)
    if left_out:
        st.caption(f"{left_out} options without a price are not drawn.")


def show_hinges(asked: Demand, options: list[Option]) -> None:
    """What the answer hangs on, and where another option would win."""
    first = options[0]
    found = hinges(asked, options)
    now = first.per_month.value if first.per_month else float(first.gpus)
    unit = "USD a month" if first.per_month else "GPUs"
    st.markdown("**What it hangs on**: the cheapest option's cost when one thing differs from what was asked.")
    said = "; ".join(f"{swing.name} {swing.low:,.0f} to {swing.high:,.0f} {unit}" for swing in found)
    chart(tornado.tornado_spec(theme(), unit), tornado.rows(found, now), "buy-tornado", f"Tornado: {said}")
    st.caption(_switches(found))


def _latency(asked: Demand) -> Key:
    """Which latency is drawn: one of those promised."""
    keys = {f"p{100 * quantile:.0f} {NAMES[metric]}": (metric, quantile) for metric, quantile in told_keys(asked)}
    if len(keys) == 1:
        return next(iter(keys.values()))
    chosen = st.segmented_control("Latency", list(keys), default=list(keys)[-1], key="against", required=True)
    return keys.get(chosen or "", next(iter(keys.values())))


def _switches(found: Sequence[Swing]) -> str:
    """From where on another option is cheaper, as a sentence."""
    said = [
        f"{swing.name} × {switch.factor:.2f} ({plain(switch.option.scenario.deployment.gpu.label)})"
        for swing in found
        for switch in (swing.below, swing.above)
        if switch is not None
    ]
    if not said:
        return "No other option becomes cheaper while any of these alone changes by up to a factor of 4."
    return (
        f"Another option becomes cheaper from: {', '.join(said)}. Price and efficiency are the cheapest option's alone."
    )


def downloads(values: dict[str, str], options: list[Option], refusals: list[Refusal]) -> None:
    """The table as files, with every input."""
    inputs = {**DEFAULTS, **values}
    rows, no = [row(one) for one in options], [refusal_row(one) for one in refusals]
    told_inputs = [{"input": name, "value": value} for name, value in inputs.items()]
    left, right = st.columns(2)
    left.download_button("Download as CSV", csv_bytes(rows, inputs), "headroom-options.csv", "text/csv")
    book = xlsx_bytes({"Options": rows, "Inputs": told_inputs, "Not options": no})
    right.download_button("Download as XLSX", book, "headroom-options.xlsx", XLSX)


def _options(found: Sequence[Result]) -> list[Option]:
    return ranked(one for one in found if isinstance(one, Option))


def _no(refusals: list[Refusal]) -> str:
    near = nearest(refusals)
    if near is None:
        return "#### No: nothing that was searched runs this model."
    refusal, promise = near
    built = refusal.candidate
    return (
        f"#### No: nothing keeps these promises. Nearest: {built.tensor_parallel} × {plain(built.gpu)} in "
        f"{plain(built.scheme)}, if {promise.label} may take {duration(promise.limit)}."
    )


page()
