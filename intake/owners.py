"""Whose an upload is: a session in a workspace, as one word that desk and tokens compare and never look into."""

from __future__ import annotations

BETWEEN = "/"


def owner(workspace: str, session: str) -> str:
    """Names a session in a workspace.

    >>> owner("user-1", "abc"), workspace_of("user-1/abc"), session_of("user-1/abc")
    ('user-1/abc', 'user-1', 'abc')
    """
    return f"{workspace}{BETWEEN}{session}"


def workspace_of(owner: str) -> str:
    """The workspace of an owner."""
    return owner.partition(BETWEEN)[0]


def session_of(owner: str) -> str:
    """The session of an owner."""
    return owner.partition(BETWEEN)[2]


def holder(owner: str) -> str:
    """Who shares a quota: all sessions of a workspace that is somebody's, else each session for itself."""
    return workspace_of(owner) or owner
