"""A stored run as its reader knows it: patterns hold for the summary, the launches and the checks alike."""

from __future__ import annotations

import json

import pytest

from cli import main
from intake.known import kept_patterns, known_run
from planner.checks import NEEDED
from planner.checks.columns import launches
from store.runs import Store, default_root
from tests.ui.decode_trace import LAYERS, STEPS, decode_trace
from tests.ui.given import imported

MINE = ("my_*thing", "gemm")


@pytest.fixture
def traced(tmp_path, monkeypatch):
    """A store with a trace in it, and the run's id."""
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    path = decode_trace(tmp_path / "x.sqlite")
    return Store(default_root()), imported(path.name, path.read_bytes())


def test_a_pattern_holds_in_the_summary_the_launches_and_the_checks(traced):
    store, run_id = traced
    before = known_run(store, run_id, NEEDED)
    assert before == known_run(store, run_id, NEEDED)
    store.set_choice(run_id, patterns=[MINE])
    after = known_run(store, run_id, NEEDED)
    kinds = {kernel.name: kernel.kind for kernel in after.kernels}
    assert kinds["my_fused_thing"] == "gemm"
    assert {kernel.name: kernel.kind for kernel in before.kernels}["my_fused_thing"] == "other"
    assert all(kinds[kernel.name] == kernel.kind for kernel in before.kernels if kernel.name != "my_fused_thing")
    assert len(launches(after).seconds) - len(launches(before).seconds) == LAYERS * STEPS
    assert launches(after).processes == launches(before).processes


def test_the_terminal_checks_the_same_kernels(traced, capsys):
    store, run_id = traced

    def checked():
        assert main(["check", run_id, "--gpu", "t4", "--model", "meta-llama/Llama-3.1-8B-Instruct", "--json"]) == 0
        return [(one["check"], one["subject"], one["measured"]) for one in json.loads(capsys.readouterr().out)]

    before = checked()
    store.set_choice(run_id, patterns=[("nvjet_*", "elementwise")])
    assert checked() != before


def test_a_pattern_that_is_none_any_more_is_left_out_and_told(traced):
    store, run_id = traced
    store.set_choice(run_id, patterns=[("a*", "gemm"), MINE])
    found, refused = kept_patterns(store, run_id)
    assert [pattern.text for pattern in found] == ["my_*thing"]
    assert "a pattern has 3 to 200 letters" in refused[0]
