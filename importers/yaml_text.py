"""YAML from strangers, as the same parts that JSON gives: small files only, nothing but plain values.

| in the file                                    | here          |
| ---------------------------------------------- | ------------- |
| more than 4 MiB                                | TooLarge      |
| references that expand beyond a million values | TooLarge      |
| tags of Python objects, broken YAML            | MalformedFile |
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from importers.files import source_name
from importers.json_parts import Objects, objects_of
from planner.errors import MalformedFile, TooLarge
from planner.quantities import MIB

MAX_BYTES = 4 * MIB
MOST_VALUES = 1_000_000


def objects_of_yaml(path: Path) -> Objects:
    """The object that a file of YAML holds.

    raises : TooLarge, MalformedFile
    """
    name = source_name(path)
    if path.stat().st_size > MAX_BYTES:
        raise TooLarge(f"{name} has more than {MAX_BYTES // MIB} MiB of YAML. Save the report as JSON.")
    try:
        value = yaml.safe_load(path.read_bytes())
        if _size(value, {}) > MOST_VALUES:
            raise TooLarge(f"{name} holds references that expand to more than {MOST_VALUES:,} values.")
        return objects_of(msgspec.json.encode(value), name)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise MalformedFile(f"{name}: no YAML of plain values. Save the report as JSON.") from error


def _size(value: Any, known: dict[int, int]) -> int:
    """How many values, each reference counted as what it expands to.

    known : sizes by identity; a value inside itself counts as too many
    """
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = MOST_VALUES + 1
        inside = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(item, known) for item in inside)
    return known[id(value)]
