"""The controls of the buyer's question: seven in view, the rest one click away; values are the planner's cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from planner.asking import DEFAULTS, PROMISES, cells_of
from planner.money import PLANS
from planner.precision import SCHEMES
from planner.presets import presets, profiles
from ui import link
from ui.buy_more import more
from ui.glossary import meaning
from ui.own import drop_gone
from ui.question import OWN, named_models
from words.text import plain

COUNTS = (1, 2, 4, 8, 16)
OWN_PROFILE = "own"
PAY = {"on_demand": "Rent on demand", "reserved": "Rent reserved", "buy": "Buy"}
FIRST = "Chat, medium"
BIG = 10_000_000.0


def _number(column: str, low: float, high: float, default: float | None = None) -> link.Parameter:
    usual = float(DEFAULTS[column]) if column in DEFAULTS else default
    return link.number(low, high, usual)


KEYS: Mapping[str, tuple[str, link.Parameter]] = {
    "model": ("model", link.name("meta-llama/Llama-3.1-8B-Instruct")),
    "request_rate": ("peak", _number("request_rate", 1e-6, 1e6)),
    "prompt_tokens": ("prompts", _number("prompt_tokens", 1, BIG)),
    "output_tokens": ("outputs", _number("output_tokens", 1, BIG)),
    "slo_ttft_p95_ms": ("ttft95", link.number(1e-3, 1e9, 1000.0, optional=True)),
    "slo_tpot_p95_ms": ("tpot95", link.number(1e-3, 1e9, 50.0, optional=True)),
    "pay": ("pay", link.choice(PLANS, PLANS[0])),
    "spread": ("spread", _number("spread", 0, 5)),
    "prefix_share": ("shared", _number("prefix_share", 0, 1)),
    "profile": ("profile", link.choice((*profiles(), OWN_PROFILE), presets()[FIRST].profile)),
    "growth": ("growth", _number("growth", -0.99, 100)),
    "years_ahead": ("ahead", _number("years_ahead", 0, 20)),
    **{
        column: (f"{metric}{100 * quantile:.0f}", link.number(1e-3, 1e9, None))
        for (metric, quantile), column in PROMISES.items()
        if column not in ("slo_ttft_p95_ms", "slo_tpot_p95_ms")
    },
    "spare_replicas": ("spare", link.whole(0, 100, 0)),
    "headroom": ("headroom", _number("headroom", 0, 0.99)),
    "gpus": ("among", link.gpus()),
    "gpus_per_replica": ("split", link.several(COUNTS, (1, 2, 4, 8))),
    "quantizations": ("formats", link.several((OWN, *SCHEMES), (OWN, "fp8"))),
    "kv_cache": ("kvformat", link.choice((OWN, "fp8", "fp4"), OWN)),
    "gpus_per_node": ("node", link.whole(1, 1024, int(DEFAULTS["gpus_per_node"]))),
    "years_written_off": ("writeoff", _number("years_written_off", 0.1, 20)),
    "utilisation": ("used", link.number(0, 1, None)),
    "power_usd_per_kwh": ("power", link.number(0, 1000, None)),
    "pue": ("pue", link.number(1, 10, None)),
    "hosting_usd_per_kw_month": ("hosting", link.number(0, 1e6, None)),
    "co2_g_per_kwh": ("co2", link.number(0, 1e5, None)),
    "prices_usd": ("prices", link.name("", longest=2000)),
    "api_usd_per_million_prompt_tokens": ("apiin", link.number(0, 1e5, None)),
    "api_usd_per_million_output_tokens": ("apiout", link.number(0, 1e5, None)),
    "drafted_tokens": ("drafted", link.whole(0, 16, 0)),
    "acceptance": ("taken", _number("acceptance", 0, 1)),
    "drafter": ("drafter", link.name("")),
    "pools": ("pools", link.choice((False, True), default=False)),
    "pool_link_gb_s": ("poollink", _number("pool_link_gb_s", 0.1, 1e5)),
    "adapters": ("adapters", link.whole(0, 1000, 0)),
    "adapter_rank": ("rank", link.whole(1, 512, int(DEFAULTS["adapter_rank"]))),
}
"""Column of planner.asking.INPUTS -> key in session state and link, and what the link may say."""
PARAMETERS = dict(KEYS.values()) | {"hours": link.name("", longest=400)}
STEPS = {"peak": 1.0, "prompts": 50.0, "outputs": 10.0, "ttft95": 50.0, "tpot95": 5.0}
HELP = {
    "model": "A name of the catalogue or of Hugging Face. Type to search.",
    "peak": "Requests of all users in the busiest hour of today.",
    "prompts": "Mean tokens of a prompt.",
    "outputs": "Mean tokens generated for a prompt.",
    "ttft95": f"Of 20 users, 19 see the first token so soon. Empty: not promised. {meaning('TTFT')}",
    "tpot95": f"Of 20 users, 19 see each further token so soon. Empty: not promised. {meaning('TPOT')}",
    "pay": "How GPUs are paid for. A missing price can be typed in under More.",
}


def controls() -> dict[str, str]:
    """Draws the controls; returns their values as columns of planner.asking.INPUTS."""
    drop_gone("among")
    for dropped in link.read_link(PARAMETERS):
        st.warning(plain(dropped))
    st.session_state["model"] = st.session_state["model"]  # told anew: Plan's box would fall back to the first
    st.pills("Start from", list(presets()), key="traffic_preset", on_change=_set_preset)
    first = st.columns([4, 2, 2, 2], vertical_alignment="bottom")
    second = st.columns([2, 2, 3, 3], vertical_alignment="bottom")
    with first[0]:
        st.selectbox(
            "Model", named_models(st.session_state["model"]), key="model", help=HELP["model"],
            accept_new_options=True, persist_state="session",
        )  # fmt: skip
    _plain_number(first[1], "Peak requests/s", "peak", needed=True)
    _plain_number(first[2], "Prompt tokens", "prompts", needed=True)
    _plain_number(first[3], "Output tokens", "outputs", needed=True)
    _plain_number(second[0], "p95 TTFT ≤ ms", "ttft95", needed=False)
    _plain_number(second[1], "p95 TPOT ≤ ms", "tpot95", needed=False)
    with second[2]:
        st.selectbox("Pay", PLANS, key="pay", format_func=PAY.get, help=HELP["pay"], persist_state="session")
    with st.expander("More: traffic, promises, search, prices, techniques"):
        more()
    link.write_link(PARAMETERS)
    return cells()


def cells() -> dict[str, str]:
    """The controls' values as text, what is empty left out."""
    found = {column: st.session_state.get(key) for column, (key, _) in KEYS.items()}
    if found["profile"] == OWN_PROFILE:
        found["profile"] = st.session_state.get("hours") or "steady"
    return {column: link.written(value) for column, value in found.items() if value not in (None, "", [])}


def _plain_number(column: Any, label: str, key: str, *, needed: bool) -> None:
    more_: dict[str, Any] = {} if needed else {"value": None, "placeholder": "not promised"}
    column.number_input(
        label, min_value=0.0, step=STEPS[key], key=key, help=HELP[key], format="%g", persist_state="session", **more_
    )


def _set_preset() -> None:
    """Takes over a preset's traffic; called when one is picked."""
    chosen = presets().get(st.session_state.get("traffic_preset", ""))
    if chosen is None:
        return
    for column, text in cells_of(chosen.traffic, chosen.profile).items():
        key, parameter = KEYS[column]
        st.session_state[key] = parameter.read(text)
