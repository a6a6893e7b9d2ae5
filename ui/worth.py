"""Is it worth it: the best option rented, reserved and bought, and against an API."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from planner.break_even import against_api, ways
from planner.demand import Demand
from planner.option import Option
from planner.quantities import MONTH
from planner.words import digits, dollars
from ui.buy_question import PAY
from words.text import plain


def worth(asked: Demand, best: Option) -> None:
    """A table of the ways to pay, when buying pays back, and from which rate an API is dearer."""
    st.markdown("**Ways to pay for it**")
    found = ways(asked, best)
    rows = [
        {
            "Way": PAY[plan],
            "USD a month": _whole(bill.per_month),
            "USD a year": _whole(bill.per_year),
            "Upfront (USD)": _whole(bill.upfront or None),
            "Buying pays back after": _months(found.payback[plan]) if plan != "buy" else None,
            "Missing": ", ".join(bill.missing) or "–",
            "Price": "; ".join(bill.sources) or "–",
        }
        for plan, bill in found.bills.items()
    ]
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows).dropna(axis="columns", how="all"),
        hide_index=True,
        placeholder="–",
        column_config={
            "USD a month": number(format="localized", help="Empty: a price is missing, see there"),
            "USD a year": number(format="localized"),
            "Upfront (USD)": number(format="localized"),
            "Price": st.column_config.TextColumn(width="large"),
        },
    )
    missing = found.bills["buy"].missing
    if missing:
        st.caption(f"To compare with buying, type in under More → Prices: {plain(', '.join(missing))}.")
    _api(asked, best)


def _api(asked: Demand, best: Option) -> None:
    found = against_api(asked, best)
    if found is None:
        st.caption("Type an API's prices in under More → Prices to see from which rate this is cheaper.")
        return
    own = best.bill.per_month or 0.0
    cheaper = "This is cheaper" if own < found.per_month else "The API is cheaper"
    said = (
        f"The API asks **{dollars(found.per_month)}** a month for the same tokens, this **{dollars(own)}**: {cheaper}."
    )
    if found.rate is None:
        st.markdown(f"{said} An API that charges nothing is never dearer.")
        return
    if found.carried:
        where = "which it can carry"
    else:
        where = "but this option cannot carry that: at that rate it needs more GPUs, so look at the larger demand"
    st.markdown(f"{said} They cost the same at **{digits(found.rate)} requests/s** in the mean of a day, {where}.")


def _whole(amount: float | None) -> int | None:
    return None if amount is None else round(amount)


def _months(seconds: float | None) -> str | None:
    return None if seconds is None else f"{digits(seconds / MONTH)} months"
