"""Every variable of the environment that the product reads: name, kind, default, meaning; read and checked as a whole.

settings()                      what the environment says now; BadSetting names the variable that is wrong
python cli.py settings          the same as a table (table.py); docs/hosting.md has it too
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

import platformdirs

from planner.errors import BadSetting
from settings.kinds import COUNT, FOLDER, FOLDER_THERE, HOSTS, NUMBER, PLACE, SECRET, TEXT, Kind, one_of, url

APP = "headroom"
PREFIX = "HEADROOM_"
SECRETS = (SECRET,)
OIDC = ("oidc_metadata_url", "oidc_client_id", "oidc_client_secret", "oidc_redirect_uri")


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable.

    name : in the environment
    kind : what its text may be
    default : in words
    meaning : what it sets, with its unit
    """

    name: str
    kind: Kind
    default: str
    meaning: str


def _set(name: str, kind: Kind, default: Any, meaning: str, *, words: str = "") -> Any:
    shown = words or ("none" if default is None else f"{default:g}" if isinstance(default, float) else f"{default}")
    told = {"variable": Variable(f"{PREFIX}{name}", kind, shown, meaning)}
    if callable(default):
        return field(default_factory=default, metadata=told, repr=kind is not SECRET)
    return field(default=default, metadata=told, repr=kind is not SECRET)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator set; each field's variable tells its unit and meaning."""

    store: Path | str = _set(
        "STORE", PLACE, lambda: platformdirs.user_data_path(APP, appauthor=False),
        "where runs are kept: a folder, or a prefix of an object store such as s3://bucket/prefix",
        words="user's data folder",
    )  # fmt: skip
    mode: str = _set(
        "MODE", one_of("own", "demo"), "own",
        "own: people work on runs of their own; demo: everybody looks at the store's runs, nobody adds or changes any",
    )  # fmt: skip
    secret: str | None = _set(
        "SECRET", SECRET, None, "signs links and logins; the same for all copies of the app behind one address",
        words="random at start",
    )  # fmt: skip
    oidc_metadata_url: str | None = _set(
        "OIDC_METADATA_URL", url("https", "http"), None,
        "login by OpenID Connect: address of the provider's .well-known/openid-configuration",
    )  # fmt: skip
    oidc_client_id: str | None = _set("OIDC_CLIENT_ID", TEXT, None, "name of this app at the provider")
    oidc_client_secret: str | None = _set("OIDC_CLIENT_SECRET", SECRET, None, "its password there")
    oidc_redirect_uri: str | None = _set(
        "OIDC_REDIRECT_URI", url("https", "http"), None, "the app's own address, with /oauth2callback at its end"
    )
    team_claim: str | None = _set(
        "TEAM_CLAIM", TEXT, None,
        "claim of the identity token, a name or a list, whose every value is a workspace that its people share",
    )  # fmt: skip
    login_hours: float = _set("LOGIN_HOURS", NUMBER, 24.0, "age of a login after which a person logs in again [h]")
    user_runs: int = _set("USER_RUNS", COUNT, 1000, "runs in a workspace of people who log in")
    user_gib: float = _set("USER_GIB", NUMBER, 50.0, "bytes of the runs in such a workspace [GiB]")
    upload_gib: float = _set("UPLOAD_GIB", NUMBER, 4.0, "largest file that is taken in [GiB]")
    session_gib: float = _set(
        "SESSION_GIB", NUMBER, 8.0, "all files on disk of one session, of one workspace where people log in [GiB]"
    )
    uploads_gib: float = _set("UPLOADS_GIB", NUMBER, 32.0, "all files of all sessions on disk [GiB]")
    upload_folder: Path = _set(
        "UPLOAD_FOLDER", FOLDER, lambda: platformdirs.user_cache_path(APP, appauthor=False) / "uploads",
        "where they lie until they are read; a disk, not memory", words="user's cache folder",
    )  # fmt: skip
    import_folder: Path | None = _set(
        "IMPORT_FOLDER", FOLDER_THERE, None, "a folder whose files anybody who may upload may import"
    )
    import_memory_gib: float = _set("IMPORT_MEMORY_GIB", NUMBER, 1.5, "memory of the process that reads a file [GiB]")
    import_minutes: float = _set(
        "IMPORT_MINUTES", NUMBER, 20.0, "time of that process [min]; twice that on the processors"
    )
    imports_at_once: int = _set("IMPORTS_AT_ONCE", COUNT, 2, "such processes at once; more wait")
    dask: str | None = _set(
        "DASK", url("tcp", "tls"), None,
        "address of a dask.distributed scheduler whose workers read files, search and answer long tables, in place of "
        "this machine",
    )  # fmt: skip
    hosts: tuple[str, ...] = _set(
        "HOSTS", HOSTS, (), "names under which the app answers; all others are refused", words="any"
    )
    log: str = _set(
        "LOG", one_of("text", "json"), "text", "json: a line for each request and import too, without user data"
    )
    drain_seconds: float = _set(
        "DRAIN_SECONDS", NUMBER, 25.0, "time that running imports have to end when the server is told to stop [s]"
    )

    @property
    def login(self) -> bool:
        """Whether people log in."""
        return self.oidc_metadata_url is not None


def settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """What the environment sets; an empty variable is one that is not set.

    raises : BadSetting
    """
    given = {one.name: _read(one, text) for one in fields(Settings) if (text := environment.get(_of(one).name))}
    found = Settings(**given)
    _check_login(found)
    return found


def variables() -> tuple[Variable, ...]:
    """All of them, in the order of the table."""
    return tuple(_of(one) for one in fields(Settings))


def _of(one: Field[Any]) -> Variable:
    variable: Variable = one.metadata["variable"]
    return variable


def _read(one: Field[Any], text: str) -> Any:
    variable = _of(one)
    try:
        return variable.kind.read(text)
    except ValueError as error:
        told = f"has {len(text)} characters" if variable.kind in SECRETS else f'is "{text[:80]}"'
        raise BadSetting(
            f"{variable.name} {told}. {variable.kind.wanted}, or leave it out for {variable.default}."
        ) from error


def _check_login(found: Settings) -> None:
    """A login needs all of its variables, and a secret that outlives a restart."""
    named = {one.name: _of(one).name for one in fields(Settings)}
    given = [name for name in OIDC if getattr(found, name)]
    lacking = [named[name] for name in (*OIDC, "secret") if getattr(found, name) is None]
    if given and lacking:
        raise BadSetting(f"{named[given[0]]} is set, but a login needs {', '.join(lacking)} too. Set all, or none.")
    if found.oidc_redirect_uri and not found.oidc_redirect_uri.endswith("/oauth2callback"):
        raise BadSetting(f'{named["oidc_redirect_uri"]} is "{found.oidc_redirect_uri}". It ends with /oauth2callback.')
    if found.login and found.mode == "demo":
        raise BadSetting(f'{named["mode"]} is "demo", where nobody logs in. Leave {named["oidc_metadata_url"]} out.')
    if found.team_claim and not found.login:
        raise BadSetting(f"{named['team_claim']} is set, but nobody logs in. Set {named['oidc_metadata_url']}.")
