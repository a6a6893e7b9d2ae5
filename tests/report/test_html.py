"""The report as a file: its parts, what is escaped, and that it asks for nothing."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest

from cli import main
from importers.reference import reference_runs
from planner.errors import ScenarioError
from planner.measured import Note, Severity
from planner.predict import question
from report.case import measured, planned
from report.document import of_runs
from report.grades import thresholds
from report.html import markup, page, plan_report
from store.runs import Store
from verbs.status import BAD_QUESTION, DONE

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>**b**"


def run_named(text):
    return next(run for run in reference_runs() if text in run.source_name)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def sweep(store):
    return page(of_runs(tuple(measured(run_named("decode sweep, H200"))), thresholds(), "as asked", store))


def body(text):
    """What a reader sees: without data and scripts."""
    return text.split('<script type="application/json"')[0]


def headings(text):
    return [re.sub(r"<.*?>", "", one) for one in re.findall(r"<h2>(.*?)</h2>", text)]


def test_a_measured_report_has_every_part(sweep):
    found = headings(sweep)
    for part in ("Good or bad", "Configuration", "Static analysis", "Measured against predicted", "Roofline",
                 "Where the time goes", "Bottleneck", "Utilisation", "Physics checks", "What to change next",
                 "Configuration to deploy", "What the prediction rests on", "Inputs and sources"):  # fmt: skip
        assert any(one.startswith(part) for one in found), part
    assert "vllm serve meta-llama/Llama-3.1-8B-Instruct" in sweep
    assert "as asked" in sweep
    assert run_named("decode sweep, H200").file_hash in sweep


def test_it_names_no_address_to_fetch_from(sweep):
    assert not re.search(r'(src|href)="', body(sweep))
    assert "default-src 'none'; script-src 'sha256-" in unescape(body(sweep))


def test_every_chart_is_drawn_in_both_themes_with_its_data(sweep):
    charts = json.loads(re.search(r'id="charts">(.*?)</script>', sweep, re.S)[1])
    assert len(charts) == len(re.findall(r"data-chart=", sweep)) >= 5
    for chart in charts:
        assert set(chart["specs"]) == {"light", "dark"}
        assert all(chart["datasets"].values()) or "bends" in chart["datasets"] or "ops" in chart["datasets"]


def test_text_of_files_stays_text(store):
    run = run_named("load test b8")
    bad = replace(run, source_name=f"x: {HOSTILE}", model_name=HOSTILE, tool_version=HOSTILE, gpu_names=(HOSTILE,),
                  notes=(Note(Severity.WARNING, HOSTILE),), settings={**run.settings, HOSTILE: HOSTILE})  # fmt: skip
    written = page(of_runs(tuple(measured(bad)), thresholds(), HOSTILE, store))
    assert len(re.findall(r"<script", written)) == 3
    assert written.count("</script>") == 3
    assert "<img" not in body(written)
    assert "alert(1)&lt;/script&gt;" in body(written)


def test_hostile_names_in_the_data_of_charts_end_no_script(store):
    run = replace(run_named("load test b8"), source_name=HOSTILE)
    written = page(of_runs(tuple(measured(run)), thresholds(), "", store))
    assert "<" not in re.search(r'id="charts">(.*?)</script>', written, re.S)[1]


def test_markup_knows_bold_and_escapes_alone():
    assert markup(r"**a\*\*** <i>\<b\>") == "<strong>a**</strong> &lt;i&gt;&lt;b&gt;"
    assert markup("**left open") == "<strong>left open</strong>"


def test_a_question_alone_makes_a_report():
    scenario = question({"gpu": "t4", "model": "TheBloke/Llama-2-7B-AWQ", "quantization": "awq", "concurrency": "8"})
    written = plan_report(scenario, "?gpu=t4")
    assert headings(written)[0] == "The answer"
    assert "Measured against predicted" not in written
    assert "?gpu=t4" in written


def test_what_does_not_fit_is_reported_as_a_no():
    scenario = question({"gpu": "t4", "model": "meta-llama/Llama-3.3-70B-Instruct", "quantization": "awq"})
    written = plan_report(scenario)
    assert "It does not fit" in written or "it does not fit" in written
    assert planned(scenario).answer is None


def test_a_run_of_an_unknown_gpu_says_what_to_name():
    with pytest.raises(ScenarioError, match="--gpu"):
        list(measured(replace(run_named("load test b8"), gpu=None)))


def test_the_verb_writes_the_file_with_the_studys_own_comparison(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    out = tmp_path / "report.html"
    assert main(["report", "high_b1", "high_b8", "--out", str(out)]) == DONE
    written = out.read_text(encoding="utf-8")
    assert "Batch 1 against 8 at 50 requests/s" in headings(written)
    assert "+388 %" in written
    assert "opens without a network" in capsys.readouterr().out


def test_a_name_of_several_runs_lists_them(tmp_path, capsys):
    assert main(["report", "load test", "--out", str(tmp_path / "r.html")]) == BAD_QUESTION
    assert "high_b8" in capsys.readouterr().err


def test_thresholds_of_the_reader_change_the_grades(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    own = tmp_path / "own.yaml"
    own.write_text(
        "source: ours\nthresholds:\n- {metric: output_throughput, statistic: mean, unit: tokens/s, good: [10, null]}\n"
    )
    out = tmp_path / "report.html"
    assert main(["report", "high_b1", "--out", str(out), "--thresholds", str(own)]) == DONE
    written = out.read_text(encoding="utf-8")
    assert '<td class="good">36.7 tokens/s' in written
    assert "Thresholds: ours" in written


def test_a_place_that_cannot_be_written_to_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    assert main(["report", "static analysis", "--out", str(tmp_path)]) == BAD_QUESTION
    assert "you may write to" in capsys.readouterr().err
