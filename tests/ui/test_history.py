"""Undo and redo on Plan, Buy and of pins: each change is one step, a new one forgets what was undone."""

from tests.ui.test_buy import opened as opened_buy
from tests.ui.test_pages import opened, text
from ui.history import MOST, History


def press(app, word, page="plan"):
    app.button(key=f"{word}-{page}").click().run()
    assert not app.exception
    return app


def test_a_change_is_undone_and_done_again():
    app = opened()
    assert app.button(key="undo-plan").disabled
    app.selectbox(key="gpu").set_value("l4").run()
    app.number_input(key="concurrency").set_value(8).run()
    press(app, "undo")
    assert (app.selectbox(key="gpu").value, app.number_input(key="concurrency").value) == ("l4", 32)
    press(app, "undo")
    assert app.selectbox(key="gpu").value == "h100-sxm"
    assert app.button(key="undo-plan").disabled
    assert app.query_params == {"v": "1"}
    press(press(app, "redo"), "redo")
    assert "8 requests at once" in text(app)
    assert app.query_params["concurrency"] == "8"
    assert app.button(key="redo-plan").disabled


def test_a_preset_is_one_step():
    app = opened(concurrency="3")
    app.pills(key="preset").set_value("7B AWQ on a T4").run()
    press(app, "undo")
    assert app.number_input(key="concurrency").value == 3
    assert app.selectbox(key="quantization").value == "auto"


def test_a_change_after_undo_forgets_what_was_undone():
    app = opened()
    app.number_input(key="concurrency").set_value(8).run()
    press(app, "undo")
    app.number_input(key="concurrency").set_value(9).run()
    assert app.button(key="redo-plan").disabled
    assert app.number_input(key="concurrency").value == 9


def test_buy_takes_back_a_promise_that_was_dropped():
    app = opened_buy()
    app.number_input(key="ttft95").set_value(None).run()
    assert app.query_params["ttft95"] == ""
    press(app, "undo", "buy")
    assert app.number_input(key="ttft95").value == 1000.0
    assert "ttft95" not in app.query_params


def test_buy_takes_back_a_typed_price():
    app = opened_buy(prices="h100-sxm on_demand 2")
    app.session_state["prices"] = "h100-sxm on_demand 9"
    app.run()
    assert app.query_params["prices"] == "h100-sxm on_demand 9"
    press(app, "undo", "buy")
    assert app.query_params["prices"] == "h100-sxm on_demand 2"


def test_steps_are_bounded_and_the_oldest_go():
    held = History()
    for step in range(MOST + 5):
        held = held.with_step({"gpu": step})
    assert len(held.steps) == MOST
    assert held.moved(-1).steps[held.moved(-1).at] == {"gpu": MOST + 3}
    for _ in range(2 * MOST):
        held = held.moved(-1)
    assert held.steps[held.at] == {"gpu": 5}
