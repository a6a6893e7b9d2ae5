"""Workspaces: parts of one store that know nothing of each other, and who may enter which.

| who                            | enters                                                                     |
| ------------------------------ | -------------------------------------------------------------------------- |
| anybody, where nobody logs in  | the store itself; in a public demo to look at only                         |
| nobody in particular           | workspaces/demo, to look at only                                           |
| a person who logged in         | workspaces/user-<hash of issuer and subject>, and one for each team        |
| a team: a value of a claim     | workspaces/team-<hash of issuer, claim and value>                          |

A workspace's name is made here, never taken from outside: what a link, a token or a job says is only compared.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.errors import StoreError
from planner.quantities import GIB, HOUR
from settings import Settings
from store.rules import FREE, Rules
from store.runs import Store

FOLDER = "workspaces"
MOST_TEAMS = 50
LONGEST_TITLE = 80
_NAME = re.compile(r"demo|(?:user|team)-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """Runs that belong together.

    name : of its folder; empty: the store itself
    title : for people
    rules : what may be done there
    """

    name: str
    title: str
    rules: Rules = FREE

    def store(self, root: Path | str) -> Store:
        """The part of a store that is this workspace's.

        root : of the whole store
        raises : StoreError for a name that is none of ours
        """
        if not self.name:
            return Store(root, self.rules)
        if not _NAME.fullmatch(self.name):
            raise StoreError(f'"{self.name[:64]}" is no workspace.')
        return Store(_below(root, f"{FOLDER}/{self.name}"), self.rules)


def workspaces(claims: Mapping[str, Any], told: Settings, now: float | None = None) -> tuple[Workspace, ...]:
    """The workspaces that a person may enter, the own one first.

    claims : of the identity token, checked by who took it; empty: nobody logged in
    now : [s] since 1970
    """
    if not told.login:
        return (Workspace("", "", Rules(writable=told.mode == "own")),)
    if not logged_in(claims, told, time.time() if now is None else now):
        return (Workspace("demo", "Public demo", Rules(writable=False)),)
    rules = Rules(runs=told.user_runs, size=int(told.user_gib * GIB))
    issuer = str(claims["iss"])
    own = Workspace(f"user-{_hash(issuer, str(claims['sub']))}", "My runs", rules)
    teams = _teams(claims, told)
    return (own, *(Workspace(f"team-{_hash(issuer, *team)}", team[1][:LONGEST_TITLE], rules) for team in teams))


def every_workspace(root: Path | str) -> list[Store]:
    """The workspaces that anything was saved in, for who looks after the whole store.

    raises : StoreError
    """
    names = sorted(filter(_NAME.fullmatch, Store(root).shelf.notes(FOLDER)))
    return [Workspace(name, name).store(root) for name in names]


def logged_in(claims: Mapping[str, Any], told: Settings, now: float) -> bool:
    """Whether claims are of a person whose login is not too old.

    now : [s] since 1970
    """
    named = all(isinstance(claims.get(name), str) and claims[name] for name in ("iss", "sub"))
    issued = claims.get("iat")
    fresh = isinstance(issued, int | float) and now - issued < told.login_hours * HOUR
    return claims.get("is_logged_in") is True and named and fresh


def _teams(claims: Mapping[str, Any], told: Settings) -> list[tuple[str, str]]:
    values = claims.get(told.team_claim) if told.team_claim else None
    listed = values if isinstance(values, list) else [values]
    named = sorted({value for value in listed if isinstance(value, str) and value})
    return [(str(told.team_claim), value) for value in named[:MOST_TEAMS]]


def _hash(*parts: str) -> str:
    """As JSON: no two lists of parts read the same."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _below(root: Path | str, path: str) -> Path | str:
    return f"{root.rstrip('/')}/{path}" if isinstance(root, str) else root / path
