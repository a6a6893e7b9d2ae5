"""Speculative decoding: a drafter proposes tokens, one step of the model checks them all."""

from __future__ import annotations

from dataclasses import dataclass

from planner.model import Model


@dataclass(frozen=True, slots=True)
class Speculation:
    """What is drafted, and how much of it is taken.

    drafted : tokens proposed in a step [1]
    acceptance : chance that a proposed token is taken, if those before it were [1]
    drafter : the small model that proposes; None: costs nothing (n-gram lookup)
    """

    drafted: int
    acceptance: float
    drafter: Model | None = None

    @property
    def tokens(self) -> float:
        """Tokens that a step yields for a sequence, the model's own one included [tokens].

        sum of acceptance^i for i = 0 ... drafted
        source : Leviathan, Kalman, Matias, ICML 2023, equation 1
        """
        return sum(self.acceptance**place for place in range(self.drafted + 1))

    @property
    def caveat(self) -> str:
        """What is assumed of it, in a sentence."""
        taken = f"{self.acceptance:.0%} of drafted tokens taken is assumed"
        return f"Speculative decoding: {taken}, {self.tokens:.2f} tokens a step."
