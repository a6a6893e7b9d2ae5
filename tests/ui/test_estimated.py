"""A question asked again is answered from memory; another one is not."""

import pytest

from planner.errors import InsufficientMemory
from planner.predict import question
from ui.estimated import estimated

CELLS = {"gpu": "h100-sxm", "model": "meta-llama/Llama-3.1-8B-Instruct", "concurrency": "4"}


def test_the_same_question_has_the_same_answer_object():
    assert estimated(question(CELLS)) is estimated(question(dict(CELLS)))


def test_one_difference_is_another_question():
    other = CELLS | {"enforce_eager": "True"}
    assert estimated(question(other)).tpot.value > estimated(question(CELLS)).tpot.value


def test_a_refusal_is_raised_each_time():
    too_large = question({"gpu": "t4", "model": "meta-llama/Llama-3.3-70B-Instruct"})
    for _ in range(2):
        with pytest.raises(InsufficientMemory):
            estimated(too_large)
