"""The question as a link: read once when a session opens, written after every change.

Values are ids and numbers, not labels. A value that is none of the choices is dropped and told, never taken silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from planner.catalogue import find_gpu
from planner.errors import PlannerError


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of a link.

    default : where the link is silent
    read : text of the link -> value; ValueError or PlannerError for one that is none of the choices
    """

    default: Any
    read: Callable[[str], Any]


def choice(options: tuple[Any, ...], default: Any) -> Parameter:
    """One of several values, written as text."""
    texts = {str(option): option for option in options}

    def read(text: str) -> Any:
        if text not in texts:
            raise ValueError(text)
        return texts[text]

    return Parameter(default, read)


def whole(low: int, high: int, default: int | None) -> Parameter:
    """A whole number within bounds."""

    def read(text: str) -> int:
        number = int(text[:20])
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return Parameter(default, read)


def name(default: str, longest: int = 200) -> Parameter:
    """A short text; what it means is found out where it is used."""

    def read(text: str) -> str:
        if len(text) > longest:
            raise ValueError(text)
        return text

    return Parameter(default, read)


def gpu(default: str) -> Parameter:
    """A GPU by any of its names."""
    return Parameter(default, lambda text: find_gpu(text).id)


def read_link(parameters: Mapping[str, Parameter]) -> list[str]:
    """Puts the link's values, or the defaults, into session state where it has none yet.

    returns : a sentence for each value that was dropped
    """
    told = []
    for key, parameter in parameters.items():
        if key in st.session_state:
            continue
        text = st.query_params.get(key)
        try:
            st.session_state[key] = parameter.default if text is None else parameter.read(text)
        except (ValueError, PlannerError) as error:
            st.session_state[key] = parameter.default
            why = str(error) if isinstance(error, PlannerError) else "which is none of the choices."
            told.append(f'The link says {key} = "{(text or "")[:40]}": {why} Showing {parameter.default} instead.')
    return told


def write_link(parameters: Mapping[str, Parameter]) -> None:
    """Writes session state into the address; what is empty or off is left out."""
    values = {key: st.session_state.get(key) for key in parameters}
    link = {key: str(value) for key, value in values.items() if value not in (None, "", False)}
    if link != st.query_params.to_dict():
        st.query_params.from_dict(link)
