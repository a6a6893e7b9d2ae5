"""The app's menu as a browser uses it."""

from __future__ import annotations

from playwright.sync_api import Page

NAMES = ("Plan", "Buy", "Compare", "Evidence", "Explain", "Present", "Catalogue", "Methods")
"""Pages in the order of the work."""


def turn_to(page: Page, name: str) -> None:
    """Opens another page from the menu of a wide window.

    name : one of NAMES
    """
    page.get_by_role("link", name=name, exact=True).click()
