"""Forms for a reader's own GPU, price or model: checked by the catalogue's code, kept in the store, known at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import streamlit as st
import yaml

from planner import catalogue, catalogue_models
from planner.catalogue import gpus, read_yaml
from planner.errors import BadRow, MalformedFile
from planner.own import own_id
from planner.prices import UNITS
from store import entries, notes
from ui import own
from ui.question import gpu_label
from ui.telling import errors_told, toast
from ui.uploaded import CONFIG_LIMIT_MB
from ui.workspace import store

LONGEST_YAML = 20_000
LEFT_OUT = ("id", "aliases", "unchecked", "memory_reported_gib", "note")
KINDS = {
    "on_demand_usd_per_hour": "Rent on demand (USD an hour)", "reserved_usd_per_hour": "Rent reserved (USD an hour)",
    "purchase_usd": "Purchase (USD)", "all_in_power_w": "Power with its share of the server (W)",
}  # fmt: skip


def gpu_form() -> None:
    """A row of data/gpus.yaml to be filled in, begun from a GPU like it."""
    like = st.selectbox("Begin with the row of", list(gpus()), format_func=gpu_label, key="own_like")
    with st.form("own_gpu"):
        name = st.text_input("Name", placeholder="lab-gpu", max_chars=60)
        text = st.text_area(
            "Row, as in data/gpus.yaml", _template(like), height=330, max_chars=LONGEST_YAML, key=f"row-{like}"
        )
        if st.form_submit_button("Add this GPU"):
            _add(entries.GPUS, name, lambda: _row(text))


def price_form() -> None:
    """One price of a GPU, with its source and date."""
    with st.form("own_price"):
        gpu = st.selectbox("GPU", list(gpus()), format_func=gpu_label)
        kind = st.selectbox("Price", list(UNITS), format_func=KINDS.get)
        value = st.number_input("Value", min_value=0.0, value=None, format="%g")
        source = st.text_input("Source", placeholder="offer of our hoster", max_chars=300)
        date = st.date_input("Date", value="today")
        if st.form_submit_button("Keep this price"):
            _add(entries.PRICES, gpu, lambda: _priced(gpu, kind, {"value": value, "text": source, "date": str(date)}))


def model_form() -> None:
    """A config.json under a name."""
    with st.form("own_model"):
        name = st.text_input("Name", placeholder="our-8b", max_chars=60)
        file = st.file_uploader("Its config.json", type="json", max_upload_size=CONFIG_LIMIT_MB)
        if st.form_submit_button("Add this model"):
            _add(entries.MODELS, name, lambda: _config(file))


def own_list(kind: notes.Kind, known_as: Callable[[str], str]) -> None:
    """The own entries of a kind, each with a button that removes it.

    known_as : name in the store -> what people and links call it
    """
    with errors_told():
        for name in entries.names(store(), kind):
            row = st.container(horizontal=True, vertical_alignment="center")
            row.markdown(f"`{known_as(name)}`", width="content")
            row.button(
                "Remove", key=f"remove-{kind.folder}-{name}", type="tertiary", icon=":material/close:",
                on_click=_remove, args=(kind, name),
            )  # fmt: skip


IDS: dict[str, Callable[[str], str]] = {
    entries.GPUS.folder: own_id,
    entries.MODELS.folder: lambda name: f"{catalogue_models.OWN}{name}",
    entries.PRICES.folder: str,
}


def _add(kind: notes.Kind, name: str, row: Callable[[], dict[str, Any]]) -> None:
    with errors_told():
        kept = entries.save(store(), kind, name, row())
        own.forget()
        st.session_state["added"] = f"Kept: {IDS[kind.folder](kept)}. Every page knows it now by this name."
        st.rerun()


def _remove(kind: notes.Kind, name: str) -> None:
    with errors_told(toast):
        entries.delete(store(), kind, name)
    own.forget()


def _template(like: str) -> str:
    rows = [row for row in read_yaml(catalogue.FILE)["gpus"] if row["id"] == like]
    row = rows[0] if rows else read_yaml(catalogue.FILE)["gpus"][0]
    told = {key: value for key, value in row.items() if key not in LEFT_OUT} | {"source": "where these are from"}
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True)


def _row(text: str) -> dict[str, Any]:
    """One row of YAML; anchors are refused, since a few of them can stand for gigabytes."""
    try:
        if any(isinstance(token, yaml.AnchorToken | yaml.AliasToken) for token in yaml.scan(text)):
            raise BadRow("The row has YAML anchors. Write every value out.")
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadRow(f"The row is no YAML: {str(error)[:200]}. Write key: value in each line.") from None
    if not isinstance(found, dict):
        raise BadRow("The row is no list of key: value. Keep the template's keys.")
    return found


def _priced(gpu: str, kind: str, quote: dict[str, Any]) -> dict[str, Any]:
    """The GPU's own prices with one more; a price of that kind is replaced."""
    try:
        before = entries.row(store(), entries.PRICES, gpu)
    except BadRow:
        before = {}
    return {**before, kind: quote}


def _config(file: Any) -> dict[str, Any]:
    if file is None:
        raise MalformedFile("There is no file yet. Choose the model's config.json.")
    try:
        config = json.loads(file.getvalue())
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise MalformedFile(f"{file.name[:60]} holds no JSON object. Choose the model's config.json as it is.")
    return config
