"""The upload route on a real server: what it takes, and what people do who mean harm."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from itsdangerous import URLSafeTimedSerializer
from starlette.applications import Starlette

from intake import desk, route
from intake.jobs import wait
from intake.limits import Limits
from intake.service import Intake
from planner.quantities import GIB, MIB
from store import Store
from tests.importers.samples import bench_file, result

SECRET = "s" * 32


class Server:
    """An intake behind uvicorn, on a port of this machine."""

    def __init__(self, folder: Path, **limits: Any) -> None:
        self.folder, self.gone = folder, set[str]()
        self.intake = Intake(Limits(folder, secret=SECRET, **limits))
        app = Starlette(
            routes=self.intake.routes(lambda session: session not in self.gone),
            lifespan=lambda _: self.intake.serve(folder / "store"),
        )
        self.uvicorn = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="error", lifespan="on"))
        self.thread = threading.Thread(target=self.uvicorn.run, daemon=True)
        self.thread.start()
        while not self.uvicorn.started:
            time.sleep(0.01)
        self.port = self.uvicorn.servers[0].sockets[0].getsockname()[1]
        self.token = self.intake.token("me")[0]

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, json.dumps(body) if isinstance(body, dict) else body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text[:1] in (b"{", b"[") else text
        finally:
            connection.close()

    def announce(self, size: int, name: str = "a.sqlite", token: str | None = None) -> tuple[int, Any]:
        return self.ask("POST", f"/upload/{token or self.token}", {"name": name, "size": size})

    def put(self, content: Any, upload: str, **headers: str) -> tuple[int, Any]:
        return self.ask("PUT", f"/upload/{self.token}/{upload}", content, headers)

    def raw(self, upload: str, length: int) -> socket.socket:
        """A connection whose request has begun."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        head = f"PUT /upload/{self.token}/{upload} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        connection.sendall(head.encode())
        return connection

    def files(self) -> list[Path]:
        # os.walk passes over folders that go away meanwhile
        found = [Path(folder, name) for folder, _, names in os.walk(self.folder) for name in names]
        return [path for path in found if path.is_file() and path.suffix != ".lock"]

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(20)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "desk", file=8 * MIB, session=12 * MIB, total=20 * MIB)
    yield started
    started.stop()
    assert started.files() == []


def eventually(condition: Any) -> bool:
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_file_arrives_and_is_read(server: Server, tmp_path: Path) -> None:
    content = bench_file(tmp_path / "bench.json", result()).read_bytes()
    status, told = server.announce(len(content), "C:\\runs\\bench 1.json")
    assert status == 201
    assert server.put(content, told["id"]) == (201, {"id": told["id"], "received": len(content)})
    assert [(path.name, path.read_bytes()) for path in server.files()] == [("bench_1.json", content)]
    store = Store(tmp_path / "store")
    (job,) = server.intake.read_upload("me", told["id"], store)
    assert wait(job, 30)
    assert store.runs()[0].source_name == "bench_1.json"
    assert server.files() == []


def test_bytes_are_counted_while_they_come(server: Server) -> None:
    upload = server.announce(3 * MIB)[1]["id"]
    connection = server.raw(upload, 3 * MIB)
    connection.sendall(bytes(2 * MIB))
    assert eventually(lambda: server.intake.arriving("me")[0].received >= MIB)
    status, told = server.ask("GET", f"/upload/{server.token}")
    assert (status, told[0]["id"], told[0]["size"]) == (200, upload, 3 * MIB)
    connection.sendall(bytes(MIB))
    assert b"201 Created" in connection.recv(4096)
    connection.close()


def test_several_arrive_at_once(server: Server) -> None:
    uploads = [server.announce(MIB, f"{place}.x")[1]["id"] for place in range(4)]
    connections = [server.raw(upload, MIB) for upload in uploads]
    for connection in connections * 4:
        connection.sendall(bytes(MIB // 4))
    assert all(b"201 Created" in connection.recv(4096) for connection in connections)
    assert sorted(path.name for path in server.files()) == ["0.x", "1.x", "2.x", "3.x"]
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("how", ["close", "delete"])
def test_a_cancelled_upload_is_gone(server: Server, how: str) -> None:
    upload = server.announce(4 * MIB)[1]["id"]
    connection = server.raw(upload, 4 * MIB)
    connection.sendall(bytes(MIB + 1))
    assert eventually(server.files)
    if how == "delete":
        assert server.ask("DELETE", f"/upload/{server.token}/{upload}")[0] == 204
        connection.sendall(bytes(MIB))
        assert b"409" in connection.recv(4096)
    connection.close()
    assert eventually(lambda: not server.files() and not server.intake.arriving("me"))


def test_a_length_that_lies_leaves_nothing(server: Server) -> None:
    for promised, sent in ((10, 4), (4, 10)):
        upload = server.announce(promised)[1]["id"]
        status, told = server.put(bytes(sent), upload)
        assert (status, "announced" in told["error"]) == (409, True)
        assert eventually(lambda: not server.files())
    upload = server.announce(10)[1]["id"]
    chunks = iter([b"12345", b"67890", b"more"])
    assert server.put(chunks, upload)[0] == 409, "chunked, without a length"
    assert not server.intake.arriving("me")


def test_too_large_too_many_and_empty_are_refused_before_a_byte(server: Server) -> None:
    status, told = server.announce(8 * MIB + 1)
    assert (status, "at most 8 MiB" in told["error"]) == (413, True)
    assert server.announce(0)[0] == 413
    assert server.announce(-1)[0] == 413
    assert server.announce(8 * MIB)[0] == 201
    status, told = server.announce(8 * MIB)
    assert (status, "not read yet" in told["error"]) == (409, True)
    other = server.intake.token("other")[0]
    assert server.announce(8 * MIB, token=other)[0] == 201
    third = server.intake.token("third")[0]
    status, told = server.announce(8 * MIB, token=third)
    assert (status, "of others" in told["error"]) == (409, True)
    assert server.files() == []


def test_sixteen_files_of_a_session(server: Server) -> None:
    assert [server.announce(1)[0] for _ in range(desk.MOST_OF_A_SESSION + 1)] == [201] * desk.MOST_OF_A_SESSION + [409]


def test_a_full_disk_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "FREE", 10**6 * GIB)
    status, told = server.announce(1)
    assert (status, "disk is nearly full" in told["error"]) == (409, True)


def test_nobody_uploads_without_a_token_of_ours(server: Server) -> None:
    forged = URLSafeTimedSerializer("x" * 32, salt="upload").dumps(["me", 10**9])
    other_salt = URLSafeTimedSerializer(SECRET, salt="login").dumps(["me", 10**9])
    for token in ("x", forged, other_salt, server.token[:-1], server.token + "A"):
        assert server.announce(1, token=token)[0] == 403


def test_a_token_is_good_for_minutes_and_while_its_page_lives(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.tokens.LIFETIME", -1)
    status, told = server.announce(1)
    assert (status, "too long" in told["error"]) == (403, True)
    monkeypatch.undo()
    server.gone.add("me")
    status, told = server.announce(1)
    assert (status, "is gone" in told["error"]) == (403, True)


def test_nobody_touches_the_upload_of_another(server: Server) -> None:
    upload = server.announce(3)[1]["id"]
    server.token = server.intake.token("other")[0]
    assert server.put(b"abc", upload)[0] == 409
    assert server.ask("DELETE", f"/upload/{server.token}/{upload}")[0] == 204
    assert server.ask("GET", f"/upload/{server.token}") == (200, [])
    assert [one.id for one in server.intake.arriving("me")] == [upload]


def test_an_upload_comes_once(server: Server) -> None:
    upload = server.announce(3)[1]["id"]
    assert server.put(b"abc", upload)[0] == 201
    assert server.put(b"xyz", upload)[0] == 409
    assert [path.read_bytes() for path in server.files()] == [b"abc"]


def test_slow_senders_lose_their_place(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "STALL", 0.3)
    monkeypatch.setattr(route, "SLOWEST", 10**9)
    silent, dripping = (server.raw(server.announce(MIB)[1]["id"], MIB) for _ in range(2))
    answers = b""
    for _ in range(8):
        try:
            dripping.sendall(b"x")
        except OSError:
            break
        time.sleep(0.1)
    answers = dripping.recv(4096)
    assert b"408" in answers
    assert b"408" in silent.recv(4096)
    for connection in (silent, dripping):
        connection.close()
    assert not server.intake.arriving("me")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"name": 1, "size": 1}', b'{"name": "a", "size": "1"}', b"[" * 9999]
)
def test_an_announcement_that_is_none(server: Server, body: bytes) -> None:
    assert server.ask("POST", f"/upload/{server.token}", body)[0] == 400


def test_an_announcement_without_end_is_cut(server: Server) -> None:
    assert server.ask("POST", f"/upload/{server.token}", b'{"name": "' + b"a" * 10**6)[0] == 400


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/passwd", "..", "", "a\x00b", "con\r\nx", "é" * 500, "-rf", ".hidden"]
)
def test_no_name_leads_anywhere(server: Server, name: str) -> None:
    upload = server.announce(3, name)[1]["id"]
    assert server.put(b"abc", upload)[0] == 201
    (path,) = server.files()
    assert path.resolve().is_relative_to(server.folder.resolve())
    assert path.name == desk.label(name)
    assert path.name[0] not in ".-"


def test_what_nobody_takes_is_swept(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = server.announce(3)[1]["id"]
    server.put(b"abc", upload)
    server.announce(3)
    monkeypatch.setattr(desk, "UNUSED", -1)
    monkeypatch.setattr(desk, "UNTAKEN", -1)
    assert server.intake._desk.sweep() == 2
    assert server.files() == []


def test_files_that_come_together_lie_together(tmp_path: Path) -> None:
    here = desk.Desk(Limits(tmp_path))
    folder = here.receive("me", [("a.json", b"1"), ("../a.json", b"2"), ("b", b"3")]).path
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a.json": b"1", "a-2.json": b"2", "b": b"3"}
    here.drop_all()
    assert list(tmp_path.iterdir()) == []


def test_a_start_sweeps_what_a_crash_left(tmp_path: Path) -> None:
    first = desk.Desk(Limits(tmp_path))
    left = first.receive("me", [("a", b"abc")]).path
    desk.Desk(Limits(tmp_path))
    assert left.exists(), "its process lives"
    (tmp_path / "dead").mkdir()
    (tmp_path / "dead" / "a").write_bytes(b"abc")
    (tmp_path / "dead.lock").touch()
    desk.Desk(Limits(tmp_path))
    assert not (tmp_path / "dead").exists()
    first.drop_all()
    assert list(tmp_path.iterdir()) == []


def test_pages_do_not_wait_for_the_disk(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are written in threads: no write happens in the thread of the event loop but the last MiB's."""
    threads: set[int] = set()
    run = route.to_thread.run_sync

    async def watched(*args: Any) -> Any:
        threads.add(id(asyncio.current_task()))
        return await run(*args)

    monkeypatch.setattr(route.to_thread, "run_sync", watched)
    upload = server.announce(5 * MIB)[1]["id"]
    assert server.put(bytes(5 * MIB), upload)[0] == 201
    assert threads
