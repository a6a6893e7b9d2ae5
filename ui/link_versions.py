"""Links of earlier versions: what each later version renamed, so that a link opens for as long as people keep it.

A link leaves defaults out, so a new default is a new version too: `defaults` keeps what a silent link meant before.
Whoever renames a key or a value of a link, or changes a default, adds one Change; tests/ui/links.csv holds old links.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

KEY = "v"


@dataclass(frozen=True, slots=True)
class Change:
    """What one version changed.

    keys : old key -> new key
    values : (new key, old text) -> new text
    defaults : new key -> the text that a silent link stood for
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[tuple[str, str], str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)

    def applied(self, link: Mapping[str, str]) -> dict[str, str]:
        """What a link of the version before says, as this version says it."""
        renamed = {self.keys.get(key, key): text for key, text in link.items()}
        return {key: self.values.get((key, text), text) for key, text in renamed.items()}


CHANGES: tuple[Change, ...] = (Change(),)
"""From version 0, links that name no version, to 1; from 1 to 2; ..."""


def version(changes: Sequence[Change] = CHANGES) -> int:
    """Of the links that are written now."""
    return len(changes)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A link of any version as this version writes it.

    told : what it says, key -> text
    silent : what it leaves out and meant
    why : a sentence where its version is none of ours; else empty
    """

    told: Mapping[str, str]
    silent: Mapping[str, str]
    why: str = ""


def upgraded(link: Mapping[str, str], changes: Sequence[Change] = CHANGES) -> Upgraded:
    """Reads a link of any version.

    link : key -> text
    """
    said = link.get(KEY, "0")
    told, silent = {key: text for key, text in link.items() if key != KEY}, {}
    if not (said.isascii() and said.isdigit()) or int(said[:9]) > version(changes):
        later = f'The link is of version "{said[:9]}", which this one does not know. What both know is shown.'
        return Upgraded(told, {}, later)
    for change in changes[int(said[:9]) :]:
        told, silent = change.applied(told), {**change.defaults, **change.applied(silent)}
    return Upgraded(told, silent)
