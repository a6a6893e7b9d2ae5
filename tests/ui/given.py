"""Runs in the store before a page opens."""

import tempfile
from pathlib import Path

import importers
from store.runs import Store, default_root


def imported(name: str, content: bytes) -> str:
    """Imports a file of a name and content; returns its run's id."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return Store(default_root()).save(importers.read(path))
