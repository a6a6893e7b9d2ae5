"""Links of every version open, give their scenario, are as short as they can be, and tell what they cannot read."""

import csv
import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from planner.errors import PlannerError
from tests.ui.given import imported
from tests.ui.test_catalogue import CONFIG
from tests.ui.test_pages import opened, text
from ui import link
from ui.link_versions import Change, upgraded, version
from ui.question import PARAMETERS, PRESETS, question_of

OLD = Path(__file__).parent / "links.csv"
ROWS = list(csv.DictReader(line for line in OLD.read_text(encoding="utf-8").splitlines() if not line.startswith("#")))


def told(scenario):
    split, load, engine, formats = scenario.deployment, scenario.workload, scenario.engine, scenario.quantization
    return {
        "gpu": split.gpu.id, "gpus": split.tensor_parallel, "model": scenario.model.name, "scheme": formats.scheme,
        "kv_cache": formats.kv_cache, "concurrency": f"{load.concurrency:g}",
        "prompt_tokens": f"{load.prompt_tokens:g}",
        "output_tokens": f"{load.output_tokens:g}", "mode": load.mode, "request_rate": load.request_rate or "",
        "cached": f"{load.prefix_cached_tokens:g}", "max_num_seqs": f"{engine.max_num_seqs:g}",
        "enforce_eager": engine.enforce_eager, "expert_parallel": split.expert_parallel,
    }  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["link"][:40] or "silent")
def test_an_old_link_gives_its_scenario(row):
    expected = {name: value for name, value in row.items() if name != "link"}
    assert {name: str(value) for name, value in told(question_of(row["link"])).items()} == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["link"][:40] or "silent")
def test_an_old_link_opens_and_is_written_as_of_today(row):
    app = opened(**dict(parse_qsl(row["link"])))
    assert not app.warning
    assert app.query_params["v"] == str(version())
    again = dict(app.query_params.items())
    assert told(question_of("&".join(f"{key}={text}" for key, text in again.items()))) == told(question_of(row["link"]))


def test_every_version_has_a_link_that_is_kept():
    assert {dict(parse_qsl(row["link"])).get("v", "0") for row in ROWS} == {str(n) for n in range(version() + 1)}


def test_renamed_keys_values_and_defaults_are_followed_over_several_versions():
    changes = (
        Change(keys={"tp": "gpus"}, defaults={"output": "128"}),
        Change(keys={"gpus": "count"}, values={("kv", "e4m3"): "fp8"}, defaults={"gpu": "l4"}),
    )
    oldest = upgraded({"tp": "4", "kv": "e4m3"}, changes)
    assert {**oldest.silent, **oldest.told} == {"gpu": "l4", "output": "128", "count": "4", "kv": "fp8"}
    later = upgraded({"v": "1", "gpus": "2", "gpu": "t4"}, changes)
    assert {**later.silent, **later.told} == {"gpu": "t4", "count": "2"}
    assert upgraded({"v": "2", "tp": "4"}, changes).told == {"tp": "4"}


@pytest.mark.parametrize("told_version", ["2", "99999999999999999999", "-1", "x", "", "²"])
def test_a_link_of_a_later_version_is_told(told_version):
    app = opened(v=told_version, concurrency="4")
    assert "version" in app.warning[0].value
    assert app.number_input(key="concurrency").value == 4


def test_an_unknown_key_is_told_and_left_out():
    app = opened(v="1", gpux="l4")
    assert "gpux" in app.warning[0].value
    assert "does not know" in app.warning[0].value
    assert "gpux" not in app.query_params
    with pytest.raises(PlannerError, match="gpux"):
        question_of("v=1&gpux=l4")


def test_a_value_that_is_no_choice_is_refused_where_nobody_could_be_told():
    for text_ in ("gpus=3", "gpu=nothing", "concurrency=x", "calibration=nobody"):
        with pytest.raises(PlannerError):
            question_of(text_)


def test_a_link_leaves_defaults_out_and_fits_into_a_chat():
    for preset in PRESETS.values():
        assert len(link.query(PARAMETERS, preset)) < 130
        assert link.values_of(PARAMETERS, link.query(PARAMETERS, preset)) | preset == link.values_of(
            PARAMETERS, link.query(PARAMETERS, preset)
        )
    assert link.query(PARAMETERS, next(iter(PRESETS.values()))) == "v=1"


def test_zero_is_no_default_and_empty_is_told():
    two = {"a": link.number(0, 9, 3.0), "b": link.number(0, 9, 3.0, optional=True)}
    assert link.query(two, {"a": 0.0, "b": None}) == "v=1&a=0&b="
    assert link.values_of(two, "v=1&a=0&b=") == {"a": 0.0, "b": None}


def test_plan_shows_its_full_address():
    assert "v=1&gpu=l4" in [code.value.partition("?")[2] for code in opened(gpu="l4").code]


@pytest.mark.parametrize("page", ["evidence", "explain"])
def test_a_link_to_a_run_opens_it_for_whoever_sees_the_store(page):
    run = imported("points.csv", b"concurrency,ttft_ms,tpot_ms\n1,20,10\n8,40,12\n")
    app = opened(page, run=run, v="1")
    assert not app.exception
    assert not app.warning
    assert app.query_params["run"] == run
    assert app.selectbox(key="run").value == run


def test_a_link_says_what_should_become_better():
    app = opened(goal="cost")
    assert "off the cost of a token" in text(app)
    assert app.query_params["goal"] == "cost"
    app.pills(key="goal").set_value(None).run()
    assert "goal" not in app.query_params


def test_a_link_of_an_uploaded_model_asks_for_its_file_and_shows_no_other():
    app = opened()
    app.file_uploader(key="config").upload("config.json", json.dumps(CONFIG).encode(), "application/json").run()
    assert "**uploaded config" in app.markdown[0].value
    link_of_it = dict(app.query_params.items())
    later = opened(**link_of_it)
    assert "upload its config.json again" in later.error[0].value
    assert "first token after" not in text(later)
    later.file_uploader(key="config").upload("config.json", json.dumps(CONFIG).encode(), "application/json").run()
    assert "**uploaded config" in later.markdown[0].value
    other = opened(**link_of_it)
    other.selectbox(key="model").set_value("Qwen/Qwen3-8B").run()
    assert "Qwen3" in other.markdown[0].value
    assert "uploaded" not in other.query_params


def test_an_uploaded_model_stays_in_the_session_until_another_is_chosen():
    """Streamlit's uploader forgets its file when its page is left; a pin or an undone step still asks for it."""
    app = opened()
    app.file_uploader(key="config").upload("config.json", json.dumps(CONFIG).encode(), "application/json").run()
    app.selectbox(key="model").set_value("Qwen/Qwen3-8B").run()
    assert "Qwen3" in app.markdown[0].value
    app.file_uploader(key="config").clear().run()
    app.button(key="undo-plan").click().run()
    assert "**uploaded config" in app.markdown[0].value
