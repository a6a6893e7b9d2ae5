"""The menu beside a chart: the chart as a picture, what it shows as a table. A file is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from report import images, tables
from report.images import Drawing, image
from report.tables import Tables, table_file

MIMES = images.FORMS | {form: mime for form, (mime, _) in tables.FORMS.items()}
Offer = Callable[[], tuple[Drawing | None, Tables]]
"""Makes a chart, if there is one, and its table; called when the menu is open."""


def link_here(page: str) -> str:
    """Path and query of this page with the question that it shows.

    page : its url_path
    """
    query = urlencode(st.query_params.to_dict())
    return f"{page}?{query}" if query else page


def headed(text: str, name: str, offer: Offer) -> None:
    """A chart's heading with its menu at the right end.

    text : Markdown
    name : of the files, and of the menu
    offer : of the menu
    """
    with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
        st.markdown(text, width="stretch")
        export_menu(name, offer)


def export_menu(name: str, offer: Offer) -> None:
    """A button for every form of a chart and of its table.

    name : of the files, and of the menu
    offer : of the menu
    """
    menu = st.popover("Export", key=f"export-{name}", type="tertiary", icon=":material/download:", on_change="rerun")
    if not menu.open:
        return
    drawing, table = offer()
    with menu:
        if drawing is not None:
            _buttons("The chart", name, {form: partial(image, drawing, form) for form in images.FORMS})
        _buttons("The table", name, {form: partial(table_file, table, form) for form in tables.FORMS})
        st.caption("Question, source, date and version are inside each of them.")


def _buttons(what: str, name: str, forms: Mapping[str, Callable[[], bytes]]) -> None:
    st.markdown(what)
    with st.container(horizontal=True):
        for form, make in forms.items():
            file = f"headroom-{name}.{form}"
            st.download_button(form.upper(), make, file, MIMES[form], key=f"{name}-{form}", on_click="ignore")
