"""Each test with a store and an intake of its own."""

import pytest

from intake.service import intake


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADROOM_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("HEADROOM_UPLOAD_FOLDER", str(tmp_path / "uploads"))
    intake.cache_clear()
    yield
    intake().close()
    intake.cache_clear()
