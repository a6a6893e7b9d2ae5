"""Help texts say what the glossary says."""

import pytest

from tests.ui.test_pages import opened
from ui.glossary import meaning


def test_a_word_has_its_unit_and_its_meaning():
    assert meaning("link-bound") == "Link-bound: bytes sent / (share · link bandwidth) is the longest."
    assert meaning("bandwidth floor").startswith("Bandwidth floor [s]: weights that a step has to read / bandwidth: no")
    assert meaning("TPOT") == "TPOT [s]: (end-to-end - TTFT) / (output_tokens - 1)."
    with pytest.raises(KeyError):
        meaning("nothing")


def test_the_help_of_plan_carries_it():
    app = opened()
    helps = {widget.label: widget.help for widget in (*app.selectbox, *app.number_input, *app.metric)}
    said = {
        "GPUs": "tensor_parallel", "Requests at once": "concurrency", "First token": "TTFT", "Per token": "TPOT",
        "Tokens/s": "throughput", "Bandwidth floor": "bandwidth floor", "Cached prompt tokens": "prefix_cached_tokens",
    }  # fmt: skip
    for label, word in said.items():
        assert meaning(word).replace("_", "") in helps[label].replace("\\", "").replace("_", ""), label
    assert all(helps.values())
