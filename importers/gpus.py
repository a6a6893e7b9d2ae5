"""From a GPU's name in a file to our catalogue's id, or to nothing: an importer never guesses."""

from __future__ import annotations

from collections.abc import Iterable

from planner.catalogue import find_gpu
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


def _known(name: str) -> str | None:
    try:
        return find_gpu(name).id
    except CatalogueError:
        return None
