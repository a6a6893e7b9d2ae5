"""Streamlit's own login by OpenID Connect, set up from the environment: no secrets.toml."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from planner.errors import BadSetting
from settings import Settings

PACKAGES = ("authlib", "httpx")


def secrets(told: Settings) -> dict[str, Any]:
    """What st.App takes as secrets: nothing where nobody logs in.

    raises : BadSetting where a login is asked for and its packages are missing
    """
    if not told.login:
        return {}
    lacking = [name for name in PACKAGES if find_spec(name) is None]
    if lacking:
        raise BadSetting(
            f"A login is set up, which needs {' and '.join(lacking)}: pip install -r requirements-login.txt."
        )
    return {
        "auth": {
            "redirect_uri": str(told.oidc_redirect_uri),
            "cookie_secret": str(told.secret),
            "client_id": str(told.oidc_client_id),
            "client_secret": str(told.oidc_client_secret),
            "server_metadata_url": str(told.oidc_metadata_url),
        }
    }
