"""A running app with a store of its own, and a page of a headless Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tools.running_app import running_app

PATIENCE = 60_000
"""On a busy machine a page takes its time; how fast it is, benchmarks say [ms]."""
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def app(tmp_path_factory) -> Iterator[str]:
    """Address of the app, served with an empty store."""
    with running_app(tmp_path_factory.mktemp("app")) as served:
        yield served.url


@pytest.fixture
def page(browser, app) -> Iterator[Page]:
    """A page of a laptop's size; a request to any other host fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    outside: list[str] = []
    own = (app, app.replace("http", "ws", 1), "data:", "blob:")
    opened.on("request", lambda request: None if request.url.startswith(own) else outside.append(request.url))
    yield opened
    context.close()
    assert outside == []
