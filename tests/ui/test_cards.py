"""Tables that a phone shows as cards: text stays text, each cell names its column, settings are words."""

from xml.etree import ElementTree

import pytest

from ui.cards import table_html
from words.settings import setting_row


def test_text_of_users_stays_text():
    body = table_html(("Scenario", '"><b>x'), [("<img src=x onerror=alert(1)>", "a & b")])
    (cell,) = ElementTree.fromstring(body).iter("td")  # noqa: S314 - ours
    assert "<img" not in body
    assert (cell.attrib["data-column"], cell.text) == ('"><b>x', "a & b")


@pytest.mark.parametrize(
    ("name", "values", "row"),
    [
        ("max_num_seqs", (8.0, None), ("Batch limit", "8", "–", "--max-num-seqs")),
        ("enforce_eager", ("true", "false"), ("Eager mode (no CUDA graphs)", "on", "off", "--enforce-eager")),
        ("gpu", ("t4", "RTX of my own"), ("GPU", "T4 PCIe", "RTX of my own", "")),
        ("max_model_len", (1048576.0, 1048577.0), ("Context limit", "1048576", "1048577", "--max-model-len")),
        ("ramp_up", ("linear",), ("Ramp up", "linear", "")),
    ],
)
def test_a_setting_is_told_in_words(name, values, row):
    assert setting_row(name, values) == row
