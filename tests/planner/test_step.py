"""What a step works on."""

from __future__ import annotations

from planner.step import Step, decode_step, prefill_step


def test_tokens_of_a_mixed_step():
    assert Step(2.0, 100.0, 0.0, 7.0, 50.0, 9.0).tokens == 207.0


def test_whole_prompts_and_decodes():
    prompts = prefill_step(3.0, 10.0, cached=20.0)
    assert (prompts.tokens, prompts.prefill_context, prompts.sampled) == (30.0, 20.0, 3.0)
    decodes = decode_step(5.0, 99.0)
    assert (decodes.tokens, decodes.decode_context, decodes.sampled) == (5.0, 99.0, 5.0)
