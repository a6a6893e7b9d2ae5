"""Advice: gains are ratios of two estimates; nothing is recommended that cannot run, does not fit or harms too much."""

import math
from contextlib import suppress

import pytest

from planner.advice import GOALS, MOST_HARM, SMALLEST_GAIN, advice
from planner.command import serve_command
from planner.errors import PlannerError, ScenarioError
from planner.estimate import estimate
from planner.levers import levers
from planner.predict import question
from planner.shortlist import PLAYED, worth_playing

CHAT = {"gpu": "h100-sxm", "model": "meta-llama/Llama-3.1-8B-Instruct", "concurrency": "32", "output_tokens": "256"}
T4 = {
    "gpu": "t4", "model": "TheBloke/Llama-2-7B-AWQ", "quantization": "awq", "concurrency": "16", "input_tokens": "64",
    "output_tokens": "32", "max_num_seqs": "1", "max_model_len": "2048", "enforce_eager": "true",
}  # fmt: skip


def test_every_gain_is_the_ratio_of_two_estimates() -> None:
    scenario = question(CHAT)
    found = advice(scenario, "throughput")
    before = estimate(scenario)
    assert found.before is not None
    assert found.better
    for each in found.better:
        again = estimate(each.change.make())
        assert each.gain == pytest.approx(again.output_tokens_per_second / before.output_tokens_per_second, rel=1e-12)


@pytest.mark.parametrize("goal", GOALS)
def test_what_is_recommended_gains_fits_and_harms_little(goal: str) -> None:
    found = advice(question(CHAT), goal)
    assert found.before is not None
    gains = [each.gain for each in found.better]
    assert gains == sorted(gains, reverse=True)
    for each in found.better:
        assert each.gain >= SMALLEST_GAIN
        assert each.harm(found.before) <= MOST_HARM
        assert each.found.memory.fits


def test_a_smaller_batch_is_no_advice_for_the_time_per_token() -> None:
    levers_used = [each.change.lever for each in advice(question(CHAT), "tpot").better]
    assert "batch_limit" not in levers_used


def test_one_sequence_at_a_time_on_a_t4_asks_for_a_larger_batch() -> None:
    """The T4 study: from 1 to 8 sequences gave 4.5 and 4.9 times the tokens."""
    found = advice(question(T4), "throughput")
    batch = next(each for each in found.better if each.change.lever == "batch_limit")
    assert "batch limit 1 → " in batch.change.text
    assert batch.gain > 3


def test_what_a_gpu_does_not_support_is_shown_with_its_reason() -> None:
    refused = {change.text: why for change, why in advice(question(T4)).refused}
    assert "compute capability 7.5" in refused["fp16 KV cache → fp8"]


def test_a_model_that_does_not_fit_is_told_what_makes_it_fit() -> None:
    found = advice(question(CHAT | {"model": "meta-llama/Llama-3.3-70B-Instruct"}))
    assert found.before is None
    assert {"weight_formats", "more_gpus"} <= {each.change.lever for each in found.better}
    assert all(each.found.memory.fits for each in found.better)


def test_each_advice_has_its_command() -> None:
    for each in advice(question(T4), "throughput").better:
        if each.change.lever == "batch_limit":
            assert f"--max-num-seqs {each.found.scenario.engine.max_num_seqs:g}" in serve_command(each.found.scenario)


@pytest.mark.parametrize("share", [0.25, 0.9])
def test_a_prefix_cache_holds_the_share_that_was_asked(share: float) -> None:
    scenario = question(CHAT)
    (change,) = levers(share)["prefix_caching"](scenario)
    assert change.make().workload.prefix_cached_tokens == int(share * 512)


def test_another_gpu_takes_its_own_defaults_and_keeps_what_was_set_by_hand() -> None:
    own = {change.text: change for change in levers(0.5)["other_gpu"](question(CHAT))}
    a100 = next(change for text, change in own.items() if "A100 PCIe 80GB" in text).make()
    assert a100.engine.max_num_seqs == 256
    byhand = {change.text: change for change in levers(0.5)["other_gpu"](question(CHAT | {"max_num_seqs": "77"}))}
    assert next(change for text, change in byhand.items() if "A100 PCIe 80GB" in text).make().engine.max_num_seqs == 77


def test_eager_mode_is_told_to_use_graphs() -> None:
    assert [change.lever for change in levers(0.5)["cuda_graphs"](question(T4))] == ["cuda_graphs"]
    assert not list(levers(0.5)["cuda_graphs"](question(CHAT)))


def test_drafted_tokens_pay_for_few_requests_and_hurt_where_none_is_taken() -> None:
    few, refused = (
        {each.change.lever: each for each in (*found.better, *found.harmful)}["speculation"]
        for found in (advice(question(CHAT | {"concurrency": "2"}), "tpot", acceptance=share) for share in (0.8, 0.0))
    )
    assert few.gain > 1.5
    assert refused.gain < 1
    assert "--speculative-config" in serve_command(few.found.scenario)
    assert any("of drafted tokens taken is assumed" in caveat for caveat in few.found.caveats)


def test_tokens_are_drafted_only_where_the_scheduler_is_known() -> None:
    old = question(T4 | {"engine_version": "0.5.0"})
    assert any("not modelled" in why for _, why in advice(old, acceptance=0.9).refused)


def test_whole_prompts_need_a_budget_for_the_longest_request() -> None:
    short = question(CHAT | {"max_model_len": "1024"})
    (change,) = levers(0.5)["whole_prompts"](short)
    made = change.make()
    assert not made.engine.chunked_prefill
    assert made.engine.max_num_batched_tokens == short.engine.max_num_batched_tokens
    assert "--disable-chunked-prefill" in serve_command(made)
    (long,) = levers(0.5)["whole_prompts"](question(CHAT))
    assert long.make().engine.max_num_batched_tokens == 131072
    (back,) = levers(0.5)["whole_prompts"](made)
    assert back.make().engine.chunked_prefill


def test_chunked_prefill_cannot_be_switched_off_in_early_v1() -> None:
    (change,) = levers(0.5)["whole_prompts"](question(CHAT | {"engine_version": "0.10.0"}))
    with pytest.raises(ScenarioError, match="not known to let chunked prefill"):
        change.make()


def test_what_would_hurt_is_told_and_never_recommended() -> None:
    found = advice(question(CHAT | {"concurrency": "512"}), "throughput", acceptance=0.1)
    assert found.before is not None
    assert {"whole_prompts", "speculation"} <= {each.change.lever for each in found.harmful}
    for each in found.harmful:
        assert each.gain < 1 or each.harm(found.before) > MOST_HARM


@pytest.mark.parametrize("goal", GOALS)
def test_each_gain_has_an_interval_around_what_it_leads_to(goal: str) -> None:
    for each in advice(question(CHAT), goal).better:
        value, bounds = GOALS[goal].value(each.found), GOALS[goal].bounds(each.found)
        assert value is not None
        assert bounds is not None
        assert bounds[0] <= value <= bounds[1]


OPEN = {
    "8B, above what it carries": CHAT | {"request_rate": "60", "requests": "100"},
    "8B, below": CHAT | {"request_rate": "5", "requests": "100"},
    "32B on one that it does not fit": {"gpu": "t4", "model": "Qwen/Qwen3-32B", "request_rate": "4", "requests": "60"},
}


@pytest.mark.parametrize("asked", OPEN.values(), ids=OPEN)
def test_few_gpus_are_played_and_the_best_of_all_is_among_them(asked: dict[str, str]) -> None:
    now = question(asked)
    played = {}
    for change in levers(0.5)["other_gpu"](now):
        with suppress(PlannerError):
            played[change.text] = estimate(change.make())
    made = {text: found.scenario for text, found in played.items()}
    for name, goal in GOALS.items():
        chosen = worth_playing(now, list(made.values()), name)
        assert len(chosen) <= 1.5 * PLAYED < len(made)
        value = {text: goal.value(found) or math.inf for text, found in played.items()}
        best = (max if goal.more_is_better else min)(value, key=lambda text: value[text])
        assert made[best] in chosen


def test_a_closed_loop_tries_everything() -> None:
    now = question(CHAT)
    made = [now] * 3 * PLAYED
    assert worth_playing(now, made, "tpot") == made
