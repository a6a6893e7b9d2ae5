"""The app's menu as a browser uses it: pages stand under what people come for."""

from __future__ import annotations

from playwright.sync_api import Page

TASK_OF = {
    "Plan": "Choose", "Buy": "Choose", "Compare": "Choose", "Evidence": "Measure", "Explain": "Measure",
    "Present": "Share", "Catalogue": "Look up", "Methods": "Look up",
}  # fmt: skip


def turn_to(page: Page, name: str) -> None:
    """Opens another page from the menu of a wide window.

    name : of the page, as the menu has it
    """
    page.get_by_test_id("stTopNavSection").filter(has_text=TASK_OF[name]).click()
    page.get_by_role("menuitem", name=name, exact=True).click()
