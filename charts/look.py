"""How a chart looks outside of a page, which brings its own theme: colours and type as a Vega-Lite config."""

from __future__ import annotations

from typing import Any

from charts import palette

FONT = "Inter, 'Segoe UI', system-ui, -apple-system, 'Helvetica Neue', Arial, sans-serif"


def config(theme: str) -> dict[str, Any]:
    """Settings for a whole chart, on a transparent background.

    theme : "light" or "dark"
    """
    text, muted, line = palette.TEXT[theme], palette.MUTED[theme], palette.LINE[theme]
    titles = {"labelColor": muted, "titleColor": text, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "text": {"color": text},
        "axis": {**titles, "gridColor": line, "gridOpacity": 0.5, "domainColor": line, "tickColor": line},
        "legend": {**titles, "titleFontWeight": "normal"},
    }
