"""The Catalogue page: everything with its source, found by a word; own entries added, used on other pages, removed."""

import json
from pathlib import Path

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from planner.catalogue import gpus
from planner.catalogue_models import rows
from planner.whose import NONE, count
from tests.planner.test_own import CONFIG, H100
from tests.ui.test_buy import opened as opened_buy
from tests.ui.test_buy import table as options
from tests.ui.test_pages import opened, text
from ui import own

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def catalogue_alone(own_folders):
    own._read.clear()
    yield
    own._read.clear()
    count(NONE)


def frame(app, column):
    return next(one.value for one in app.dataframe if column in one.value)


def submit(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def added_gpu(name="lab", **change):
    app = opened("catalogue")
    next(box for box in app.text_input if box.label == "Name" and box.placeholder == "lab-gpu").set_value(name)
    row = {key: value for key, value in H100.items() if key not in ("id", "aliases", "unchecked")}
    app.text_area[0].set_value(yaml.safe_dump({**row, "name": "Lab", **change}))
    return submit(app, "Add this GPU")


def test_everything_is_there_with_its_source():
    app = opened("catalogue")
    assert not app.exception
    assert len(frame(app, "Not checked")) == len(gpus())
    assert len(frame(app, "Shapes")) == len(rows())
    for column in ("Not checked", "Shapes", "Years"):
        assert (frame(app, column)["Source"].str.len() > 0).all()
    assert (frame(app, "Years")["Date"].str.len() > 0).all()


def test_a_word_finds_rows():
    app = opened("catalogue")
    app.text_input(key="search-own-gpus").set_value("V100 pcie").run()
    assert list(frame(app, "Not checked")["GPU"].str[:4].unique()) == ["V100"]
    app.text_input(key="search-own-gpus").set_value("nothing(").run()
    assert frame(app, "Not checked").empty


def test_an_own_gpu_is_added_and_known_to_plan_and_buy():
    app = added_gpu()
    assert "own-lab" in app.success[0].value.replace("\\", "")
    assert "own-lab" in list(frame(app, "Not checked")["Id"])
    plan = opened(gpu="own-lab")
    assert "1 × Lab" in text(plan)
    assert plan.query_params["gpu"] == "own-lab"
    bought = opened_buy(among="own-lab,l40s", prices="own-lab on_demand 1")
    assert set(options(bought)["GPU"]) == {"Lab SXM5 80GB", "L40S PCIe"}


def test_a_link_to_an_unknown_own_entry_says_so():
    assert "No own GPU" in opened(gpu="own-lab").warning[0].value
    assert "No own model" in text(opened(model="own/ours")).replace("\\", "")


@pytest.mark.parametrize(
    ("change", "why"), [({"power_w": -1}, "power_w"), ({"compute_capability": "1.0"}, "compute_capability")]
)
def test_a_bad_gpu_is_told_and_not_kept(change, why):
    app = added_gpu(**change)
    assert why in app.error[0].value.replace("\\", "")
    assert app.text_area[0].value.startswith("bandwidth") or "Lab" in app.text_area[0].value


@pytest.mark.parametrize("row", ["a: &a [x]\nb: *a", "[1, 2]", "a: [", "!!python/object:os.system {}", ": :", "x"])
def test_hostile_yaml_is_told(row):
    app = opened("catalogue")
    app.text_input[1].set_value("lab")
    app.text_area[0].set_value(row)
    assert "row" in submit(app, "Add this GPU").error[0].value


def test_an_own_price_is_used_by_plan_and_removed_again():
    app = opened("catalogue")
    next(box for box in app.selectbox if box.label == "GPU").set_value("l4")
    next(box for box in app.number_input if box.label == "Value").set_value(9.0)
    next(box for box in app.text_input if box.label == "Source").set_value("an offer")
    submit(app, "Keep this price")
    row = frame(app, "Years").set_index("GPU").loc["l4"]
    assert (row["Value"], row["Source"]) == (9.0, "an offer")
    assert "$9.00 an hour" in next(one for one in opened(gpu="l4").metric if one.label == "Per 1M tokens").help
    app.button(key="remove-own-prices-l4").click().run()
    assert frame(app, "Years").set_index("GPU").loc["l4", "Value"] == 0.8


def test_a_price_without_a_source_is_refused():
    app = opened("catalogue")
    assert "must be a positive number" in submit(app, "Keep this price").error[0].value
    next(box for box in app.number_input if box.label == "Value").set_value(9.0)
    assert "has no source" in submit(app, "Keep this price").error[0].value


def test_an_own_model_is_added_and_known_to_plan():
    app = opened("catalogue")
    next(box for box in app.text_input if box.placeholder == "our-8b").set_value("our-4b")
    app.file_uploader[0].upload("config.json", json.dumps(CONFIG).encode(), "application/json")
    submit(app, "Add this model")
    assert "own/our-4b" in list(frame(app, "Shapes")["Model"])
    assert "own/our-4b" in text(opened(model="own/our-4b"))


def test_a_model_without_a_file_is_told():
    app = opened("catalogue")
    next(box for box in app.text_input if box.placeholder == "our-8b").set_value("our-4b")
    assert "Choose the model" in submit(app, "Add this model").error[0].value


def test_the_frame_knows_own_entries_on_every_page():
    added_gpu()
    count(NONE)
    own._read.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["gpu"] = "own-lab"
    app.run()
    assert not app.exception
    assert app.selectbox(key="gpu").value == "own-lab"


@pytest.mark.parametrize(("page", "key", "held"), [("plan", "gpu", "own-lab"), ("buy", "among", ["own-lab", "l40s"])])
def test_a_gpu_that_is_gone_while_a_session_still_names_it_is_told(page, key, held):
    app = AppTest.from_file(str(ROOT / "ui" / "pages" / f"{page}.py"), default_timeout=60)
    app.session_state[key] = held
    app.query_params["split"] = "1"
    app.run()
    assert not app.exception
    assert "own-lab was removed" in app.warning[0].value.replace("\\", "")
    assert app.session_state[key] in ("h100-sxm", ["l40s"])


def test_an_own_models_name_is_not_sent_to_others():
    app = opened(model="own/secret-8b")
    assert "No own model" in " ".join(error.value for error in app.error)
    assert not [button for button in app.button if "huggingface" in button.label]
