"""Why: the filled formula, read as people read it, gives the printed figure, for every kind of question."""

import re
from itertools import chain

import pytest

from planner.arithmetic import UNITS, Term, line
from planner.demand import Candidate, demand
from planner.estimate import estimate
from planner.offer import setup
from planner.offer_reasons import offer_reasons
from planner.predict import question
from planner.quantities import Basis
from planner.reasons import reasons
from planner.sizing import option
from planner.traffic import Traffic
from planner.words import digits, dollars, duration
from tests.planner.demands import promised, wanted

ASKED = {
    "serving": {},
    "one request": {"concurrency": "1"},
    "one token": {"output_tokens": "1"},
    "two tokens": {"output_tokens": "2", "concurrency": "1"},
    "batch": {"mode": "batch", "concurrency": "16"},
    "open loop": {"request_rate": "3"},
    "crowded": {"concurrency": "4000", "input_tokens": "4000"},
    "eager, four GPUs": {"enforce_eager": "true", "tensor_parallel": "4", "model": "meta-llama/Llama-3.3-70B-Instruct"},
    "experts": {"model": "openai/gpt-oss-120b", "gpu": "b200"},
    "cached": {"prefix_cached_tokens": "400", "concurrency": "8"},
    "T4": {"gpu": "t4", "model": "TheBloke/Llama-2-7B-AWQ", "quantization": "awq", "concurrency": "1"},
    "no price": {"gpu": "v100-sxm", "model": "Qwen/Qwen3-8B", "quantization": "fp16"},
}
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True) if unit)
NUMBER = re.compile(rf"([\d,]*\.?\d+)(?: ({_UNIT})(?![\w/]))?")


def evaluated(filled):
    """The value of a text of numbers with units, + - · / and parentheses."""
    counted = NUMBER.sub(lambda found: f"({found[1].replace(',', '')}*{UNITS[found[2] or '']!r})", filled)
    return eval(counted.replace("·", "*"), {"__builtins__": {}})  # noqa: S307 - our own numbers


def written(result):
    """The function that prints a value as that result is printed."""
    if result.startswith("$"):
        return dollars
    return duration if result.endswith("s") else digits


def found_for(name):
    return estimate(
        question({"gpu": "h100-sxm", "model": "meta-llama/Llama-3.1-8B-Instruct", "concurrency": "32", **ASKED[name]})
    )


@pytest.mark.parametrize("name", ASKED)
def test_every_filled_formula_gives_the_printed_figure(name):
    found = found_for(name)
    said = reasons(found)
    for each in chain.from_iterable(reason.lines for reason in said.values()):
        assert written(each.result)(evaluated(each.filled)) == each.result, each
    assert all(reason.lines[0].result == reason.value for reason in said.values())
    figures = {"ttft": found.ttft, "tpot": found.tpot, "e2e": found.e2e}
    assert {key: said[key].value for key in figures if key in said} == {
        key: duration(figure.value) for key, figure in figures.items() if figure
    }
    assert said["throughput"].value == digits(found.output_tokens_per_second)
    assert said["floor"].value == duration(found.floor)
    assert ("cost" in said, "tpot" in said) == (found.cost is not None, found.tpot is not None)


def test_a_reason_tells_basis_interval_and_what_it_rests_on():
    found = found_for("serving")
    first = reasons(found)["ttft"]
    assert (first.basis, first.rests_on) == (found.ttft.basis, found.founded_on)
    assert first.interval == f"{duration(found.ttft.low).split()[0]}–{duration(found.ttft.high)}"
    assert reasons(found)["floor"].interval == ""
    assert reasons(found)["cost"].rests_on[0][0].startswith("price: ")


def test_numbers_have_as_many_digits_as_the_result_needs():
    close = line("a - b", "{} - {}", [Term(20.0004, "s"), Term(20.0, "s")], lambda a, b: a - b, duration)
    assert (close.filled, close.result) == ("20.0004 s - 20 s", "400 µs")
    assert written(close.result)(evaluated(close.filled)) == close.result


@pytest.mark.parametrize(
    ("gpu", "more"),
    [
        ("h100-sxm", {}),
        ("l40s", {"slo": promised(headroom=0.3, spare=2)}),
        ("rtx-a6000", {}),
        ("h100-sxm", {"traffic": Traffic(9.5, 300, 700, spread=1.0, growth=0.5, years=2, profile=(0.2, 1.0, 0.6))}),
    ],
)
def test_every_figure_of_an_option_is_what_its_formula_gives(gpu, more):
    asked = demand(wanted(**more))
    of = option(asked, Candidate(gpu))
    said = offer_reasons(of, asked)
    for each in chain.from_iterable(reason.lines for reason in said.values()):
        value = evaluated(each.filled)
        assert (written(each.result)(value)) == each.result, (setup(of), each)
    assert said["replicas"].value == str(of.replicas)
    assert ("month" in said) == (of.per_month is not None)
    if of.per_month is not None:
        assert said["month"].value == dollars(of.per_month.value)
        assert said["output"].value == dollars(of.output_price)
        assert said["output"].lines[0].result == said["output"].value
    assert said["energy"].basis in Basis
