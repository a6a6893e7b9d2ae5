"""What was set, as a table of words: for pages, no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence

from planner.catalogue import gpus
from planner.overlay import format_cell
from planner.setting_words import setting_flag, setting_words

SETTING, FLAG, UNTOLD = "Setting", "vLLM's flag", "–"
SWITCHES = {"true": "on", "false": "off"}


def setting_row(name: str, values: Sequence[str | float | None]) -> tuple[str, ...]:
    """A setting in words, its values, and vLLM's flag for who sets it.

    name : of a file's or the planner's settings
    values : of each side; None or empty: not told
    """
    return (setting_words(name), *(setting_value(name, value) for value in values), setting_flag(name))


def setting_value(name: str, value: str | float | None, untold: str = UNTOLD) -> str:
    """One value of a setting in words.

    name, value : as in `setting_row`; a number loses no digit
    untold : where the value is None or empty

    >>> setting_value("max_model_len", 1048576.0), setting_value("enforce_eager", "true")
    ('1048576', 'on')
    """
    if value is None or value == "":
        return untold
    text = format_cell(value)
    if name == "gpu":
        return gpus()[text].label if text in gpus() else text
    return SWITCHES.get(text.lower(), text)
