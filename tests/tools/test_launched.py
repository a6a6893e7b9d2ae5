"""Rows asked as they were launched, and suspects under the condition that is suspected."""

import pytest

from tools.launched import PROMPTS, as_launched, suspected

ROW = {
    "gpu": "h200-sxm", "model": "meta-llama/Llama-3.3-70B-Instruct", "source": "inferencex-csv", "suspect": "",
    "engine_version": "", "concurrency": "16", "kv_cache": "auto", "input_tokens": "922",
}  # fmt: skip


@pytest.mark.parametrize(
    ("gpu", "kv_cache", "sequences"),
    [("h100-sxm", "auto", "16"), ("h200-sxm", "fp8", "16"), ("b200", "fp8", "512")],
)
def test_settings_of_the_launch_scripts(gpu, kv_cache, sequences):
    asked = as_launched({**ROW, "gpu": gpu})
    assert (asked["kv_cache"], asked["max_num_seqs"], asked["engine_version"]) == (kv_cache, sequences, "0.10.2")
    assert asked["gpu_memory_utilization"] == "0.9"


def test_a_version_that_the_table_gives_stays_and_other_sources_are_left_alone():
    assert as_launched({**ROW, "engine_version": "0.18.0"})["engine_version"] == "0.18.0"
    other = {**ROW, "source": "nvidia-internal"}
    assert as_launched(other) == other


def test_suspects_are_asked_under_their_condition():
    eager = {**ROW, "suspect": "TPOT alike at every batch: probably without CUDA graphs"}
    cached = {**ROW, "suspect": "implies 100 % of the peak: prompts at least partly from the prefix cache"}
    assert as_launched(eager)["enforce_eager"] == "true"
    assert suspected(eager) == "suspect, eager: "
    assert suspected(cached) == "suspect, cached prompts: "
    assert suspected(ROW) == ""


@pytest.mark.parametrize(("concurrency", "found"), [(PROMPTS, 0), (2 * PROMPTS, 448), (10 * PROMPTS, 816)])
def test_beyond_the_pool_of_prompts_whole_blocks_are_found_in_the_cache(concurrency, found):
    """With twice as many requests as prompts each prompt is computed once and found once: 461 of 922, 448 in blocks."""
    row = {**ROW, "suspect": "prefix cache", "concurrency": str(concurrency)}
    assert as_launched(row)["prefix_cached_tokens"] == str(found)
