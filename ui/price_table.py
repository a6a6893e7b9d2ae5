"""Every price in one table, to look at and to type over; what is typed goes into the link."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from planner.asking import PRICE_KINDS, typed_prices
from planner.catalogue import gpus
from planner.entries import Price
from planner.errors import PlannerError
from planner.prices import price
from words.text import plain

COLUMNS = {"on_demand": "On demand (USD/h)", "reserved": "Reserved (USD/h)", "purchase": "Purchase (USD)"}


def price_table() -> None:
    """The catalogue's prices with the reader's own over them; an empty cell is a missing price, never zero."""
    told, generation = _start()
    try:
        typed = typed_prices(told)
    except PlannerError as error:
        st.warning(plain(str(error)))
        typed = {}
    before = _frame(typed)
    after = st.data_editor(
        before,
        key=f"price_cells-{generation}",
        hide_index=True,
        height=220,
        disabled=["gpu", "GPU", "Source"],
        column_config={
            "gpu": None,
            **{
                label: st.column_config.NumberColumn(min_value=0.0, format="%.2f", help="Empty: missing, not free")
                for label in COLUMNS.values()
            },
            "Source": st.column_config.TextColumn(width="large"),
        },
    )
    st.session_state["prices"] = st.session_state["prices_shown"] = _changes(after)
    st.caption("Empty: nobody told, so there is no total. Type over any price; the link keeps what you typed.")


def _start() -> tuple[str, int]:
    """What the table began with, and how often it began: anew where another than its reader changed the prices."""
    now = st.session_state.get("prices", "")
    told, generation = st.session_state.get("prices_at_start", (now, 0))
    if now != st.session_state.get("prices_shown", now):
        told, generation = now, generation + 1
    st.session_state["prices_at_start"] = told, generation
    return told, generation


def _frame(typed: dict[str, Price]) -> pd.DataFrame:
    rows = []
    for gpu in gpus().values():
        own, known = typed.get(gpu.id, Price()), price(gpu)
        quotes = {kind: getattr(own, kind) or getattr(known, kind) for kind in COLUMNS}
        rows.append(
            {"gpu": gpu.id, "GPU": gpu.label}
            | {COLUMNS[kind]: quote.value / PRICE_KINDS[kind] if quote else None for kind, quote in quotes.items()}
            | {"Source": "; ".join(quote.told for quote in quotes.values() if quote)}
        )
    return pd.DataFrame(rows).astype(dict.fromkeys(COLUMNS.values(), float))


def _changes(after: pd.DataFrame) -> str:
    """What differs from the catalogue, as planner.asking reads it."""
    said = []
    for row in after.to_dict("records"):
        known = price(gpus()[row["gpu"]])
        for kind, label in COLUMNS.items():
            quote, value = getattr(known, kind), row[label]
            same = quote is not None and abs(value - quote.value / PRICE_KINDS[kind]) < SMALLEST
            if pd.notna(value) and not same:
                said.append(f"{row['gpu']} {kind} {value:g}")
    return ", ".join(said)


SMALLEST = 1e-6
