"""A GPU as its data sheet has it: dense peaks per number format, HBM, link, power."""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from planner.errors import UnsupportedPrecision
from planner.quantities import GIB, Basis, Source

REPORTED_SHARE = {"hbm": 0.99, "gddr": 0.984, "gddr_ecc": 0.922}
"""Memory that CUDA reports, as a share of the nominal size: H100 79.18 of 80, RTX 4090 23.63 of 24, L4 22.16 of 24 (its
ECC takes a sixteenth). Only for GPUs of which no log tells the figure itself."""

LINES = ("GeForce",)
"""Variants that are the name of a product line, and so stand before the GPU's."""

GENERATIONS = {
    "7.0": "volta",
    "7.5": "turing",
    "8.0": "ampere",
    "8.6": "ampere",
    "8.9": "ada",
    "9.0": "hopper",
    "10.0": "blackwell",
    "10.3": "blackwell",
    "12.0": "blackwell",
    "gfx90a": "cdna2",
    "gfx942": "cdna3",
    "gfx950": "cdna4",
}


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. All rates are per GPU and in one direction.

    peaks : number format -> dense peak [FLOP/s]; a format that is missing is unknown or not supported, never guessed
    bandwidth : of HBM or GDDR [B/s]
    memory_nominal : the size on the box [bytes]
    memory : what CUDA reports as total [bytes]
    link_bandwidth : to other GPUs of the node, one direction [B/s]
    power : board limit [W]
    compute_capability : NVIDIA's number ("9.0") or AMD's gfx name
    unchecked : catalogue keys that no data sheet confirmed, or "all"
    terms : what its maker forbids, in a sentence that follows its name; empty: nothing known
    """

    id: str
    name: str
    variant: str
    vendor: str
    aliases: tuple[str, ...]
    compute_capability: str
    launch_year: int
    peaks: Mapping[str, float] = field(hash=False)
    bandwidth: float
    memory_nominal: float
    memory: float
    memory_is_reported: bool
    link: str
    link_bandwidth: float
    power: float
    unchecked: tuple[str, ...]
    source: Source
    note: str
    terms: str = ""

    @property
    def label(self) -> str:
        """Name and variant as people write them."""
        if self.variant in self.name:
            return self.name
        return f"{self.variant} {self.name}" if self.variant in LINES else f"{self.name} {self.variant}"

    @property
    def doubts(self) -> list[str]:
        """What a reader must know of the GPU itself before betting on it, in sentences."""
        said = [f"{self.label}: {self.terms}"] if self.terms else []
        if self.unchecked:
            said.append(f"Not held against a data sheet for {self.label}: {', '.join(self.unchecked)}.")
        return said

    @property
    def generation(self) -> str:
        """Architecture family, over which efficiencies are shared."""
        return GENERATIONS[self.compute_capability]

    @property
    def capability(self) -> float:
        """Compute capability as a number for comparison; AMD's CDNA 2, 3 and 4 rank by the formats they run.

        returns : e.g. 8.9; CDNA2 8.0 (no fp8), CDNA3 8.9 (fp8), CDNA4 10.0 (fp8, fp4) [1]
        """
        return {"gfx90a": 8.0, "gfx942": 8.9, "gfx950": 10.0}.get(self.compute_capability) or float(
            self.compute_capability
        )

    @property
    def basis(self) -> Basis:
        """DATASHEET where everything was checked, ASSUMED where anything was not."""
        return Basis.ASSUMED if self.unchecked else Basis.DATASHEET

    def peak(self, number_format: str) -> float:
        """Dense peak of one number format.

        number_format : "bf16", "fp8", ...
        returns : [FLOP/s]
        raises : UnsupportedPrecision if the catalogue has no such peak
        """
        if number_format not in self.peaks:
            raise UnsupportedPrecision(
                f"{self.label} has no known dense {number_format} peak: the hardware lacks it or no source gives it. "
                f"Choose one of: {', '.join(self.peaks)}."
            )
        return self.peaks[number_format]


def reported_memory(nominal_gib: float, memory_type: str) -> float:
    """Memory that CUDA will report for a GPU of which no log tells it.

        reported = share(memory type) · nominal

    nominal_gib : size on the box [GiB]
    memory_type : "hbm", "gddr" or "gddr_ecc"
    returns : [bytes]
    source : vLLM start-up logs, docs/model.md

    >>> round(reported_memory(80, "hbm") / 2**30, 1)
    79.2
    """
    return REPORTED_SHARE[memory_type] * nominal_gib * GIB


def _read_only(peaks: dict[str, float]) -> MappingProxyType[str, float]:
    return MappingProxyType(peaks)


copyreg.pickle(MappingProxyType, lambda peaks: (_read_only, (dict(peaks),)))
# A GPU travels between processes with its read-only peaks.
