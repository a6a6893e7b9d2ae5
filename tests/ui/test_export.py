"""The export menus: closed they make nothing, open they offer every form."""

from tests.ui.test_pages import opened


def buttons(app):
    return [button.label for button in app.get("download_button")]


def test_a_closed_menu_makes_nothing():
    assert buttons(opened()) == []


def test_an_open_menu_offers_the_chart_and_its_table():
    app = opened()
    app.session_state["export-roofline"] = True
    app.run()
    assert not app.exception
    assert buttons(app)[:7] == ["PNG", "SVG", "PDF", "CSV", "XLSX", "PARQUET", "JSON"]
