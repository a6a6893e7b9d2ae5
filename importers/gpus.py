"""From a GPU's name in a file to our catalogue's id, or to nothing: an importer never guesses."""

from __future__ import annotations

from collections.abc import Iterable

from planner.catalogue import find_gpu, gpus
from planner.errors import CatalogueError


def catalogue_id(names: Iterable[str]) -> str | None:
    """The id of the one GPU that all names mean; None if they differ, or one is unknown or ambiguous.

    names : GPUs as a file names them

    >>> catalogue_id(["NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3"])
    'h100-sxm'
    >>> catalogue_id(["no such GPU"]) is None
    True
    """
    found = {_known(name) for name in names}
    return found.pop() if len(found) == 1 else None


def unnamed_amd_gpu(capability: str, memory: float) -> str | None:
    """The id of the one AMD GPU of a compute capability and a memory size; ROCm does not always name it.

    capability : as PyTorch has it, "9.4"
    memory : total, as HIP reports it [bytes]

    >>> unnamed_amd_gpu("9.4", 206141652992), unnamed_amd_gpu("8.0", 206141652992)
    ('mi300x', None)
    """
    name = AMD_NAMES.get(capability)
    found = [
        gpu.id
        for gpu in gpus().values()
        if gpu.compute_capability == name and abs(memory / gpu.memory_nominal - 1) < AS_REPORTED
    ]
    return found[0] if len(found) == 1 else None


AMD_NAMES = {"9.4": "gfx942", "9.5": "gfx950"}
AS_REPORTED = 0.02
"""How far the memory that is reported may be from the size on the box, as a share of it."""


def _known(name: str) -> str | None:
    try:
        return find_gpu(name).id
    except CatalogueError:
        return None
