"""The question as a link: read once when a session opens, written after every change.

Values are ids and numbers, not labels. A value that is none of the choices is dropped and told, never taken silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

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


def number(low: float, high: float, default: float | None) -> Parameter:
    """A number within bounds."""

    def read(text: str) -> float:
        value = float(text[:30])
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return Parameter(default, read)


def several(options: tuple[Any, ...], default: tuple[Any, ...]) -> Parameter:
    """Any of several values, between commas; widgets want a list of their own."""
    texts = {str(option): option for option in options}

    def read(text: str) -> list[Any]:
        words = [word for word in text.split(",") if word]
        if any(word not in texts for word in words):
            raise ValueError(text)
        return [texts[word] for word in words]

    return Parameter(list(default), read)


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
            st.session_state[key] = _own(parameter.default) if text is None else parameter.read(text)
        except (ValueError, PlannerError) as error:
            st.session_state[key] = _own(parameter.default)
            why = str(error) if isinstance(error, PlannerError) else "which is none of the choices."
            shown = "none" if parameter.default in (None, "") else parameter.default
            told.append(f'The link says {key} = "{(text or "")[:40]}": {why} Showing {shown} instead.')
    return told


def write_link(parameters: Mapping[str, Parameter]) -> None:
    """Writes session state into the address; what is empty or off is left out."""
    values = {key: st.session_state.get(key) for key in parameters}
    link = {key: written(value) for key, value in values.items() if value not in (None, "", False, [])}
    if link != st.query_params.to_dict():
        st.query_params.from_dict(link)


def address(page: str, parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> str:
    """The address of another page with its whole question, relative to this one.

    page : its url_path
    parameters : of that page
    values : key -> value, as that page's widgets hold them; what is empty or its default is left out
    """
    told = {key: value for key, value in values.items() if value not in (None, "", False, [])}
    query = {key: written(value) for key, value in told.items() if value != parameters[key].default}
    return f"{page}?{urlencode(query)}"


def written(value: Any) -> str:
    """A value as a link has it: what `read` takes back."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _own(default: Any) -> Any:
    """A default that a widget may change without changing it for everybody."""
    return list(default) if isinstance(default, list) else default
