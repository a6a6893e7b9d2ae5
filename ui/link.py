"""The question as a link: read once when a session opens, written after every change.

Values are ids and numbers, not labels; a default is left out. A key that the page does not know, or a value that is
none of the choices, is dropped and told, never taken silently. Links of earlier versions open too (link_versions.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import streamlit as st

from planner.catalogue import find_gpu
from planner.errors import BadLink, PlannerError
from ui.link_versions import KEY as VERSION
from ui.link_versions import Upgraded, upgraded, version
from ui.workspace import IN, place


def written(value: Any) -> str:
    """A value as a link has it: what `read` takes back."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of a link.

    default : where the link is silent
    read : text of the link -> value; ValueError or PlannerError for one that is none of the choices
    write : value -> text, what `read` takes back
    always : whether a default is told too, because tomorrow's may be another: the latest run
    """

    default: Any
    read: Callable[[str], Any]
    write: Callable[[Any], str] = written
    always: bool = False


def choice(options: tuple[Any, ...], default: Any, *, always: bool = False) -> Parameter:
    """One of several values, written as text."""
    texts = {str(option): option for option in options}

    def read(text: str) -> Any:
        if text not in texts:
            raise ValueError(text)
        return texts[text]

    return Parameter(default, read, always=always)


def whole(low: int, high: int, default: int | None) -> Parameter:
    """A whole number within bounds."""

    def read(text: str) -> int:
        number = int(text[:20])
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return Parameter(default, read)


def number(low: float, high: float, default: float | None, *, optional: bool = False) -> Parameter:
    """A number within bounds; empty where its widget may be."""

    def read(text: str) -> float | None:
        if not text and optional:
            return None
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


def gpus() -> Parameter:
    """Any of the GPUs by any of their names, between commas; none by default."""
    return Parameter([], lambda text: [find_gpu(word).id for word in text.split(",") if word])


def read_link(parameters: Mapping[str, Parameter]) -> list[str]:
    """Puts the link's values, or the defaults, into session state where it has none yet.

    parameters : all that the page knows
    returns : a sentence for each value that was dropped
    """
    link = _question(st.query_params.to_dict())
    told = [link.why] if link.why else []
    told += [
        f'The link says {key[:40]} = "{text[:40]}", which this page does not know. It is left out.'
        for key, text in link.told.items()
        if key not in parameters
    ]
    texts_ = {**link.silent, **link.told}
    for key, parameter in parameters.items():
        if key in st.session_state:
            continue
        text = texts_.get(key)
        try:
            st.session_state[key] = _own(parameter.default) if text is None else parameter.read(text)
        except (ValueError, PlannerError) as error:
            st.session_state[key] = _own(parameter.default)
            why = str(error) if isinstance(error, PlannerError) else "which is none of the choices."
            shown = "none" if _empty(parameter.default) else parameter.default
            told.append(f'The link says {key} = "{(text or "")[:40]}": {why} Showing {shown} instead.')
    return told


def write_link(parameters: Mapping[str, Parameter]) -> None:
    """Writes session state into the address, as short as it goes."""
    link = texts(parameters, st.session_state) | place()
    if link != st.query_params.to_dict():
        st.query_params.from_dict(link)


def texts(parameters: Mapping[str, Parameter], values: Mapping[Any, Any]) -> dict[str, str]:
    """A page's question as a link has it: the version, and what differs from the defaults.

    parameters : of that page
    values : key -> value, as that page's widgets hold them; a key that is missing has its default
    """
    told = {key: values[key] for key in parameters if key in values}
    return {VERSION: str(version())} | {
        key: "" if _empty(value) else parameters[key].write(value)
        for key, value in told.items()
        if parameters[key].always or not _same(value, parameters[key].default)
    }


def query(parameters: Mapping[str, Parameter], values: Mapping[Any, Any]) -> str:
    """The same as the text behind the question mark; what people read stays readable."""
    return _encoded(texts(parameters, values))


def values_of(parameters: Mapping[str, Parameter], text: str) -> dict[str, Any]:
    """What a page's widgets hold for the text of a link: the reverse of `query`.

    raises : PlannerError naming the key that is unknown, or whose value is none of the choices
    """
    link = _question(dict(parse_qsl(text, keep_blank_values=True)))
    strange = [key for key in link.told if key not in parameters]
    if link.why or strange:
        raise BadLink(link.why or f"The link says {strange[0][:40]}, which Plan does not know. Ask for it again.")
    found = {**link.silent, **link.told}
    return {
        key: _own(parameter.default) if key not in found else _read(key, parameter, found[key])
        for key, parameter in parameters.items()
    }


def address(page: str, parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> str:
    """The address of another page with its whole question and the workspace, relative to this one.

    page : its url_path
    parameters, values : as in `texts`
    """
    return f"{page}?{_here(parameters, values)}"


def full_address(parameters: Mapping[str, Parameter]) -> str:
    """The address of this page with its whole question and the workspace, to be sent to others."""
    here = urlsplit(st.context.url or "")
    return urlunsplit((here.scheme, here.netloc, here.path or "/", _here(parameters, st.session_state), ""))


def _here(parameters: Mapping[str, Parameter], values: Mapping[Any, Any]) -> str:
    return _encoded(texts(parameters, values) | place())


def _encoded(told: Mapping[str, str]) -> str:
    return urlencode(told, quote_via=quote, safe="/:,@")


def _question(told: Mapping[str, str]) -> Upgraded:
    """What a link asks; in which workspace is not part of it."""
    return upgraded({key: text for key, text in told.items() if key != IN})


def _read(key: str, parameter: Parameter, text: str) -> Any:
    try:
        return parameter.read(text)
    except ValueError as error:
        raise BadLink(f'The link says {key} = "{text[:40]}", which is none of the choices.') from error


def _same(value: Any, default: Any) -> bool:
    return value == default or (_empty(value) and _empty(default))


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple) and not value)


def _own(default: Any) -> Any:
    """A default that a widget may change without changing it for everybody."""
    return list(default) if isinstance(default, list) else default
