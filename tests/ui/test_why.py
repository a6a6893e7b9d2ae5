"""Why? on Plan and Buy: nothing is made before it is opened, then formula, numbers, basis, interval and a link."""

from pathlib import Path

import pytest

from planner.estimate import estimate
from planner.offer_reasons import BUYING
from planner.reasons import reasons
from tests.ui.test_buy import opened as opened_buy
from tests.ui.test_pages import opened, text
from ui.question import question_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def known():
    return reasons(estimate(question_of("v=1&gpu=l4")))


def test_nothing_is_said_before_it_is_asked():
    app = opened(gpu="l4")
    assert "It rests on" not in text(app)


@pytest.mark.parametrize("key", ["ttft", "tpot", "e2e", "throughput", "floor", "cost"])
def test_each_figure_of_plan_says_why(key, known):
    app = opened(gpu="l4")
    app.session_state[f"why-{key}"] = True
    app.run()
    said = text(app).replace("\\", "")
    assert not app.exception
    for line in known[key].lines:
        assert f"= {line.filled} = **{line.result}**" in said
    assert f"methods?section={known[key].section}" in said


@pytest.mark.parametrize("key", ["month", "replicas", "output", "energy"])
def test_main_figures_of_buy_say_why(key):
    app = opened_buy()
    app.session_state[f"why-{key}"] = True
    app.run()
    assert "methods?section=16" in text(app)


def test_methods_opens_at_the_section_of_a_link():
    app = opened("methods", section="10")
    assert app.markdown[0].value.startswith("## 10. Latencies")
    assert "no section 99" in opened("methods", section="99").markdown[0].value
    assert "none of the choices" in opened("methods", section="x").warning[0].value


def test_every_section_that_a_reason_names_exists(known):
    model = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    assert all(f"\n## {number}. " in model for number in {reason.section for reason in known.values()} | {BUYING})


def test_asking_why_repeats_no_estimate(monkeypatch):
    app = opened(gpu="l4", concurrency="7")
    made = []
    monkeypatch.setattr("ui.estimated.estimate", made.append)
    app.session_state["why-ttft"] = True
    app.run()
    assert not app.exception
    assert made == []
