"""A session of the app over its own protocol: what a browser sends and receives, without drawing it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import ClientConnection, Origin, Subprotocol

XSRF = "_streamlit_xsrf"
"""Cookie with the token that a browser gets with its first page and says again when it connects."""


class AppSession:
    """One visitor.

    id : as the server names the session
    controls : label of a number field -> (widget's id, fragment that it redraws)
    page : url_path of the one that is open
    charts : drawn since the last question
    said : what boxes of success, information and error have said since then
    links : label of a download -> its path
    uploads : path of the upload for large files; "" before a page with one was drawn
    buttons : label of a button -> (widget's id, fragment)
    options : label of a box to choose from -> what it offers
    complaints : tracebacks and errors shown since the session began
    cookie : as the server, or a proxy before it, set it with the connection
    """

    def __init__(self, wire: ClientConnection, cookie: str = "") -> None:
        self.id = ""
        self.cookie = _cookie(wire, cookie)
        self.said: list[str] = []
        self.links: dict[str, str] = {}
        self.uploads = ""
        self.buttons: dict[str, tuple[str, str]] = {}
        self.options: dict[str, list[str]] = {}
        self.controls: dict[str, tuple[str, str]] = {}
        self.charts = 0
        self.complaints: list[str] = []
        self._wire, self.page = wire, ""

    async def visit(self, page: str = "", query: str = "") -> None:
        """Opens a page; returns when the server has drawn it.

        page : its url_path; "" for the first one
        """
        message = BackMsg()
        message.rerun_script.page_name = self.page = page
        message.rerun_script.query_string = query
        await self._ask(message)

    async def change(self, label: str, value: float) -> None:
        """Sets a number field; returns when the server has drawn what follows from it."""
        widget, fragment = self.controls[label]
        message = BackMsg()
        message.rerun_script.fragment_id = fragment
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.double_value = widget, value
        await self._ask(message)

    async def press(self, label: str) -> None:
        """Presses a button; returns when the server has drawn what follows from it."""
        widget, fragment = self.buttons[label]
        message = BackMsg()
        message.rerun_script.fragment_id = fragment
        message.rerun_script.page_name = self.page
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = widget, True
        await self._ask(message)

    async def _ask(self, message: BackMsg) -> None:
        self.charts = 0
        self.said.clear()
        await self._wire.send(message.SerializeToString())
        told = ForwardMsg()
        while told.WhichOneof("type") != "script_finished":
            told.ParseFromString(bytes(await self._wire.recv(decode=False)))
            self.id = told.new_session.initialize.session_id or self.id
            self._take(told.delta)

    def _take(self, delta: Delta) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "number_input":
            self.controls[element.number_input.label] = (element.number_input.id, delta.fragment_id)
        if kind == "exception":
            self.complaints.append(element.exception.message)
        if kind == "alert":
            self.said.append(element.alert.body.replace("\\", ""))
        if kind == "download_button":
            self.links[element.download_button.label] = element.download_button.url
        if kind == "button":
            self.buttons[element.button.label] = (element.button.id, delta.fragment_id)
        if kind == "selectbox":
            self.options[element.selectbox.label] = list(element.selectbox.options)
        if kind == "bidi_component" and "/upload/" in element.bidi_component.json:
            self.uploads = json.loads(element.bidi_component.json)["path"]
        self.charts += kind == "vega_lite_chart"


def _cookie(wire: ClientConnection, sent: str) -> str:
    """The cookies that were sent, and those that came with the connection, as they are sent back."""
    given = wire.response.headers.get_all("Set-Cookie") if wire.response else []
    pairs = _pairs(sent) | {name: value for one in given for name, value in _pairs(one.split(";")[0]).items()}
    return "; ".join(f"{name}={value}" for name, value in pairs.items())


def _pairs(cookie: str) -> dict[str, str]:
    return dict(one.split("=", 1) for one in cookie.split("; ") if "=" in one)


@asynccontextmanager
async def app_session(url: str, cookie: str = "") -> AsyncIterator[AppSession]:
    """A session that stays open as long as it is used.

    url : of the app, http://host:port
    cookie : name=value, to be sent with the connection; a login counts beside the token against cross-site requests
    """
    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    token = _pairs(cookie).get(XSRF)
    protocols = [Subprotocol(one) for one in ("streamlit", token) if one]
    sent = {"Cookie": cookie} if cookie else {}
    async with websockets.connect(
        address, origin=Origin(url), subprotocols=protocols, max_size=None, open_timeout=120, additional_headers=sent
    ) as wire:
        yield AppSession(wire, cookie)
