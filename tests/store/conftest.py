"""An empty store for each test: on a folder, in memory, on a server that speaks S3."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


@pytest.fixture(params=["local", "memory", "s3"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store in turn, with a name of its own."""
    if request.param == "local":
        return Store(tmp_path / "runs")
    root = "memory:/" if request.param == "memory" else request.getfixturevalue("s3")
    return Store(f"{root}/{tmp_path.name}")


@pytest.fixture(params=["memory", "s3"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store on objects, which cannot rename."""
    root = "memory:/" if request.param == "memory" else request.getfixturevalue("s3")
    return Store(f"{root}/{tmp_path.name}")
