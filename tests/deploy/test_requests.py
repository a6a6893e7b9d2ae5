"""Requests that no page of ours makes: of other sites, for other paths, with guessed names."""

from __future__ import annotations

import http.client
import tomllib
import uuid
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import websockets
from websockets.exceptions import InvalidStatus

from tests.importers.samples import bench_file, result
from tests.loops import finished
from tools.app_session import XSRF, AppSession, app_session
from tools.running_app import running_app
from tools.uploading import told_of, upload

ROOT = Path(__file__).parents[2]
EVIL = "http://evil.example.com"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with running_app(tmp_path_factory.mktemp("guarded"), HEADROOM_HOSTS="127.0.0.1") as app:
        yield app.url


def small_upload(url: str, headers: dict[str, str], cookie: str) -> int:
    """Status of a file into Streamlit's own uploader, from a session whose page has one."""

    async def sent() -> int:
        async with app_session(url, cookie) as session:
            await session.visit("evidence")
            async with httpx.AsyncClient(base_url=url) as client:
                place = f"/_stcore/upload_file/{session.id}/{uuid.uuid4()}"
                answer = await client.put(place, headers={**headers, "Cookie": cookie}, files={"file": ("a", b"x")})
                return answer.status_code

    return finished(sent())


def test_another_site_can_send_no_file(url):
    token = httpx.get(f"{url}/_stcore/health").cookies[XSRF]
    other = httpx.get(f"{url}/_stcore/health").cookies[XSRF]
    assert small_upload(url, {"X-Xsrftoken": token}, f"{XSRF}={token}") == 204
    assert small_upload(url, {}, f"{XSRF}={token}") == 403
    assert small_upload(url, {"X-Xsrftoken": other}, f"{XSRF}={token}") == 403


def test_another_site_can_open_no_session(url):
    async def opened(origin: str) -> None:
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        async with websockets.connect(address, origin=origin, subprotocols=["streamlit"]):
            pass

    finished(opened(url))
    for origin in (EVIL, url.replace("127.0.0.1", "127.0.0.1.evil.example.com"), "null"):
        with pytest.raises(InvalidStatus, match="403"):
            finished(opened(origin))


def test_another_site_may_not_read_an_answer(url):
    for path in ("", "_stcore/health", "_stcore/host-config", "upload/x", "metrics"):
        answer = httpx.get(f"{url}/{path}", headers={"Origin": EVIL})
        assert answer.headers.get("Access-Control-Allow-Origin") in (None, url)
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_another_name_is_refused(url):
    assert httpx.get(url).status_code == 200
    assert httpx.get(url, headers={"Host": "evil.example.com"}).status_code == 400

    async def opened() -> None:
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        async with websockets.connect(address, additional_headers={"Host": "evil.example.com"}):
            pass

    with pytest.raises(InvalidStatus):
        finished(opened())


@pytest.mark.parametrize(
    "place", ["", "static", "media", "component", "upload", "app/static", "_stcore/bidi-components/x"]
)
@pytest.mark.parametrize(
    "way", ["../../../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "/etc/passwd", "..\\..\\..\\etc\\passwd", "....//....//etc/passwd", "%00/etc/passwd", "..;/..;/etc/passwd"]
)  # fmt: skip
def test_no_path_leads_to_a_file_of_the_server(url, place, way):
    connection = http.client.HTTPConnection(httpx.URL(url).host, httpx.URL(url).port, timeout=20)
    connection.request("GET", f"/{place}/{way}")  # as it is: other clients tidy a path first
    body = connection.getresponse().read()
    connection.close()
    assert b"root:" not in body
    assert b"HEADROOM_" not in body


async def refusal(client: httpx.AsyncClient, address: str, content: bytes) -> int:
    """The status of a refused upload: a server that closes before all was sent may cut its own answer short."""
    for _ in range(20):
        with suppress(httpx.TransportError):
            return (await client.put(address, content=content)).status_code
    raise AssertionError("no answer")


def test_no_link_of_another_can_be_guessed_or_listed(url, tmp_path):
    content = bench_file(tmp_path / "mine.json", result()).read_bytes()

    async def tried(mine: AppSession, other: AppSession) -> tuple[list[int], str]:
        async with httpx.AsyncClient(base_url=url) as client:
            announced = await client.post(mine.uploads, json={"name": "mine.json", "size": len(content)})
            place = announced.json()["id"]
            guesses = [f"{other.uploads}/{place}", f"{mine.uploads[:-3]}AAA/{place}", f"/upload/{mine.id}/{place}"]
            refused = [await refusal(client, one, content) for one in guesses]
            listed = (await client.get(other.uploads)).json()
            refused += [(await client.get(one)).status_code for one in ("/media/x", "/upload/x")]
            assert listed == []
            assert await upload(client, mine, "mine.json", content) == 201
            return refused, await told_of(mine, "mine.json", 60)

    async def both() -> tuple[list[int], str]:
        async with app_session(url) as mine, app_session(url) as other:
            await mine.visit("evidence")
            await other.visit("evidence")
            return await tried(mine, other)

    refused, told = finished(both())
    assert set(refused) <= {403, 404, 409}
    assert "mine.json" in told


def test_a_page_tells_nothing_of_a_fault_but_that_there_is_one():
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert told["client"]["showErrorDetails"] == "none"
    assert told["server"]["enableXsrfProtection"] is True
    assert told["browser"]["gatherUsageStats"] is False
