"""Patterns that a person adds for kernels of their own, and what they would change before they are kept.

A pattern is a piece of a kernel's name; a star in it stands for anything. Case does not matter. It is matched piece
after piece, never as a regular expression, so no pattern takes long. A person's patterns are asked before ours, the
first that matches wins.

| here             | meaning                                                                        |
| ---------------- | ------------------------------------------------------------------------------ |
| `NamePattern`    | one pattern and the kind that it gives, checked                                |
| `classify`       | a name's kind with such patterns                                               |
| `effect`         | share of kernel time by kind, before and after                                 |
| `reclassified`   | a run's kernels with their new kinds                                           |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from importers import kernels
from importers.kernels import KINDS, LONGEST_NAME
from planner.errors import BadPattern, nearest
from planner.measured import KernelSample

ANYTHING = "*"
SHORTEST, LONGEST = 3, 200
MOST_PATTERNS = 100


@dataclass(frozen=True, slots=True)
class NamePattern:
    """Names that contain the pattern's pieces, in their order, are kernels of a kind.

    raises : BadPattern
    """

    text: str
    kind: str

    def __post_init__(self) -> None:
        """Refuses what would match nearly everything, and kinds that there are not."""
        letters = sum(len(piece) for piece in self.pieces)
        if letters < SHORTEST or len(self.text) > LONGEST:
            raise BadPattern(
                f'"{self.text[:40]}": a pattern has {SHORTEST} to {LONGEST} letters besides its stars, or it would '
                "match kernels that you do not mean. Take a longer piece of the kernel's name."
            )
        if self.kind not in KINDS:
            raise BadPattern(f'There is no kind "{self.kind[:40]}". Kinds: {nearest(self.kind[:40], KINDS)}, ...')

    @property
    def pieces(self) -> tuple[str, ...]:
        """The pieces between the stars, in small letters."""
        return tuple(piece for piece in self.text.strip().lower().split(ANYTHING) if piece)

    def matches(self, name: str) -> bool:
        """Whether a kernel's name contains the pieces.

        >>> NamePattern("my_*gemm", "gemm").matches("void My_Fast_GEMM<float>()")
        True
        """
        looked_at, place = name[:LONGEST_NAME].lower(), 0
        for piece in self.pieces:
            found = looked_at.find(piece, place)
            if found < 0:
                return False
            place = found + len(piece)
        return True


@dataclass(frozen=True, slots=True)
class Effect:
    """What patterns change for one kind.

    before, after : share of the kernel time [1]
    """

    kind: str
    before: float
    after: float


def classify(name: str, extra: Iterable[NamePattern] = ()) -> str:
    """The kind of a kernel: a person's patterns first, then ours.

    name : as a profiler wrote it

    >>> classify("my_kernel", [NamePattern("my_k", "moe")]), classify("my_kernel")
    ('moe', 'other')
    """
    return next((pattern.kind for pattern in extra if pattern.matches(name)), None) or kernels.classify(name)


def reclassified(samples: Iterable[KernelSample], extra: Iterable[NamePattern]) -> tuple[KernelSample, ...]:
    """Kernels with the kinds that they have with some patterns.

    raises : BadPattern if there are more than a person can have written
    """
    patterns = tuple(extra)
    if len(patterns) > MOST_PATTERNS:
        raise BadPattern(f"{len(patterns)} patterns are too many: at most {MOST_PATTERNS}. Join those of one kind.")
    return tuple(replace(sample, kind=classify(sample.name, patterns)) for sample in samples)


def effect(samples: Iterable[KernelSample], extra: Iterable[NamePattern]) -> tuple[Effect, ...]:
    """What some patterns would change: every kind that has time before or after, longest after first.

    samples : of a run [s]
    raises : BadPattern
    """
    before = tuple(samples)
    after = reclassified(before, extra)
    whole = sum(sample.seconds for sample in before)
    shares = [dict.fromkeys(KINDS, 0.0) for _ in range(2)]
    for share, group in zip(shares, (before, after), strict=True):
        for sample in group:
            share[sample.kind] = share.get(sample.kind, 0.0) + (sample.seconds / whole if whole else 0.0)
    found = [Effect(kind, shares[0].get(kind, 0.0), shares[1].get(kind, 0.0)) for kind in {**shares[0], **shares[1]}]
    changed = [item for item in found if item.before or item.after]
    return tuple(sorted(changed, key=lambda item: -item.after))
