"""The export menus: closed they make nothing, open they offer every form."""

from planner.contrast import Known
from planner.quantities import Basis
from tests.ui.test_pages import opened
from ui.pin_files import taken


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


def test_pins_leave_with_every_figure():
    app = opened("compare")
    app.session_state["export-side-by-side"] = True
    app.run()
    assert not app.exception
    assert buttons(app) == ["PNG", "SVG", "PDF", "CSV", "XLSX", "PARQUET", "JSON"]
    known = {"tpot": Known(0.01, 0.009, None, Basis.CALIBRATED)}
    known["output_throughput"] = Known(90.0, None, None, Basis.MEASURED)
    drawing, table = taken("**B** is faster.", "compare?v=1", {}, {}, [("A", {}), ("B", known)])
    assert drawing.origin.said == "B is faster."
    assert "measurements" in drawing.origin.source
    rows = {row["figure"]: row for row in table.main}
    assert (rows["tpot"]["value"], rows["tpot"]["unit"], rows["tpot"]["high"]) == (10, "ms", None)
    assert (rows["output_throughput"]["value"], rows["output_throughput"]["unit"]) == (90, "1/s")
