"""Cells of a CSV that a spreadsheet shows and never runs."""

from __future__ import annotations

from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a text opens with that spreadsheets take for a formula."""


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet executes: a text that opens as a formula gets an apostrophe, a number stays.

    >>> harmless("=1+1"), harmless("-3.5"), harmless("@x"), harmless("llama"), harmless(-1.0)
    ("'=1+1", '-3.5', "'@x", 'llama', -1.0)
    """
    if not isinstance(cell, str) or not cell.startswith(FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
