"""The glossary's words in help texts: one word, one meaning, on every page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FILE = Path(__file__).parent.parent / "docs" / "glossary.md"


def meaning(word: str) -> str:
    """What a word of docs/glossary.md means, as a sentence; its unit behind it, where it has one.

    raises : KeyError for a word that is not there: tests ask for each that a page uses

    >>> meaning("link-bound")
    'Link-bound: bytes sent / (share · link bandwidth) is the longest.'
    """
    unit, text = _meanings()[word]
    measured = f" [{unit}]" if unit not in ("-", "1") else ""
    return f"{word[0].upper()}{word[1:]}{measured}: {text}."


@cache
def _meanings() -> dict[str, tuple[str, str]]:
    found = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("|") and len(cells) == 3:
            names, unit, text = cells
            found |= {name.strip(): (unit, text) for name in names.split(",")}
    return found
