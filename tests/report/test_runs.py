"""Reports of imported runs: traces with steps, tables with several series; and the page that offers them."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from planner.catalogue_models import find_model
from planner.errors import UnknownModel
from planner.loads import TABLES
from report.html import run_report
from store.runs import Store, default_root
from store.streams import with_tables
from tests.importers.test_reference_table import HEADER, ROW
from tests.report.test_html import headings
from tests.ui.decode_trace import decode_trace
from tests.ui.given import imported
from tests.ui.test_explain import shown

PAGE = Path(__file__).parents[2] / "ui" / "pages" / "evidence.py"


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))


def reported(run_id, **chosen):
    store = Store(default_root())
    return run_report(with_tables(store, run_id, TABLES), "as asked", store, **chosen)


def test_a_trace_shows_its_kernels_and_its_steps_taken_apart(tmp_path):
    path = decode_trace(tmp_path / "x.sqlite")
    run_id, model = imported(path.name, path.read_bytes()), find_model("meta-llama/Llama-3.1-8B-Instruct")
    found = headings(reported(run_id, gpu="h100-sxm", model=model))
    assert "Kernels" in found
    assert "Where the time of a decode step goes" in found
    assert "Good or bad" not in found


def test_each_series_of_a_table_is_reported():
    other = ROW.replace("H100", "H200") if "H100" in ROW else ROW.replace("h100-sxm", "h200-sxm")
    run_id = imported("two.csv", f"{HEADER}\n{ROW}\n{other}\n".encode())
    assert sum(one.startswith("Measured against predicted") for one in headings(reported(run_id))) == 2


def test_explain_offers_the_report(tmp_path):
    path = decode_trace(tmp_path / "x.sqlite")
    app = shown(imported(path.name, path.read_bytes()))
    assert "Report (HTML)" in [button.proto.label for button in app.get("download_button")]


def test_a_table_whose_model_is_a_path_opens_no_file_of_the_server(tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}', encoding="utf-8")
    model = dict(zip(HEADER.split(","), ROW.split(","), strict=True))["model"]
    run_id = imported("path.csv", f"{HEADER}\n{ROW.replace(model, str(config))}\n".encode())
    with pytest.raises(UnknownModel, match="No model"):
        reported(run_id)
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.query_params["run"] = run_id
    assert "No model" in app.run().error[0].value


def test_the_report_knows_the_interval_of_every_figure_that_evidence_knows():
    run_id = imported("gaps.csv", b"concurrency,prompt_tokens,output_tokens,itl_ms\n8,512,128,6\n")
    found = reported(run_id, gpu="h100-sxm", model=find_model("meta-llama/Llama-3.1-8B-Instruct"))
    assert "</strong> lie inside of its 90 % interval" in found
