"""Settings: read from the environment alone, checked as a whole, documented."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import cli
from planner.errors import BadSetting
from settings import Settings, settings
from settings.table import lines, markdown, strangers
from settings.variables import variables
from tests.test_house import PRODUCT

ROOT = Path(__file__).parents[2]
LOGIN = {
    "HEADROOM_OIDC_METADATA_URL": "https://id.example.com/.well-known/openid-configuration",
    "HEADROOM_OIDC_CLIENT_ID": "headroom",
    "HEADROOM_OIDC_CLIENT_SECRET": "c" * 16,
    "HEADROOM_OIDC_REDIRECT_URI": "https://plan.example.com/oauth2callback",
    "HEADROOM_SECRET": "s" * 16,
}


def test_nothing_set_is_a_laptop() -> None:
    found = settings({"HEADROOM_STORE": ""})
    assert (found.mode, found.login, found.dask, found.hosts, found.secret) == ("own", False, None, (), None)
    assert isinstance(found.store, Path)
    assert found == Settings()


def test_each_is_read() -> None:
    told = {"HEADROOM_STORE": "s3://b/p", "HEADROOM_USER_GIB": "0.5", "HEADROOM_IMPORTS_AT_ONCE": "1.5"}
    found = settings({**told, "HEADROOM_HOSTS": "a.example.com, *.B.example.com", "HEADROOM_DASK": "tcp://x:1"})
    assert (found.store, found.user_gib, found.imports_at_once) == ("s3://b/p", 0.5, 2)
    assert (found.hosts, found.dask) == (("a.example.com", "*.b.example.com"), "tcp://x:1")
    assert settings(LOGIN).login


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADROOM_MODE", "public"),
        ("HEADROOM_USER_RUNS", "0"),
        ("HEADROOM_USER_GIB", "inf"),
        ("HEADROOM_HOSTS", "https://a.example.com"),
        ("HEADROOM_DASK", "scheduler:8786"),
        ("HEADROOM_LOG", "xml"),
        ("HEADROOM_DRAIN_SECONDS", "long"),
        ("HEADROOM_OIDC_METADATA_URL", "id.example.com"),
        ("HEADROOM_OIDC_CLIENT_ID", "alone"),
        ("HEADROOM_TEAM_CLAIM", "groups"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        settings({name: value})


@pytest.mark.parametrize("lacking", LOGIN)
def test_a_login_is_whole_or_not_there(lacking: str) -> None:
    with pytest.raises(BadSetting, match=lacking):
        settings({name: value for name, value in LOGIN.items() if name != lacking} | {"HEADROOM_TEAM_CLAIM": "x"})


def test_a_demo_has_no_login() -> None:
    with pytest.raises(BadSetting, match="HEADROOM_MODE"):
        settings(LOGIN | {"HEADROOM_MODE": "demo"})


def test_a_login_comes_back_to_where_streamlit_waits() -> None:
    with pytest.raises(BadSetting, match="ends with /oauth2callback"):
        settings(LOGIN | {"HEADROOM_OIDC_REDIRECT_URI": "https://plan.example.com/"})


def test_secrets_are_not_shown() -> None:
    found = settings(LOGIN)
    told = f"{found} {list(lines(LOGIN))}"
    assert "cccc" not in told
    assert "ssss" not in told
    with pytest.raises(BadSetting) as refused:
        settings({"HEADROOM_SECRET": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_no_variable_is_read_elsewhere() -> None:
    known = {one.name for one in variables()}
    product = [path for path in PRODUCT if path.parts[-2] != "tools" and "settings" not in path.parts]
    named = {name for path in product for name in re.findall(r"HEADROOM_[A-Z_]+", path.read_text(encoding="utf-8"))}
    assert named <= known
    readers = [path.name for path in product if re.search(r"environ\.get\(|getenv|environ\[", path.read_text())]
    assert readers == []
    assert len(fields(Settings)) == len(known)


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADROOM_UPLOADS_GB", "3")
    assert cli.main(["settings"]) == 0
    told = capsys.readouterr()
    assert "HEADROOM_DRAIN_SECONDS" in told.out
    assert "HEADROOM_UPLOADS_GB is no setting. Nearest: HEADROOM_UPLOADS_GIB" in told.err
    assert strangers({"HEADROOM_X": "", "HOME": ""}) == ["HEADROOM_X"]
    monkeypatch.setenv("HEADROOM_MODE", "public")
    assert cli.main(["settings"]) == 2
    assert cli.main(["settings", "--markdown"]) == 0


def test_the_docs_have_the_table() -> None:
    assert markdown() in (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
