"""The app: `streamlit run app.py`, or any ASGI server with `app:app`.

A server imports this file for what it serves; Streamlit runs the same file again for each page that it draws.
"""

from __future__ import annotations

import sys

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from planner.errors import BadSetting
from ui import asgi
from ui.frame import frame

if get_script_run_ctx(suppress_warning=True):
    frame()
else:
    try:
        app = st.App(__file__, **asgi.parts())
    except BadSetting as error:
        sys.exit(f"headroom: {error}")
