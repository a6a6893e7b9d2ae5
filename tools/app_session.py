"""A session of the app over its own protocol: what a browser sends and receives, without drawing it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import ClientConnection, Subprotocol

FRAGMENT_DONE = 3
"""script_finished of a run of one fragment."""


class AppSession:
    """One visitor.

    id : as the server names the session
    controls : label of a number field -> (widget's id, fragment that it redraws)
    charts : drawn since the last question
    complaints : tracebacks and errors shown since the session began
    """

    def __init__(self, wire: ClientConnection) -> None:
        self.id = ""
        self.controls: dict[str, tuple[str, str]] = {}
        self.charts = 0
        self.complaints: list[str] = []
        self._wire = wire

    async def visit(self, page: str = "", query: str = "") -> None:
        """Opens a page; returns when the server has drawn it.

        page : its url_path; "" for the first one
        """
        message = BackMsg()
        message.rerun_script.page_name = page
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

    async def _ask(self, message: BackMsg) -> None:
        self.charts = 0
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
        self.charts += kind == "vega_lite_chart"


@asynccontextmanager
async def app_session(url: str) -> AsyncIterator[AppSession]:
    """A session that stays open as long as it is used.

    url : of the app, http://host:port
    """
    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    protocols = [Subprotocol("streamlit")]
    async with websockets.connect(address, subprotocols=protocols, max_size=None, open_timeout=120) as wire:
        yield AppSession(wire)
