"""What was set, as a table of words: for pages, no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence

from planner.catalogue import gpus
from planner.setting_words import setting_flag, setting_words

SETTING, FLAG, UNTOLD = "Setting", "vLLM's flag", "–"
SWITCHES = {"true": "on", "false": "off"}


def setting_row(name: str, values: Sequence[str | float | None]) -> tuple[str, ...]:
    """A setting in words, its values, and vLLM's flag for who sets it.

    name : of a file's or the planner's settings
    values : of each side; None or empty: not told
    """
    return (setting_words(name), *(_value(name, value) for value in values), setting_flag(name))


def _value(name: str, value: str | float | None) -> str:
    if value in (None, ""):
        return UNTOLD
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if name == "gpu":
        return gpus()[text].label if text in gpus() else text
    return SWITCHES.get(text.lower(), text)
