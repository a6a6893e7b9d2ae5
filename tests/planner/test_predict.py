"""Tables: every cell that a file may hold gives an answer or a message, never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.predict import INPUTS, OUTPUTS, predict, question
from tests.planner.questions import LLAMA_8B

BASE = {"gpu": "h200-sxm", "model": LLAMA_8B, "input_tokens": "64", "output_tokens": "4"}
GARBAGE = ("abc", "nan", "inf", "-inf", "-1", "1e400", "1e300", "0", "1.5", "9" * 5000, "9" * 5000 + ".1", "½", "\x00",
           "None", "true", "../..", "1_000", " 1 ", "٣")  # fmt: skip


def one(**cells):
    return next(predict([BASE | cells]))


def test_an_answer_has_every_column():
    found = one()
    assert set(OUTPUTS) <= set(found)
    assert (found["fits"], found["error"], found["decode_bound"]) == ("true", "", "memory")
    assert found["e2e_ms"] == pytest.approx(found["ttft_ms"] + 3 * found["tpot_ms"], rel=1e-3)


def test_unknown_columns_pass_through_and_order_is_kept():
    rows = [
        BASE | {"measured_ttft_ms": str(index), "note": "a,b", "concurrency": str(index + 1)} for index in range(20)
    ]
    found = list(predict(rows))
    assert [row["measured_ttft_ms"] for row in found] == [str(index) for index in range(20)]
    assert all(row["note"] == "a,b" for row in found)


def test_equal_rows_get_equal_answers_of_their_own():
    one_row, two = predict([BASE, BASE])
    one_row["error"] = "spoiled"
    assert two["error"] == ""
    assert one()["error"] == ""


def test_what_does_not_fit_is_an_answer():
    found = one(model="meta-llama/Llama-3.1-70B-Instruct")
    assert found["fits"] == "false"
    assert "does not fit" in found["error"]
    assert found["ttft_ms"] == ""


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"gpu": "t4", "quantization": "fp8"}, "Choose one of: fp16, int8, awq"),
        ({"gpu": "t4", "quantization": "bf16"}, "cannot run bf16"),
        ({"gpu": "a100"}, "several GPUs"),
        ({"gpu": "h1000"}, "Nearest"),
        ({"model": "llama-9-1b"}, "Nearest"),
        ({"gpu": ""}, "gpu and model"),
        ({"tensor_parallel": "3"}, "1, 2, 4, 8, 16, 32"),
        ({"tensor_parallel": "1.5"}, "tensor_parallel is \"1.5\": it must be a whole number"),
        ({"input_tokens": "many"}, "input_tokens is \"many\": it must be a number"),
        ({"enforce_eager": "maybe"}, "true or false"),
        ({"mode": "offline"}, "serving, batch"),
        ({"kv_cache": "fp3"}, "auto, fp8, fp4"),
    ],
)  # fmt: skip
def test_a_bad_question_is_told_what_to_change(cells, said):
    assert said in one(**cells)["error"]


@pytest.mark.parametrize("column", INPUTS)
@pytest.mark.parametrize("text", GARBAGE)
def test_garbage_in_any_column_is_an_answer_or_a_message(column, text):
    found = one(**{column: text})
    assert found["error"] or found["ttft_ms"] > 0
    assert len(found["error"]) < 2000


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(INPUTS), st.one_of(st.sampled_from(GARBAGE), st.text(max_size=12)), max_size=4))
def test_any_cells_give_an_answer_or_a_message(cells):
    found = one(**cells)
    assert found["error"] or found["ttft_ms"] > 0


def test_missing_cells_take_the_defaults():
    asked = question({"gpu": "h200", "model": LLAMA_8B})
    assert (asked.workload.prompt_tokens, asked.workload.output_tokens, asked.workload.concurrency) == (512, 128, 1)
    assert next(predict([{"gpu": "h200", "model": LLAMA_8B, "requests": None}]))["error"] == ""
