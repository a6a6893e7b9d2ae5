"""Buy: traffic, promises and prices in; how many of which GPU, what it costs and how sure that is, out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from charts import pareto, tornado
from planner.asking import asked_for
from planner.demand import Demand
from planner.errors import ClusterError, PlannerError, UnknownModel
from planner.option import Option, Refusal
from planner.ranking import best_of_each, nearest, ranked
from planner.sensitivity import Swing
from planner.slo import NAMES, Key
from planner.words import duration
from report.slides import MIME
from ui.bar import link_box, pin_button, pin_name
from ui.buy_files import BuyFiles
from ui.buy_question import PARAMETERS, controls
from ui.buying import Result, bought, hinges
from ui.export import headed, link_here
from ui.history import history_buttons, remember
from ui.offers import headline, plan_address, refused, table, tiles, told_keys
from ui.own import later
from ui.question import named_model, offer_fetch
from ui.recordings import recording, told
from ui.show import chart, theme
from ui.worth import worth
from words.text import plain


def page() -> None:
    """Controls, then the answer or a clear no. No fragment: only a whole rerun ends a search that is under way."""
    top, bar = st.container(), st.container(horizontal=True)
    values = controls()
    remember("buy", PARAMETERS)
    with bar:
        history_buttons("buy")
        link_box(PARAMETERS)
    try:
        drafter = named_model(values["drafter"]) if values.get("drafter") else None
        asked = asked_for(values, named_model(values.get("model", "")), recording(), drafter=drafter)
    except UnknownModel as error:
        top.error(plain(str(error)))
        offer_fetch(values.get("model", ""))
        return
    except PlannerError as error:
        top.error(plain(str(error)))
        return
    try:
        answer(asked, values, top)
    except ClusterError as error:
        top.error(plain(str(error)))


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
    files = BuyFiles(options, refusals, asked, values, link_here("buy"))
    with st.container(horizontal=True):
        pin_best(options[0], values)
        if options[0].per_month:
            st.download_button(
                "Slide (PPTX)", later(files.slide), "headroom-buy.pptx", MIME, key="slide", on_click="ignore"
            )
    show_options(options, asked, values, files)
    refused(refusals)
    show_hinges(asked, options, files)
    worth(asked, options[0])


def pin_best(best: Option, values: dict[str, str]) -> None:
    """Pins one replica of the best option at its load in the busiest hour, as Plan asks it."""
    query = plan_address(best, values["model"]).partition("?")[2]
    pin_button(pin_name(best.scenario), query, key="pin-best")


def show_options(options: list[Option], asked: Demand, values: dict[str, str], files: BuyFiles) -> None:
    """The ranked table and both charts."""
    headed("**Options**, cheapest first", "options", files.tables)
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
        rows, title = pareto.latency_rows(priced, key), pareto.latency_title(key)
        said = "**Cost against latency**: left and low is better."
        headed(
            said, "cost-against-latency", partial(files.taken, said, pareto.pareto_spec("light", title, False), rows)
        )
        chart(pareto.pareto_spec(theme(), title, False), rows, "buy-latency", pareto.described(rows["options"]))
    with right:
        rows, title = pareto.throughput_rows(priced), pareto.THROUGHPUT
        said = "**Cost against throughput**: left and low is better."
        headed(
            said, "cost-against-throughput", partial(files.taken, said, pareto.pareto_spec("light", title, True), rows)
        )
        chart(pareto.pareto_spec(theme(), title, True), rows, "buy-throughput", pareto.described(rows["options"]))
    left_out = len(options) - len(priced)
    if left_out:
        st.caption(f"{left_out} options without a price are not drawn.")


def show_hinges(asked: Demand, options: list[Option], files: BuyFiles) -> None:
    """What the answer hangs on, and where another option would win."""
    first = options[0]
    found = hinges(asked, options)
    now = first.per_month.value if first.per_month else float(first.gpus)
    unit = "USD a month" if first.per_month else "GPUs"
    rows = tornado.rows(found, now)
    said = "**What it hangs on**: the cheapest option's cost when one thing differs from what was asked."
    headed(said, "what-it-hangs-on", partial(files.taken, said, tornado.tornado_spec("light", unit), rows))
    bars = "; ".join(f"{swing.name} {swing.low:,.0f} to {swing.high:,.0f} {unit}" for swing in found)
    chart(tornado.tornado_spec(theme(), unit), rows, "buy-tornado", f"Tornado: {bars}")
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
