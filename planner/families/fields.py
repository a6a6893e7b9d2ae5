"""A config.json as checked fields: a number in range, a flag, a list of the right length; or an error that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.errors import UnsupportedModel

LIMIT = 2**26
"""No width, vocabulary or context of a real model comes near; larger is a damaged file."""

MOST_LAYERS = 10_000


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one section of a config.json. A field that is null counts as absent.

    values : keys as in the file
    name : model or file, for messages
    """

    values: Mapping[str, Any]
    name: str

    def has(self, *keys: str) -> bool:
        """Whether any of the keys holds something."""
        return any(self.values.get(key) is not None for key in keys)

    def count(self, *keys: str, default: int | None = None, least: int = 1) -> int:
        """The whole number under the first key that is present.

        keys : the field and other spellings of it
        default : what an absent field means; None: it is required [1]
        least : smallest value that makes sense [1]
        raises : UnsupportedModel naming file and field
        """
        found = self.optional(*keys, least=least)
        if found is not None:
            return found
        if default is None:
            raise self.missing(*keys)
        return default

    def optional(self, *keys: str, least: int = 1) -> int | None:
        """The whole number under the first key that is present, or None.

        keys : the field and other spellings of it
        least : smallest value that makes sense [1]
        raises : UnsupportedModel naming file and field
        """
        for key in keys:
            value = self.values.get(key)
            if value is not None:
                return self._whole(key, value, least)
        return None

    def flag(self, key: str, default: bool) -> bool:
        """A true or false.

        key : the field
        default : what an absent field means
        raises : UnsupportedModel naming file and field
        """
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def text(self, *keys: str, default: str | None = None) -> str:
        """A word.

        keys : the field and other spellings of it
        default : what an absent field means; None: it is required [1]
        raises : UnsupportedModel naming file and field
        """
        for key in keys:
            value = self.values.get(key)
            if value is not None:
                if not isinstance(value, str):
                    raise self.wrong(key, value, "a text")
                return value
        if default is None:
            raise self.missing(*keys)
        return default

    def section(self, key: str) -> Fields:
        """A nested object, such as text_config.

        key : the field
        raises : UnsupportedModel naming file and field
        """
        value = self.values.get(key)
        if value is None:
            raise self.missing(key)
        if not isinstance(value, Mapping):
            raise self.wrong(key, value, "an object")
        return Fields(value, f"{self.name} ({key})")

    def each(self, key: str, length: int, allowed: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """A list with one entry for each layer.

        key : the field
        length : layers [1]
        allowed : the entries that are understood
        raises : UnsupportedModel naming file and field
        """
        value = self.values.get(key)
        if not isinstance(value, list | tuple) or len(value) < length:
            raise self.wrong(key, value, f"a list of at least {length} entries, one for each layer")
        for entry in value[:length]:
            if isinstance(entry, bool) or not isinstance(entry, str | int) or entry not in allowed:
                raise self.wrong(key, entry, f"one of {', '.join(map(repr, allowed))} in each entry")
        return tuple(value[:length])

    def missing(self, *keys: str) -> UnsupportedModel:
        """The error for a required field that is not there."""
        spelled = " or ".join(f"'{key}'" for key in keys)
        return UnsupportedModel(
            f"config.json of {self.name}: field {spelled} is missing, so its weights cannot be counted. "
            "Add the field, or give the complete config.json of the model."
        )

    def wrong(self, key: str, value: object, wanted: str) -> UnsupportedModel:
        """The error for a field that holds something else than it should."""
        return UnsupportedModel(
            f"config.json of {self.name}: field '{key}' is {_short(value)}; it must be {wanted}. "
            "Correct the field, or give the config.json as the model's publisher wrote it."
        )

    def refused(self, why: str) -> UnsupportedModel:
        """The error for a config that is whole but not understood."""
        return UnsupportedModel(f"config.json of {self.name}: {why}")

    def _whole(self, key: str, value: object, least: int) -> int:
        most = MOST_LAYERS if key in {"num_hidden_layers", "n_layer", "depth"} else LIMIT
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(key, value, f"a whole number from {least} to {most}")
        return value


def _short(value: object) -> str:
    shown = (
        f"a {type(value).__name__}"
        if isinstance(value, list | tuple | Mapping | int) and _is_long(value)
        else repr(value)
    )
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _is_long(value: object) -> bool:
    return value.bit_length() > 200 if isinstance(value, int) else True
