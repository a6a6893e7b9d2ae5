"""A model of the reader's own: a config.json that stays in the session, and that a link asks for again."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import streamlit as st

from planner.errors import BadLink, MalformedFile
from planner.families import model_from_config
from planner.model import Model
from planner.quantities import Source
from ui.uploader import file_box

KEY = "uploaded"
"""In a link: which file the question is about."""
HELD = "uploaded_models"
"""In session state: digest -> model of each file that was asked about. An uploader forgets its file with its page."""
CONFIG_LIMIT_MB = 5
HELP = (
    "Stands in for the model above until another is chosen. It stays in this session: a link asks for it again; "
    "Catalogue keeps one for good."
)


def uploaded_model(digest: str) -> Model | None:
    """The uploaded model that a question is about; None where it is about a named one.

    digest : of the file's content, as its link has it; empty: a named one
    raises : BadLink where this session has no such file, PlannerError for one that is no model's
    """
    if not digest:
        return None
    held: dict[str, Model] = st.session_state.setdefault(HELD, {})
    if digest not in held and held_digest("config") == digest and (model := own_model("config")):
        held[digest] = model
    if digest not in held:
        raise BadLink(
            "This link is about a model that was uploaded: upload its config.json again, under More, or choose a model."
        )
    return held[digest]


def config_label(key: str) -> str:
    """What to click for an own config.json; says whether one is in use.

    key : of the uploader
    """
    return "Own model" if st.session_state.get(key) is None else "Own model: in use"


def config_box(key: str, **more: Any) -> None:
    """Takes a config.json of the reader's own; it stays in the session, and a link asks for it again.

    key : of the uploader, for own_model
    """
    label = "A config.json of your own"
    file_box(label, type="json", key=key, max_upload_size=CONFIG_LIMIT_MB, help=HELP, **more)


def own_model(key: str) -> Model | None:
    """The model of an uploaded config.json, as long as it is there.

    key : of the uploader
    raises : PlannerError
    """
    uploaded = st.session_state.get(key)
    if uploaded is None:
        return None
    try:
        config = json.loads(uploaded.getvalue())
    except (ValueError, RecursionError):
        raise MalformedFile(f"{uploaded.name[:60]} is not JSON. Upload the model's config.json as it is.") from None
    if not isinstance(config, dict):
        raise MalformedFile(f"{uploaded.name[:60]} holds no JSON object. Upload the model's config.json as it is.")
    return model_from_config(config, "uploaded config.json", Source("uploaded config.json"))


def held_digest(key: str) -> str:
    """Names the content of the file that an uploader holds; empty where it holds none.

    key : of the uploader
    """
    held = st.session_state.get(key)
    return "" if held is None else hashlib.sha256(held.getvalue()).hexdigest()[:12]
