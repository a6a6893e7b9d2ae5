"""What the text of a variable may be: readers that turn it into a value, or say what it should have been."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    name : as the table of settings shows it
    read : text -> value; ValueError if it is none
    wanted : what to give, as a message says it
    """

    name: str
    read: Callable[[str], Any]
    wanted: str


def one_of(*words: str) -> Kind:
    """One of some words."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return Kind(" or ".join(words), read, f"Give {' or '.join(words)}")


def url(*schemes: str) -> Kind:
    """An address of one of some schemes, with a host."""

    def read(text: str) -> str:
        told = urlsplit(text)
        if told.scheme not in schemes or not told.hostname:
            raise ValueError(text)
        return text

    return Kind("URL", read, f"Give an address that begins with {' or '.join(f'{one}://' for one in schemes)}")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


def _count(text: str) -> int:
    return math.ceil(_positive(text))


def _there(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise ValueError(text)
    return path.resolve()


def _place(text: str) -> Path | str:
    return text if "://" in text else Path(text)


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in text.split(",") if host.strip())
    if not hosts or any("/" in host or ":" in host for host in hosts):
        raise ValueError(text)
    return hosts


def _secret(text: str) -> str:
    if len(text) < SHORTEST_SECRET:
        raise ValueError(text)
    return text


NUMBER = Kind("number", _positive, "Give a positive number")
COUNT = Kind("count", _count, "Give a positive number")
TEXT = Kind("text", str, "Give a text")
FOLDER = Kind("folder", Path, "Give a folder")
FOLDER_THERE = Kind("folder", _there, "That is no folder here: make it")
PLACE = Kind("folder or URL", _place, "Give a folder, or a URL that fsspec knows")
HOSTS = Kind("names", _hosts, "Give names of hosts without port, between commas; *.example.com for all below one")
SECRET = Kind("secret", _secret, f"Give at least {SHORTEST_SECRET} random characters")
