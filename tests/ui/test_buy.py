"""The Buy page: it answers, refuses, stays in its link, and its files and charts hold what it says."""

import io
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import pytest
import streamlit as st
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE
from streamlit.testing.v1 import AppTest

from charts import pareto, tornado
from planner.demand import Candidate, demand
from planner.predict import question
from planner.presets import presets
from planner.ranking import ranked
from planner.sensitivity import swings
from planner.sizing import option
from tests.intake.clusters import running
from tests.planner.demands import promised, wanted
from ui import buying
from ui.buy_files import BuyFiles
from ui.buy_question import KEYS, PARAMETERS
from ui.link import written
from ui.offers import plan_address
from ui.question import COLUMNS, question_of

ROOT = Path(__file__).parents[2]
SMALL = {"among": "h100-sxm,l40s", "split": "1", "formats": "auto"}


@pytest.fixture(autouse=True)
def empty_store(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))


@pytest.fixture(scope="module")
def found():
    asked = demand(wanted(slo=promised(headroom=0.2)))
    return [option(asked, Candidate(gpu)) for gpu in ("h100-sxm", "l40s")]


def opened(**values):
    app = AppTest.from_file(str(ROOT / "ui" / "pages" / "buy.py"), default_timeout=120)
    for key, value in {**SMALL, **values}.items():
        app.query_params[key] = value
    return app.run()


def text(app):
    return " ".join(element.value for element in (*app.markdown, *app.error, *app.warning, *app.caption))


def table(app):
    return next(frame.value for frame in app.dataframe if "What binds" in frame.value.columns)


def test_the_answer_comes_first_and_everything_under_it():
    app = opened()
    assert not app.exception
    assert not app.error
    head = app.markdown[0].value
    assert head.startswith("#### ")
    assert "USD a month" in head
    assert "p95 TTFT" in head
    assert "keep the promises" in head
    assert "Basis" in head
    assert [metric.label for metric in app.metric][:3] == ["USD a month", "p95 TTFT", "p95 TPOT"]
    assert list(table(app)["GPU"]) == ["L40S PCIe", "H100 SXM5 80GB"]
    assert len(app.get("vega_lite_chart")) == 4
    assert "Ways to pay" in text(app)


def test_seven_controls_before_more():
    app = opened()
    labels = [widget.label for widget in (*app.selectbox, *app.number_input)]
    inside = [widget.label for widget in (*app.expander[0].selectbox, *app.expander[0].number_input)]
    before = [label for label in labels if label not in inside]
    assert before == [
        "Model", "Pay", "Peak requests/s", "Prompt tokens", "Output tokens", "p95 TTFT ≤ ms", "p95 TPOT ≤ ms"
    ]  # fmt: skip


def test_a_preset_fills_in_the_traffic():
    app = opened()
    app.pills(key="traffic_preset").set_value("Batch summarising").run()
    assert not app.exception
    assert app.number_input(key="prompts").value == presets()["Batch summarising"].traffic.prompt_tokens
    assert "CNN/DailyMail" in text(app)


def test_no_is_an_answer_with_the_nearest():
    app = opened(tpot95="1")
    assert not app.exception
    assert app.markdown[0].value.startswith("#### No: nothing keeps these promises. Nearest: 1 × h100")
    assert app.expander[1].label == "Why not another? 2 that are no option"


def test_a_missing_price_is_asked_for_and_not_drawn():
    app = opened(among="h200-nvl")
    assert "no price known" in app.markdown[0].value
    assert "Type prices in under More" in text(app)
    assert app.metric[0].value == "no price"


def test_typed_prices_and_an_api_come_from_the_link():
    app = opened(prices="h100-sxm on_demand 0.1,h100-sxm purchase 30000", hosting="100", apiin="1", apiout="2")
    assert not app.exception
    assert table(app)["GPU"].iloc[0] == "H100 SXM5 80GB"
    assert "They cost the same at" in text(app)
    ways = next(frame.value for frame in app.dataframe if "Way" in frame.value.columns)
    assert ways["USD a month"].notna().all() or ways["Missing"].iloc[1] != "–"
    assert "months" in str(ways["Buying pays back after"].tolist())


@pytest.mark.parametrize(("key", "value"), [("peak", "-1"), ("among", "h1000"), ("pay", "steal"), ("shared", "2")])
def test_a_bad_link_is_told_and_replaced(key, value):
    app = opened(**{key: value})
    assert not app.exception
    assert f"The link says {key}" in app.warning[0].value.replace("\\", "")


def test_bad_values_are_sentences():
    assert "it must be at most" in text(opened(peak="1e6", growth="50", ahead="20"))
    assert "A price is" in text(opened(prices="nonsense")).replace("\\", "")
    assert "No model" in text(opened(model="some/Thing-9000"))


def test_every_parameter_reads_what_it_writes():
    for key, parameter in PARAMETERS.items():
        if parameter.default not in (None, "", False, []):
            assert parameter.read(written(parameter.default)) == parameter.default, key
    assert len({key for key, _ in KEYS.values()}) == len(KEYS)


def test_every_option_opens_in_plan_with_its_whole_question(found):
    for one in found:
        address = urlsplit(plan_address(one, "meta-llama/Llama-3.1-8B-Instruct"))
        told = {"gpu": "h100-sxm", "model": "meta-llama/Llama-3.1-8B-Instruct", **dict(parse_qsl(address.query))}
        asked = question({column: told[key] for column, key in COLUMNS.items() if key in told})
        assert asked.deployment.gpu.id == one.candidate.gpu
        assert asked.workload.request_rate == pytest.approx(one.rate, rel=1e-6)
        assert asked.workload.prompt_tokens == 427
        assert asked.quantization == one.scenario.quantization
        app = AppTest.from_file(str(ROOT / "ui" / "pages" / "plan.py"), default_timeout=60)
        for key, value in parse_qsl(address.query):
            app.query_params[key] = value
        app.run()
        assert not app.exception
        assert "requests a second" in app.markdown[0].value


def test_charts_hold_the_options_and_say_so(found):
    for theme in ("light", "dark"):
        assert pareto.pareto_spec(theme, "p95 TTFT (ms)", False)["layer"]
        assert tornado.tornado_spec(theme, "USD a month")["layer"]
    rows = pareto.latency_rows(found, ("tpot", 0.95))["options"]
    assert {row["kind"] for row in rows} == {"not beaten"}
    assert "not beaten by any other: " in pareto.described(rows)
    bars = tornado.rows(swings(wanted(slo=promised(headroom=0.2)), found), found[1].per_month.value)
    assert len(bars["swings"]) == 10
    assert bars["base"] == [{"value": found[1].per_month.value}]


def test_options_without_a_price_are_not_drawn_as_free():
    none = option(demand(wanted(gpus=("h200-nvl",))), Candidate("h200-nvl"))
    assert pareto.throughput_rows([none]) == {"options": []}


def test_real_lengths_from_a_csv_stand_in():
    app = opened()
    app.file_uploader(key="requests_csv").upload(
        "real.csv", b"prompt_tokens,output_tokens\n" + b"300,40\n" * 60, "text/csv"
    ).run()
    assert not app.exception
    assert "With lengths from real.csv" in text(app).replace("\\", "")
    assert "60 requests, in the mean 300 and 40 tokens" in text(app)


def test_the_best_option_is_pinned_as_plan_asks_it():
    app = opened()
    app.button(key="pin-best").click().run()
    (pin,) = app.session_state["pins"]
    asked = question_of(pin.query)
    assert asked.deployment.gpu.label in table(app)["GPU"].iloc[0]
    assert asked.workload.request_rate is not None
    assert app.button(key="pin-best").disabled


def test_the_answer_leaves_on_a_slide_with_its_price_and_what_comes_next(found):
    asked = demand(wanted(slo=promised(headroom=0.2)))
    deck = Presentation(io.BytesIO(BuyFiles(ranked(found), [], asked, {"model": "m"}, "buy?v=1").slide()))
    slide = deck.slides[1]
    best = ranked(found)[0]
    assert slide.shapes.title.text_frame.text.startswith(f"{best.gpus} L40S PCIe, {best.per_month.value:,.0f} USD")
    told = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    assert f"${best.per_month.value:,.0f}" in told
    assert "H100 SXM5 80GB" in slide.notes_slide.notes_text_frame.text
    assert any(shape.shape_type == MSO_SHAPE_TYPE.PICTURE for shape in slide.shapes)


def test_without_a_price_there_is_no_slide():
    assert not opened(among="h200-nvl").get("download_button")


def test_a_cluster_out_of_reach_is_told(monkeypatch):
    monkeypatch.setenv("HEADROOM_DASK", "tcp://127.0.0.1:9")
    monkeypatch.setattr("intake.cluster.PATIENCE", "1s")
    buying.forget()
    app = AppTest.from_file(str(ROOT / "ui" / "pages" / "buy.py"), default_timeout=120).run()
    assert not app.exception
    assert "No cluster answers" in " ".join(error.value for error in app.error).replace("\\", "")


def test_a_cluster_whose_workers_die_in_the_middle_is_told(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="pip install -r requirements-cluster.txt")
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    buying.forget()
    with running(tmp_path) as cluster:
        monkeypatch.setenv("HEADROOM_DASK", cluster.address)
        app = AppTest.from_file(str(ROOT / "ui" / "pages" / "buy.py"), default_timeout=120)
        killer = Thread(target=cluster.kill_when_busy)
        killer.start()
        app.run()
        killer.join()
    assert not app.exception
    assert "died over this" in " ".join(error.value for error in app.error)


def test_a_drafter_is_a_name_never_a_path_on_the_server(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    app = opened(drafted="4", drafter=str(tmp_path / "config.json"))
    assert not app.exception
    assert "No model" in " ".join(error.value for error in app.error)


def test_the_latest_searches_are_remembered_whoever_else_searches():
    """Sessions are threads: what one looks up another may push out at that moment."""
    known = buying.Remembered[int]()

    def search(session: int) -> bool:
        keys = [(session, turn % (2 * buying.REMEMBERED)) for turn in range(2000)]
        for key in keys:
            known[key] = session
        return all(known[key] in (None, session) for key in keys)

    with ThreadPoolExecutor(8) as sessions:
        assert all(sessions.map(search, range(8)))
    known.clear()
    for turn in range(buying.REMEMBERED):
        known[turn] = turn
    assert known[0] == 0
    known["more"] = 1
    assert (known[0], known[1]) == (0, None)


@pytest.mark.parametrize("fault", [BrokenExecutor, CancelledError])
def test_workers_that_are_lost_are_told_and_replaced(monkeypatch, fault):
    """A process that the system kills for its memory; a cluster that stops while it searches."""

    class Lost(Executor):
        def submit(self, *_, **__):
            gone = Future()
            gone.set_exception(fault())
            return gone

    monkeypatch.setattr(buying, "processes", st.cache_resource(Lost))
    buying.forget()
    app = AppTest.from_file(str(ROOT / "ui" / "pages" / "buy.py"), default_timeout=120).run()
    assert not app.exception
    assert "Who searched is gone" in " ".join(error.value for error in app.error)
