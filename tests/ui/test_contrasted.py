"""Compare's pins: an example at first, figures against the first, runs beside scenarios, renamed, kept, opened."""

import re
from urllib.parse import urlencode

import pytest

from charts import contrasts
from planner.contrast import METRICS, of_estimate
from planner.estimate import estimate
from store import pins as kept
from store.pins import Pin
from store.runs import Store, default_root
from tests.ui.given import card_table, card_tables, imported
from tests.ui.test_compare import demo, opened
from tests.ui.test_load_tests import words
from ui.contrasted import NAMES
from ui.packed import pack, unpack
from ui.question import question_of

H100, B200 = Pin("Today", "v=1"), Pin("Next *year*", "v=1&gpu=b200", "dearer")


def with_pins(*pins):
    return opened(pins=pack(pins))


def test_an_example_fills_the_first_visit():
    app = opened()
    assert "Nothing is pinned yet" in words(app)
    assert "nothing here is faster than **8B on an H100**" in words(app)
    assert app.query_params["view"] == "pins"


def test_figures_are_those_of_plan_and_the_answer_comes_first():
    app = with_pins(H100, B200)
    assert app.markdown[0].value.startswith(
        "#### Yes: **Next \\*year\\*** is faster than **Today**, 1.76 times its tokens/s"
    )
    first, second = (of_estimate(estimate(question_of(pin.query))) for pin in (H100, B200))
    known, ratios = (each.set_index("Scenario") for each in card_tables(app, "Per token"))
    assert known.loc["Today", "Basis"] == first["tpot"].basis.label
    for metric in METRICS:
        value, low, high = map(float, re.findall(r"[\d.]+", ratios.loc["Next *year*", NAMES[metric]]))
        assert value == pytest.approx(second[metric].value / first[metric].value, rel=5e-3)
        assert low < value < high
    assert ratios.loc["Next *year*", "USD per 1M tokens"].endswith(": dearer")
    assert card_table(app, "Setting").to_numpy().tolist()[0] == ["GPU", "H100 SXM5 80GB", "B200 SXM/HGX", ""]


def test_two_questions_that_hardly_differ_cannot_be_told_apart():
    app = with_pins(H100, Pin("Longer", "v=1&output=257"))
    assert "Cannot tell whether **Longer** is faster than **Today**" in words(app)


def test_a_run_stands_beside_a_scenario():
    app = with_pins(H100, Pin("Measured", f"v=1&run={demo('b8')}"))
    assert "whether that is more than noise cannot be told" in words(app)
    values = card_table(app, "Basis").set_index("Scenario")
    assert values.loc["Measured", "Basis"] == "measured"
    assert card_table(app, "Setting").set_index("Setting").loc["GPU"].tolist()[:2] == ["H100 SXM5 80GB", "T4 PCIe"]


def test_a_run_of_several_loads_asks_which():
    run = imported("points.csv", b"concurrency,ttft_ms,tpot_ms,output_throughput_per_s\n1,20,10,90\n8,40,12,640\n")
    app = with_pins(H100, Pin("Sweep", f"v=1&run={run}"))
    app.selectbox(key=f"load-{run}").set_value(1).run()
    assert card_table(app, "Basis").set_index("Scenario").loc["Sweep", "Per token"] == "12 ms"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("v=1&run=0123456789ab", "is not in this store"),
        ("v=1&gpu=t4&model=meta-llama/Llama-3.3-70B-Instruct", "does not fit"),
        ("v=1&gpux=l4", "gpux"),
        ("v=1&calibration=ours", "calibration"),
        ("v=1&model=nobody/nothing", "No model"),
    ],
)
def test_what_has_no_figures_says_why_and_the_others_stay(query, why):
    app = with_pins(H100, Pin("Bad", query), B200)
    assert why in app.warning[0].value.replace("\\", "")
    assert "is faster than **Today**" in words(app)
    app = with_pins(Pin("Bad", query), B200)
    assert "has no figure in common" in words(app)


def test_pins_are_renamed_ordered_and_removed_and_all_of_it_undone():
    app = with_pins(H100, B200)
    key = f"0-{H100.name}-{H100.query}"
    app.text_input(key=f"name-{key}").set_value("Then").run()
    app.button(key=f"up-1-{B200.name}-{B200.query}").click().run()
    assert [pin.name for pin in app.session_state["pins"]] == [B200.name, "Then"]
    assert app.markdown[0].value.startswith("#### No: nothing here is faster than **Next")
    app.button(key=f"remove-1-Then-{H100.query}").click().run()
    assert unpack(app.query_params["pins"]) == (B200,)
    for _ in range(3):
        app.button(key="undo-compare").click().run()
    assert app.session_state["pins"] == (H100, B200)
    assert not app.exception


def test_pins_are_kept_and_opened_by_their_name():
    app = with_pins(H100, B200)
    app.text_input(key="pins_name").set_value("our talk").run()
    app.button(key="pins_save").click().run()
    assert kept.load(Store(default_root()), "our-talk") == (H100, B200)
    other = opened()
    other.button(key="pins_open").click().run()
    assert other.session_state["pins"] == (H100, B200)
    other.button(key="pins_delete").click().run()
    assert kept.names(Store(default_root())) == []


def test_a_forged_link_is_told():
    app = opened(pins="1AAAA")
    assert "cut off" in app.warning[0].value


def test_names_of_a_link_stay_text():
    app = with_pins(Pin("![x](http://example.com/a.png)", "v=1"))
    assert "![x](" not in words(app) + urlencode({"": app.metric[0].label})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chart_uses_only_the_data_it_is_sent(theme):
    spec = contrasts.contrasts_spec(theme, "TPOT (ms)")
    assert {layer["data"]["name"] for layer in spec["layer"] if "data" in layer} | {spec["data"]["name"]} == {"pins"}
