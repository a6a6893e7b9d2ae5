"""A run is identified by the file that told it."""

from __future__ import annotations

from planner.measured import MeasuredPoint, Run


def test_the_same_file_is_the_same_run():
    one, two = (Run("vllm-bench", "0.33.0", name, file_hash="0123456789abcdef" * 4) for name in ("a.json", "b.json"))
    assert one.id == two.id == "0123456789ab"


def test_what_a_tool_does_not_tell_is_none():
    point = MeasuredPoint("ttft", "mean", 0.1)
    assert point.concurrency is point.prompt_tokens is point.low is None
