"""Streamlit's own uploader, for those who may send files; its endpoint is closed to all other sessions.

Streamlit takes files at that endpoint from any session, whether its page has an uploader or not.
"""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.workspace import workspace

SENDING: set[str] = set()
"""Sessions whose page has shown an uploader."""
NO_FILES = "This is a public demo: it takes no files. Run Headroom yourself, or log in, to use your own."


def file_box(label: str, **more: Any) -> Any:
    """Streamlit's uploader; in a workspace that is for looking at only, a sentence in its place.

    returns : what the uploader returns; None where there is none
    """
    if not workspace().rules.writable:
        st.caption(NO_FILES)
        return None
    SENDING.add(session_id())
    return st.file_uploader(label, **more)


def may_send(session: str) -> bool:
    """Whether a session is here and was shown an uploader."""
    runtime = get_instance()
    SENDING.difference_update([one for one in SENDING if not runtime.is_active_session(one)])
    return session in SENDING


def forget_files() -> None:
    """Drops from memory what this session sent."""
    if exists():
        get_instance().uploaded_file_mgr.remove_session_files(session_id())


def session_id() -> str:
    """The session whose page is drawn; empty outside of a server."""
    context = get_script_run_ctx()
    return context.session_id if context else ""
