"""What one run of the model works on: prompts, decodes, or both mixed."""

from __future__ import annotations

from dataclasses import dataclass

from planner.quantities import Number


@dataclass(frozen=True, slots=True)
class Step:
    """What one run of the model works on. All fields broadcast.

    prefill_sequences : with a chunk of their prompt in this step [1]
    prefill_tokens : prompt tokens of each such chunk [tokens]
    prefill_context : tokens of each that were computed or cached before [tokens]
    decode_sequences : with one new token in this step [1]
    decode_context : tokens that each attends to, the new one included [tokens]
    sampled : sequences that need a next token: the decoding ones and those whose prompt ends here [1]
    """

    prefill_sequences: Number = 0.0
    prefill_tokens: Number = 0.0
    prefill_context: Number = 0.0
    decode_sequences: Number = 0.0
    decode_context: Number = 0.0
    sampled: Number = 1.0

    @property
    def tokens(self) -> Number:
        """Tokens that go through every matrix [tokens]."""
        return self.prefill_sequences * self.prefill_tokens + self.decode_sequences


def prefill_step(sequences: Number, tokens: Number, cached: Number = 0.0) -> Step:
    """A step of whole prompts alone.

    sequences : prompts [1]
    tokens : computed of each [tokens]
    cached : of each, found in the prefix cache [tokens]
    """
    return Step(prefill_sequences=sequences, prefill_tokens=tokens, prefill_context=cached, sampled=sequences)


def decode_step(sequences: Number, context: Number) -> Step:
    """A step of decoding alone.

    sequences : batch [1]
    context : tokens that each attends to [tokens]
    """
    return Step(decode_sequences=sequences, decode_context=context, sampled=sequences)
