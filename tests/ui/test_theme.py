"""Contrast of our theme by WCAG 2.1: 4.5 for text, 3 for marks; bounds apart for colour-blind eyes."""

import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest

from charts import palette

CONFIG = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())
MODES = ("light", "dark")
MACHADO = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
"""Machado, Oliveira, Fernandes, IEEE TVCG 15(6), 2009, severity 1, on linear RGB."""


def linear(colour):
    channel = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    lights = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) + 0.05 for colour in (one, other))
    return lights[1] / lights[0]


@pytest.mark.parametrize("mode", MODES)
def test_text_on_its_grounds(mode):
    theme = CONFIG["theme"][mode]
    for ground in ("backgroundColor", "secondaryBackgroundColor"):
        assert contrast(theme["textColor"], theme[ground]) >= 4.5
        assert contrast(theme["linkColor"], theme[ground]) >= 4.5


@pytest.mark.parametrize("mode", MODES)
def test_chart_text_and_marks(mode):
    ground = CONFIG["theme"][mode]["backgroundColor"]
    assert ground == palette.BACKGROUND[mode]
    for colour in (palette.TEXT[mode], palette.MUTED[mode], palette.MEASURED[mode]):
        assert contrast(colour, ground) >= 4.5
    for colour in (*palette.BOUND.values(), CONFIG["theme"][mode]["primaryColor"]):
        assert contrast(colour, ground) >= 3


@pytest.mark.parametrize("blindness", MACHADO)
def test_bounds_stay_apart_for_colour_blind_eyes(blindness):
    seen = {bound: np.array(MACHADO[blindness]) @ linear(colour) for bound, colour in palette.BOUND.items()}
    for one, other in itertools.combinations(seen.values(), 2):
        assert np.linalg.norm(np.clip(one, 0, 1) ** 0.45 - np.clip(other, 0, 1) ** 0.45) > 0.2


def test_each_bound_has_a_colour_of_its_own():
    assert len(set(palette.BOUND.values())) == len(palette.BOUND) == 4


def test_server_settings():
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["server"]["enableXsrfProtection"] is True
    assert CONFIG["server"]["maxUploadSize"] <= 200
    assert CONFIG["client"]["showErrorDetails"] == "none"
