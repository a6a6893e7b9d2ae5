"""nginx with the project's configuration before two copies of the app: sessions stay, files shrink, copies may die."""

from __future__ import annotations

import asyncio
import gzip
import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.importers.samples import bench_file, export, result
from tests.loops import finished
from tools.app_session import app_session
from tools.uploading import upload

SESSIONS = 8


def replica(answer: httpx.Response) -> str:
    return re.search(r"headroom_replica=(\d)", answer.headers.get("Set-Cookie", "headroom_replica=0"))[1]


def test_the_first_answer_names_the_copy_and_later_ones_need_not(copies):
    with httpx.Client(base_url=copies.url) as visitor:
        first = visitor.get("/")
        assert replica(first) in ("1", "2")
        assert "HttpOnly" in first.headers["Set-Cookie"]
        assert "Set-Cookie" not in visitor.get("/").headers


def test_a_made_up_cookie_leads_to_a_copy_all_the_same(copies):
    for cookie in ("3", "1 1", "first", "'\"><script>", "1" * 5000):
        answer = httpx.get(copies.url, headers={"Cookie": f"headroom_replica={cookie}"})
        assert answer.status_code == 200
        assert re.fullmatch(r"headroom_replica=[12]; Path=/; HttpOnly; SameSite=Lax", answer.headers["Set-Cookie"])


def test_page_upload_and_media_of_a_session_meet_at_one_copy(copies, tmp_path):
    path = bench_file(tmp_path / "one.json", result())

    async def visitor(number: int) -> tuple[str, int, int, int]:
        async with app_session(copies.url) as session, httpx.AsyncClient(base_url=copies.url) as client:
            await session.visit("evidence")
            own = {"Cookie": session.cookie}
            media = await client.get(session.links["Requests (CSV)"], headers=own)
            status = await upload(client, session, f"{number}.json", path.read_bytes())
            other = {"Cookie": f"headroom_replica={3 - int(session.cookie[-1])}"}
            lost = await client.post(session.uploads, json={"name": "x", "size": 1}, headers=other)
            return session.cookie, media.status_code, status, lost.status_code

    async def all_of_them():
        return await asyncio.gather(*(visitor(number) for number in range(SESSIONS)))

    seen = finished(all_of_them())
    assert {one[0] for one in seen} == {"headroom_replica=1", "headroom_replica=2"}, "both copies have visitors"
    assert {one[1:3] for one in seen} == {(200, 201)}
    assert {one[3] for one in seen} == {403}, "at the other copy nobody knows the session"


def test_a_browser_works_through_it(copies, browser, tmp_path):
    page = browser.new_page()
    page.goto(f"{copies.url}/evidence")
    boxes = page.locator("input[type=file]")
    expect(page.get_by_text("or drop them here")).to_be_visible()
    boxes.first.set_input_files(export(tmp_path / "small.sqlite", ((7, 19, 0, 3),)))
    expect(page.get_by_text("small.sqlite: imported as run")).to_be_visible()
    boxes.nth(1).set_input_files(export(tmp_path / "large.sqlite", ((7, 29, 0, 3),)))
    expect(page.get_by_text("large.sqlite: imported as run")).to_be_visible()
    expect(
        page.locator("[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas").first
    ).to_be_visible()
    page.close()


def test_static_files_are_compressed_and_stay_the_same(copies):
    script = re.search(r'src="\./(static/js/index[^"]+)"', httpx.get(copies.url).text)[1]
    with httpx.Client(base_url=copies.url) as client:
        plain = client.get(script, headers={"Accept-Encoding": "identity"})
        with client.stream("GET", script, headers={"Accept-Encoding": "gzip"}) as small:
            body = b"".join(small.iter_raw())
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["Vary"]
    assert len(body) < 0.4 * len(plain.content)
    assert gzip.decompress(body) == plain.content


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/", 2_000_000, 413),
        ("/_stcore/upload_file/x/y", 30_000_000, 413),
        ("/upload/x", 5_000_000_000, 413),
        ("/upload/x", 2_000_000, 403),
    ],
)
def test_too_large_bodies_are_refused_before_they_travel(copies, path, size, status):
    async def told() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(copies.url).port)
        method = "POST" if path.startswith("/upload") else "PUT"
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode())
        writer.write(b"x" * 100_000)
        line = await asyncio.wait_for(reader.readline(), 20)
        writer.close()
        return line

    assert int(finished(told()).split()[1]) == status


def test_other_names_and_inner_places_are_not_served(copies):
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(copies.url, headers={"Host": "evil.example.com"})
    for path in ("metrics", "readyz", "healthz", "_stcore/metrics", "./metrics", "%6detrics"):
        assert httpx.get(f"{copies.url}/{path}").status_code == 404
    assert httpx.get(f"{copies.own_url(1)}/metrics").status_code == 200


def test_what_a_visitor_says_of_himself_is_not_believed_and_the_log_has_no_names(copies):
    httpx.get(f"{copies.url}/evidence?model=my-secret-model", headers={"X-Request-ID": "chosen-by-me"})
    lines = (copies.folders[0].parent / "access.log").read_text()
    assert "my-secret-model" not in lines
    assert "/upload/" not in lines
    assert '"place":"upload"' in lines
    assert "chosen-by-me" not in lines


def test_a_session_of_a_dead_copy_goes_on_at_the_other_and_stays_there(copies, tmp_path):
    content = bench_file(tmp_path / "later.json", result(completed=77)).read_bytes()

    async def visit(cookie: str, name: str) -> tuple[str, int]:
        async with app_session(copies.url, cookie) as session, httpx.AsyncClient(base_url=copies.url) as client:
            await session.visit("evidence")
            return session.cookie, await upload(client, session, name, content)

    async def through_a_death() -> None:
        assert (await visit("headroom_replica=1", "a.json"))[0] == "headroom_replica=1"
        copies.kill(1)
        async with app_session(copies.url, "headroom_replica=1") as session:
            assert session.cookie == "headroom_replica=2", "the answer to the WebSocket names the copy anew"
            await session.visit("evidence")
            copies.start(1)
            await asyncio.sleep(6)  # nginx tries the dead copy again after fail_timeout
            async with httpx.AsyncClient(base_url=copies.url) as client:
                assert await upload(client, session, "b.json", content) == 201
        assert (await visit("headroom_replica=1", "c.json"))[0] == "headroom_replica=1", "the copy is back"

    finished(through_a_death())
