"""data/traffic.yaml -> traffic to start from, each with where its numbers are from, and daily profiles by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from planner.catalogue import read_yaml
from planner.errors import BadRow, InvalidWorkload
from planner.quantities import Basis, Source
from planner.traffic import HOURS, Traffic, traffic

FILE = "traffic.yaml"
ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Preset:
    """Traffic with a name.

    profile : name of its daily profile
    source : of rate and lengths; their spread and the profile's shape are assumed everywhere
    """

    name: str
    traffic: Traffic
    profile: str
    source: Source

    @property
    def basis(self) -> Basis:
        """ASSUMED where nobody measured it."""
        return self.source.basis


@cache
def profiles() -> Mapping[str, tuple[float, ...]]:
    """Share of the busiest hour in each hour of a day, by the profile's name [1].

    raises : BadRow
    """
    found = {name: tuple(float(share) for share in row) for name, row in read_yaml(FILE)["profiles"].items()}
    for name, shares in found.items():
        if len(shares) != HOURS or max(shares) != 1 or min(shares) < 0:
            raise BadRow(f"data/{FILE}, profile {name}: give {HOURS} shares between 0 and 1, the busiest 1.")
    return MappingProxyType(found)


@cache
def presets() -> Mapping[str, Preset]:
    """Traffic to start from, by name [1/s], [tokens].

    raises : BadRow naming the preset and the field
    """
    found = {}
    for row in read_yaml(FILE)["presets"]:
        try:
            shape = profiles()[row["profile"]]
            lengths = float(row["prompt_tokens"]), float(row["output_tokens"])
            shared = float(row["prefix_share"])
            asked = Traffic(float(row["rate"]), *lengths, float(row["spread"]), profile=shape, prefix_share=shared)
            source = Source(row["source"], checked=row["source"] != ASSUMED)
            found[row["name"]] = Preset(row["name"], traffic(asked), row["profile"], source)
        except KeyError as missing:
            raise BadRow(f"data/{FILE}, preset {row.get('name', '?')}: {missing} is missing or unknown.") from missing
    return MappingProxyType(found)


def short_name(name: str) -> str:
    """A preset's name as a command line takes it.

    name : of a preset

    >>> short_name("Chat, medium")
    'chat_medium'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def preset(name: str) -> Preset:
    """The preset of a name, or of a short name.

    raises : InvalidWorkload listing them all
    """
    known = {short_name(full): found for full, found in presets().items()}
    if short_name(name) not in known:
        raise InvalidWorkload(f"No traffic is called {name[:40]!r}. Choose one of: {', '.join(known)}.")
    return known[short_name(name)]
