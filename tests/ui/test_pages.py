"""Every page with Streamlit's AppTest: it draws, it answers, it refuses, and nothing escapes as a traceback."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import importers
from importers.reference import reference_runs
from planner.catalogue_models import known_model
from planner.errors import StoreError, UnknownModel
from store.runs import Store, default_root
from tests.ui.given import imported
from ui.question import PRESETS

ROOT = Path(__file__).parents[2]


def opened(page="plan", **link):
    app = AppTest.from_file(str(ROOT / "ui" / "pages" / f"{page}.py"), default_timeout=60)
    for key, value in link.items():
        app.query_params[key] = value
    return app.run()


def unfolded(box):
    """Plan with one of its folded boxes open."""
    app = opened()
    app.session_state[f"open-{box}"] = True
    return app.run()


def text(app):
    return " ".join(element.value for element in (*app.markdown, *app.error, *app.warning, *app.caption))


def test_plan_answers_at_once():
    app = opened()
    assert not app.exception
    assert "first token after" in text(app)
    assert len(app.metric) == 6
    assert all(metric.delta for metric in app.metric)


def test_plan_has_at_most_seven_controls_before_more():
    app = opened()
    labels = [widget.label for widget in (*app.selectbox, *app.number_input)]
    before = [label for label in labels if label not in MORE]
    assert before == ["GPU", "GPUs", "Model", "Quantization", "Requests at once", "Prompt tokens", "Output tokens"]


MORE = (
    "KV cache format", "Cached prompt tokens", "Batch limit", "Token budget", "Async scheduling",
    "Prefix caching", "Requests a second", "Expert parallel", "Calibration",
)  # fmt: skip


LOAD_TEST = json.dumps(
    {"endpoint_type": "vllm", "model_id": "our-own", "num_prompts": 2, "request_rate": "inf", "completed": 2,
     "duration": 2.0, "total_input_tokens": 20, "total_output_tokens": 40, "request_throughput": 1.0,
     "output_throughput": 20.0, "mean_ttft_ms": 50.0, "mean_tpot_ms": 20.0, "max_concurrency": 2}
)  # fmt: skip


@pytest.mark.parametrize("page", ["evidence", "explain"])
def test_a_guess_at_gpu_and_model_does_not_read_like_a_finding(page):
    run = imported("ours.json", LOAD_TEST.encode())
    app = opened(page, run=run)
    assert not app.exception
    assert "names no **GPU and model** that is known" in text(app)
    assert "#### With a guessed GPU and model: **TPOT** is" in text(app)
    app.selectbox(key=f"gpu-{run}").select("l4").run()
    assert "names no **model** that is known" in text(app)
    assert "#### With a guessed model: **TPOT** is" in text(app)


def test_a_load_test_is_held_against_the_model_that_it_names():
    run = imported("qwen.json", LOAD_TEST.replace("our-own", "Qwen/Qwen3-32B").encode())
    app = opened("explain", run=run)
    assert app.selectbox(key=f"model-{run}").value == "Qwen/Qwen3-32B"
    assert "names no **GPU** that is known" in text(app)


def test_link_names_a_gpu_by_any_of_its_names():
    app = opened(gpu="NVIDIA H200", concurrency="4")
    assert "H200 SXM 141GB" in text(app)
    assert app.number_input(key="concurrency").value == 4


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gpu", "A100"),
        ("gpu", "no"),
        ("gpus", "3"),
        ("concurrency", "-1"),
        ("prompt", "1e9"),
        ("load", "x"),
        ("kv", "?"),
    ],
)
def test_bad_link_is_told_and_replaced(key, value):
    app = opened(**{key: value})
    assert not app.exception
    assert f'The link says {key} = "' in app.warning[0].value.replace("\\", "")
    assert "first token after" in text(app)


@pytest.mark.parametrize(
    ("box", "content"),
    [
        ("percentiles", "The 90 % intervals above are of the means"),
        ("waterfall", "its floor of"),
        ("ops", "attainable"),
    ],
)
def test_what_lies_folded_is_made_when_it_is_opened(box, content):
    assert content not in text(opened())
    app = unfolded(box)
    assert not app.exception
    assert content in text(app)


def test_the_command_is_there_when_asked_for():
    assert any(code.value.startswith("vllm serve") for code in unfolded("command").code)


def test_plan_tries_changes_when_asked_what_should_become_better():
    app = opened()
    assert "Best:" not in text(app)
    app.pills(key="goal").set_value("throughput").run()
    assert not app.exception
    assert "times** as many tokens/s" in text(app)
    table = next(shown.value for shown in app.dataframe if "Gain" in shown.value)
    assert list(table["Gain"]) == sorted(table["Gain"], reverse=True)


def test_plan_takes_both_steps_apart():
    assert "times its floor of" in text(unfolded("waterfall"))


def test_plan_says_what_makes_a_model_fit():
    app = opened(model="meta-llama/Llama-3.3-70B-Instruct", quantization="bf16")
    app.pills(key="goal").set_value("cost").run()
    assert not app.exception
    assert "What makes it fit" in text(app)


def test_changing_a_control_changes_the_answer():
    app = opened()
    before = text(app)
    app.selectbox(key="gpu").set_value("l4").run()
    assert not app.exception
    assert "L4" in text(app)
    assert text(app) != before


def test_percentiles_rise_and_gaps_are_among_them():
    table = next(element.value for element in unfolded("percentiles").dataframe if "p99" in element.value)
    assert list(table.columns) == ["Latency", "Mean", "p50", "p90", "p95", "p99"]
    assert [row.split()[0] for row in table["Latency"]] == ["First", "Per", "Gap", "End"]


def test_switches_take_vllms_default_or_what_is_chosen():
    def told(app):
        inputs = next(element.value for element in app.dataframe if "Input" in element.value)
        return dict(zip(inputs["Input"], inputs["Value"], strict=True))

    assert told(opened())["Async scheduling"] == "on"
    assert told(opened(version="0.12.0"))["Async scheduling"] == "off"
    chosen = told(opened(**{"async": "off", "prefix": "off"}))
    assert (chosen["Async scheduling"], chosen["Prefix caching"]) == ("off", "off")
    assert not any("hidden" in name for name in chosen)


def test_preset_fills_in_the_question():
    app = opened()
    app.pills(key="preset").set_value("7B AWQ on a T4").run()
    assert not app.exception
    assert "T4" in text(app)
    assert app.selectbox(key="quantization").value == "awq"


def test_every_preset_answers():
    for name in PRESETS:
        app = opened()
        app.pills(key="preset").set_value(name).run()
        assert "first token after" in text(app), name


def test_refusals_are_sentences():
    assert "cannot run fp8" in text(opened(gpu="t4", quantization="fp8")).replace("\\", "")
    app = opened(gpu="t4", model="meta-llama/Llama-3.3-70B-Instruct")
    assert "does not run on 1 × T4" in text(app)
    assert "What fits instead" in text(app)


def test_a_path_is_not_a_model_name(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "llama"}')
    assert "No model" in text(opened(model=str(path)))


def test_evidence_shows_the_demo_workspace():
    app = opened("evidence")
    assert not app.exception
    assert "Demo workspace." in text(app)
    assert "69.3" in app.dataframe[0].value.to_string() or app.dataframe[0].value["Floor reached"].iloc[0] > 0.5


@pytest.mark.parametrize("run", reference_runs(), ids=lambda run: run.source_name)
def test_every_reference_run_shows(run):
    app = opened("evidence", run=run.id)
    assert not app.exception
    assert not app.error


def test_floor_utilisation_of_the_lab_at_batch_one():
    """Llama-3.1-8B in bf16: 15.01 GB without the input embedding over the bandwidth, over the measured latency."""
    expected = {"H200": 54, "H100": 63, "A100 PCIe 80GB": 65, "L40S": 79}
    for run in reference_runs():
        if "decode sweep" in run.source_name:
            reached = opened("evidence", run=run.id).dataframe[0].value["Floor reached"].iloc[0]
            assert round(100 * reached) == expected[run.gpu_names[0]]


def kept(name, text):
    """Imports a file of that text into the store, as an upload does."""
    return imported(name, text.encode())


PREFILLS = """gpu,model,quantization,batch,input_tokens,output_tokens,latency_ms
A100 PCIe 80GB,meta-llama/Llama-3.1-8B-Instruct,bf16,1,{},1,19.88
H200,meta-llama/Llama-3.1-8B-Instruct,bf16,1,{},1,12.14
"""


def test_an_impossible_table_says_so_with_cause_and_experiment():
    app = opened("evidence", run=kept("cached.csv", PREFILLS.format(4096, 4096)))
    said = text(app).replace("\\", "")
    assert not app.exception
    assert ":material/error: **Impossible: More FLOP/s than the GPU has**" in said
    assert "10.6 times the dense bf16 peak of A100 PCIe 80GB" in said
    assert "5.48 times the dense bf16 peak of H200" in said
    assert "*Likely cause:* prefix-cache hits" in said
    assert "*To settle it:* Start vLLM with --no-enable-prefix-caching" in said
    assert next(box for box in app.selectbox if box.label == "Series").options == [
        "A100 PCIe 80GB, Llama-3.1-8B-Instruct",
        "H200, Llama-3.1-8B-Instruct",
    ]


def test_a_sound_table_says_so():
    app = opened("evidence", run=kept("sound.csv", PREFILLS.format(64, 64)))
    assert "physics checks: nothing found" in text(app)
    assert "More FLOP/s" not in text(app)


def test_a_table_of_an_unknown_gpu_or_model_is_refused_by_name():
    for known, unknown in (("A100 PCIe 80GB", "A100"), ("meta-llama/Llama-3.1-8B-Instruct", "nobody/nothing")):
        app = opened("evidence", run=kept("unknown.csv", PREFILLS.format(64, 64).replace(known, unknown)))
        assert not app.exception
        assert unknown.split("/")[-1] in app.error[0].value


def test_waves_are_told_of_the_demo():
    run = next(run for run in reference_runs() if "decode sweep, L40S" in run.source_name)
    said = text(opened("evidence", run=run.id)).replace("\\", "")
    assert "**Doubtful: A batch that runs in several waves**" in said
    assert "two waves of the batch limit of 256" in said


def test_a_file_cannot_write_markdown_into_a_finding():
    row = PREFILLS.format(4096, 4096).replace("A100 PCIe 80GB", "H100 [x](javascript:alert)").replace("H200", "H100")
    app = opened("evidence", run=kept("hostile.csv", row))
    assert not app.exception
    assert "[x](" not in text(app)


def test_unknown_run_is_told():
    app = opened("evidence", run="0123456789ab")
    assert not app.exception
    assert "run" in app.warning[0].value


def test_unknown_model_can_be_fetched_and_says_why_not(monkeypatch):
    def unreachable(name):
        raise UnknownModel(f"config.json of {name} could not be fetched")

    monkeypatch.setattr("ui.question.model_from_hub", unreachable)
    app = opened(model="some/Thing-9000")
    app.button(key="fetch").click().run()
    assert not app.exception
    assert "could not be fetched" in text(app)


def test_fetched_model_answers(monkeypatch):
    monkeypatch.setattr("ui.question.model_from_hub", lambda name: known_model("Qwen/Qwen3-8B"))
    app = opened(model="some/Thing-9000")
    app.button(key="fetch").click().run()
    assert "first token after" in text(app)


def test_methods_shows_the_accepted_table():
    app = opened("methods")
    assert not app.exception
    assert "off by" in text(app)
    assert {"cases", "median", "mean", "bias"} <= set(app.dataframe[0].value.columns)
    assert "# The model" in text(app)


def test_an_absurd_time_in_a_file_does_not_break_the_page(tmp_path):
    result = {"model_id": "x", "num_prompts": 8, "completed": 8, "max_concurrency": 4, "request_rate": "inf"}
    result |= {
        "request_throughput": 8.0,
        "output_throughput": 80.0,
        "total_token_throughput": 880.0,
        "mean_itl_ms": 1.0,
    }
    result |= {"endpoint_type": "vllm", "backend": "vllm", "tokenizer_id": "x", "median_itl_ms": 1.0, "failed": 0}
    result |= {"total_input_tokens": 800, "total_output_tokens": 80, "duration": 1.0, "date": "20260101-000000"}
    result |= {"mean_ttft_ms": 10.0, "mean_tpot_ms": 1e-300, "median_ttft_ms": 1e-300, "median_tpot_ms": 10.0}
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(result))
    app = opened("evidence", run=Store(default_root()).save(importers.read(path)))
    assert not app.exception
    assert not app.dataframe[0].value.empty


@pytest.mark.parametrize("page", ["buy", "evidence", "explain", "compare"])
def test_a_store_that_stops_answering_is_a_sentence_on_every_page(page, monkeypatch):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page(f"ui/pages/{page}.py").run()
    assert not app.exception
    for name in ("runs", "run", "size", "choice"):
        monkeypatch.setattr(Store, name, _unreachable)
    app.run()
    assert not app.exception
    assert any("out of reach" in error.value for error in app.error)


def _unreachable(*_: object) -> None:
    raise StoreError("The store is out of reach.")
