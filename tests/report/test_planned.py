"""What files hold of an answer: the note, the figures, the rows, and where they come from."""

from dataclasses import replace

import pytest

import cli
from planner.command import serve_command
from planner.estimate import estimate
from planner.predict import question
from planner.waterfall import predicted
from report.answers import planned_origin, question_words, told_figures
from report.note import note
from report.planned import memory_rows, op_rows, part_rows, roofline_drawing, tables_of
from report.tables import table_file
from words.rows import founded_rows

CELLS = {"gpu": "l4", "model": "meta-llama/Llama-3.1-8B-Instruct", "quantization": "fp8", "concurrency": "4"}


@pytest.fixture(scope="module")
def found():
    return estimate(question(CELLS))


def test_the_question_is_told_in_words(found):
    told = question_words(found.scenario)
    for text in ("Llama-3.1-8B-Instruct in fp8", "1 × L4", "4 requests at once", "512 prompt", "vllm 0."):
        assert text in told
    rated = replace(found.scenario, workload=replace(found.scenario.workload, request_rate=2.5))
    assert "2.5 requests a second" in question_words(rated)


def test_an_origin_names_basis_data_sheet_and_price(found):
    origin = planned_origin(found, link="plan?gpu=l4")
    assert found.basis.label in origin.source
    assert found.scenario.deployment.gpu.source.text in origin.source
    assert found.cost.source.text in origin.source
    assert "*" not in origin.said
    assert origin.link == "plan?gpu=l4"


def test_figures_are_those_of_the_answer(found):
    told = {label: (value, under) for label, value, under in told_figures(found)}
    assert 3 <= len(told) <= 5
    assert "ms" in told["First token"][0]
    assert "–" in told["Per token"][1]


def test_rows_add_up_to_the_step_and_the_memory(found):
    ops = [row for row in op_rows(found) if row["phase"] == "decode"]
    assert sum(row["time_us"] * row["runs"] for row in ops) == pytest.approx(float(found.decode.time.gpu) * 1e6)
    parts = part_rows("decode", predicted(found.decode, found.scenario.deployment.gpu, found.floor))
    assert sum(row["time_ms"] for row in parts) == pytest.approx(found.decode.seconds * 1e3)
    gib = {row["part"]: row["gib"] for row in memory_rows(found.memory)}
    assert gib["weights"] == pytest.approx(found.memory.weights / 2**30)


def test_a_table_brings_what_the_answer_rests_on(found):
    origin = planned_origin(found)
    tables = tables_of(found, "Ops", op_rows(found), origin, {**CELLS, "mode": ""})
    assert list(tables.named) == ["Ops", "What it rests on"]
    assert tables.about()["input_gpu"] == "l4"
    assert "input_mode" not in tables.about()
    assert all(table_file(tables, form) for form in ("csv", "xlsx", "parquet", "json"))


def test_a_drawing_on_paper_is_light_and_has_its_rows(found):
    drawing = roofline_drawing(found, planned_origin(found))
    assert drawing.data["ops"]
    assert drawing.origin.question == question_words(found.scenario)


def test_the_note_names_every_assumption_with_its_basis(found):
    text = note(found, "plan?gpu=l4")
    lines = text.splitlines()
    for name in ("gpu", "driver", "vllm", "model", "weights", "kv_cache", "prompt_tokens", "concurrency"):
        (line,) = [line for line in lines if line.startswith(f"{name} == ")]
        assert line.partition("  # ")[2], name
    for name, value, basis in founded_rows(found):
        assert any(line.startswith(name) and line.endswith(f"# {basis}") and value.strip("–") in line for line in lines)
    assert serve_command(found.scenario) in lines
    assert "# link: plan?gpu=l4" in lines


def test_the_note_tells_what_is_left_out_and_what_was_not_checked():
    found = estimate(question({**CELLS, "quantization": ""}))
    told = note(replace(found, caveats=("Something is left out.",)))
    assert "# - Something is left out." in told
    gpu = replace(found.scenario.deployment.gpu, unchecked=("power",))
    scenario = replace(found.scenario, deployment=replace(found.scenario.deployment, gpu=gpu))
    assert "not checked: power" in note(replace(found, scenario=scenario))


def test_the_terminal_prints_the_note(capsys):
    assert cli.main(["plan", "--gpu", "l4", "--model", CELLS["model"], "--note"]) == 0
    assert "driver == any" in capsys.readouterr().out
