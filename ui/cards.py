"""A table that a phone shows as cards: few rows, read one by one; long ones stay `st.dataframe`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import streamlit as st


def cards(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows as a table; where the window is narrow, each is a card under its first cell (assets/cards.css).

    columns : names
    rows : a text for each column, shown as it is
    """
    st.html(table_html(columns, rows))


def table_html(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The same as HTML: each cell names its column, for a card has no heading; roles survive `display: block`.

    columns, rows : as in `cards`
    """
    head = "".join(f'<th scope="col" role="columnheader">{escape(name)}</th>' for name in columns)
    body = "".join(f'<tr role="row">{_cells(columns, row)}</tr>' for row in rows)
    return (
        '<table class="cards" role="table">'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table>'
    )


def _cells(columns: Sequence[str], row: Sequence[str]) -> str:
    named = zip(columns[1:], row[1:], strict=True)
    cells = "".join(f'<td role="cell" data-column="{escape(name)}">{escape(text)}</td>' for name, text in named)
    return f'<th scope="row" role="rowheader">{escape(row[0])}</th>{cells}'
