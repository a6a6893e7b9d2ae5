"""Where a file that leaves the house comes from. Every one of them carries this inside."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
ESCAPED = re.compile(r"\\([\\`*_{}\[\]()<>#+!|~$:])")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a file says of itself.

    said : what it shows, in one sentence without markup
    question : what was asked, in words
    source : who says so, and on what it rests
    link : path and query that open the question again; empty: there is none
    made : when, in UTC
    """

    said: str
    question: str
    source: str
    link: str = ""
    made: datetime | None = None

    def about(self) -> dict[str, str]:
        """Name -> text, in the order in which people read it; the date is now where none is given."""
        told = {
            "title": self.said,
            "question": self.question,
            "link": self.link,
            "source": self.source,
            "date": (self.made or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
            "version": product(),
        }
        return {name: text for name, text in told.items() if text}


@cache
def product() -> str:
    """Name and version of the product, as pyproject.toml has them."""
    told = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    return f"{told['name'].capitalize()} {told['version']}"


def unmarked(markdown: str) -> str:
    r"""A sentence of a page without its Markdown: no emphasis, no escapes.

    >>> unmarked(r"**Llama\_2** on *two* GPUs")
    'Llama_2 on two GPUs'
    """
    bare = re.sub(r"^#+ ", "", re.sub(r"(?<!\\)\*+", "", markdown))
    return ESCAPED.sub(r"\1", bare)
